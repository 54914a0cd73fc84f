"""Files that cannot be used at all: the message says what, where and what to do."""

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from catalog_app.formats.delimited import detect, parse_batches
from catalog_app.formats.delimited.source import MAX_RATIO, RATIO_FROM_BYTES
from catalog_app.formats.errors import FormatError
from catalog_app.tests.formats.files import BAR_HEADER, BAR_ROWS, BARS, write, write_gzip, write_zip


def refusal(path: Path, **options: int) -> FormatError:
    with pytest.raises(FormatError) as caught:
        detect(path, "vendor-file.csv", **options)
    assert caught.value.where == "vendor-file.csv"
    assert caught.value.action
    return caught.value


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \n\n \n", "empty"),
        (b"PAR1" + bytes(100), "Parquet"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<!DOCTYPE html><p>404", "web page"),
        (bytes(range(256)) * 10, "binary"),
        (b"\x00\x01", "binary"),
        ("Жж, ".encode("cp1251") * 400 + b"\n", "UTF-8"),
        (b"just some words\nand more of them, without a table\nat all\nreally\nnone", "not a CSV"),
        (b"timestamp,open,high,low,close\n", "no rows"),
        (b"a,b\r1,2\r3,4\r", "bare CR"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    assert what in refusal(write(tmp_path, content)).what


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    assert "not a CSV" in refusal(write(tmp_path, os.urandom(5_000))).what


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(os.urandom(3_000).hex().encode())
    assert "damaged" in refusal(write(tmp_path, whole[:-200])).what


def test_a_damaged_zip_file_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"a.csv": BAR_HEADER + BAR_ROWS})
    path.write_bytes(path.read_bytes()[:60])
    assert "zip" in refusal(path).what


def test_a_zip_with_several_data_files_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"a.csv": BAR_HEADER + BAR_ROWS, "b.csv": BAR_HEADER + BAR_ROWS})
    assert "2 files" in refusal(path).what


def test_an_empty_zip_is_refused(tmp_path: Path) -> None:
    assert "no file" in refusal(write_zip(tmp_path, {})).what


def test_a_report_beside_the_one_table_is_left_out_with_a_warning(tmp_path: Path) -> None:
    found = detect(write_zip(tmp_path, {"a.csv": BAR_HEADER + BAR_ROWS, "a.txt": "HistData status report"}))
    assert found.data_type == "bar"
    assert any("a.txt" in warning for warning in found.warnings)


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "folder/a.csv", "C:a.csv", "..\\a.csv"])
def test_a_path_in_the_member_name_is_refused(tmp_path: Path, name: str) -> None:
    assert "path" in refusal(write_zip(tmp_path, {name: BAR_HEADER + BAR_ROWS})).what


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = gzip.compress((BAR_HEADER + BAR_ROWS).encode())
    assert "inside" in refusal(write(tmp_path, gzip.compress(inner))).what


def bomb_text() -> str:
    return BAR_HEADER + BAR_ROWS.splitlines(keepends=True)[0] * (RATIO_FROM_BYTES * 2 // 55)


def test_a_zip_that_states_a_bombs_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    assert "bomb" in refusal(write_zip(tmp_path, {"a.csv": bomb_text()})).what


def test_a_bomb_is_stopped_while_it_expands(tmp_path: Path) -> None:
    path = write_gzip(tmp_path, bomb_text())
    assert path.stat().st_size * MAX_RATIO < RATIO_FROM_BYTES * 2
    taken = 0
    with pytest.raises(FormatError, match="bomb"):
        for batch in parse_batches(path, BARS, batch_rows=10_000, price_precision=5, size_precision=0):
            taken += batch.frame.height
    assert 0 < taken * 55 < RATIO_FROM_BYTES * 1.2


def test_the_limit_of_decompressed_bytes_holds(tmp_path: Path) -> None:
    path = write_gzip(tmp_path, BAR_HEADER + BAR_ROWS * 1_000)
    with pytest.raises(FormatError, match="more than the allowed 50,000 bytes"):
        list(parse_batches(path, BARS, price_precision=5, size_precision=0, max_bytes=50_000))


def test_a_zip_that_states_too_large_a_member_is_refused_at_once(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"a.csv": BAR_HEADER + BAR_ROWS * 1_000})
    assert "allowed" in refusal(path, max_bytes=1_000).what


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"a.csv": BAR_HEADER + BAR_ROWS})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    content[6] |= 1  # flag bits of the member's own header
    content[directory + 8] |= 1  # and of the directory
    path.write_bytes(bytes(content))
    assert "encrypted" in refusal(path).what


def test_a_missing_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    path = write(tmp_path, "timestamp,open,high,low,last\n2024-01-02 00:00:00,1,1,1,1\n")
    with pytest.raises(FormatError, match=r"no column 'close' for close; columns are timestamp, open, high, low, last"):
        list(parse_batches(path, BARS, price_precision=5, size_precision=0))


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, BAR_HEADER + "1" * (3 * 2**20))
    with pytest.raises(FormatError, match="longer than"):
        list(parse_batches(path, BARS, price_precision=5, size_precision=0))


def test_a_header_alone_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no rows"):
        list(parse_batches(write(tmp_path, BAR_HEADER), BARS, price_precision=5, size_precision=0))
