"""What cannot be merged is refused with the file's name and the reason, before anything is copied."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from catalog_app.store.errors import StoreError, UnreadableFile, UnsupportedFile
from catalog_app.store.parquet import merge as parquet_merge
from catalog_app.store.parquet import thrift_compact
from catalog_app.store.parquet.footer import ROW_GROUPS, read_raw_footer
from catalog_app.store.parquet.merge import merge, mergeable
from catalog_app.store.parquet.positions import Parts, put_together

TIMES = pa.schema([pa.field("ts_init", pa.uint64(), nullable=False)], metadata={"instrument_id": "A.B"})


def times(*values: int, schema: pa.Schema = TIMES) -> pa.Table:
    return pa.Table.from_arrays([pa.array(values, field.type) for field in schema], schema=schema)


def refused(root: Path, *paths: str) -> str:
    """Why files are not mergeable; merge must say the same and leave no file."""
    reason = mergeable(root, paths)
    assert reason is not None
    with pytest.raises(UnsupportedFile) as refusal:
        merge(root, paths, root / "merged")
    assert str(refusal.value) == reason
    assert not (root / "merged").exists()
    return reason


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (pa.schema([pa.field("ts_init", pa.int64(), nullable=False)], metadata=TIMES.metadata), "columns"),
        (pa.schema([pa.field("ts_init", pa.uint64())], metadata=TIMES.metadata), "columns"),
        (pa.schema([*TIMES, pa.field("more", pa.uint64())], metadata=TIMES.metadata), "columns"),
        (TIMES.with_metadata({"instrument_id": "C.D"}), "instrument_id is 'C.D', that of a is 'A.B'"),
        (
            TIMES.with_metadata({"instrument_id": "A.B", "price_precision": "2"}),
            "price_precision is '2', .* is missing",
        ),
        (TIMES.remove_metadata(), "instrument_id is missing"),
    ],
    ids=["type", "nullable", "column", "instrument", "precision", "no metadata"],
)
def test_files_that_differ_are_not_merged(tmp_path: Path, schema: pa.Schema, reason: str) -> None:
    pq.write_table(times(1), tmp_path / "a")
    pq.write_table(times(2, schema=schema), tmp_path / "b")

    assert refused(tmp_path, "a", "b").startswith("b: its ")
    with pytest.raises(UnsupportedFile, match=reason):
        merge(tmp_path, ["a", "b"], tmp_path / "merged")


def test_what_a_writer_notes_about_itself_does_not_matter(tmp_path: Path) -> None:
    pq.write_table(times(1), tmp_path / "a")
    noted = TIMES.with_metadata({"instrument_id": "A.B", "rows_per_group": "5000"})
    pq.write_table(times(2, schema=noted), tmp_path / "b")

    assert mergeable(tmp_path, ["a", "b"]) is None
    merge(tmp_path, ["a", "b"], tmp_path / "merged")
    assert pq.read_table(tmp_path / "merged")["ts_init"].to_pylist() == [1, 2]


def test_arrow_types_that_parquet_does_not_show_must_agree(tmp_path: Path) -> None:
    plain = pa.schema([pa.field("name", pa.string()), *TIMES])
    coded = pa.schema([pa.field("name", pa.dictionary(pa.int32(), pa.string())), *TIMES])
    pq.write_table(pa.table([["x"], [1]], schema=plain), tmp_path / "a")
    pq.write_table(pa.table([["x"], [2]], schema=coded), tmp_path / "b")
    pq.write_table(pa.table([["x"], [2]], schema=plain), tmp_path / "c", store_schema=False)

    assert refused(tmp_path, "a", "b") == "b: its Arrow types are not those of a"
    assert refused(tmp_path, "a", "c") == "c: its Arrow types are not those of a"


def test_an_arrow_schema_that_is_none_does_not_agree(tmp_path: Path) -> None:
    pq.write_table(times(1), tmp_path / "a")
    for text in (b"not base64!", base64.b64encode(b"no schema")):
        with pq.ParquetWriter(tmp_path / "b", TIMES, store_schema=False) as writer:
            writer.write_table(times(2))
            writer.add_key_value_metadata({"ARROW:schema": text, "instrument_id": "A.B"})
        assert "Arrow types" in refused(tmp_path, "a", "b")


class _Kms(pe.KmsClient):
    """Keys wrapped by nothing: the files only have to look encrypted."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_encrypted_files_are_refused(tmp_path: Path, plaintext_footer: bool) -> None:
    configuration = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["ts_init"]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: _Kms())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    with pq.ParquetWriter(tmp_path / "a", TIMES, encryption_properties=properties) as writer:
        writer.write_table(times(1))

    assert "decrypt the file first" in refused(tmp_path, "a")


def test_columns_in_other_files_are_refused(tmp_path: Path) -> None:
    pq.write_table(times(1), tmp_path / "a")
    metadata = pq.read_metadata(tmp_path / "a")
    metadata.set_file_path("a")
    metadata.write_metadata_file(str(tmp_path / "_metadata"))

    assert "the column is in another file" in refused(tmp_path, "_metadata")


def _with_footer(path: Path, content: bytes) -> None:
    """Replace a file's footer."""
    with pa.OSFile(str(path)) as file:
        start = read_raw_footer(file, path.name).start
    path.write_bytes(path.read_bytes()[:start] + content + len(content).to_bytes(4, "little") + b"PAR1")


def _footer(path: Path) -> bytes:
    with pa.OSFile(str(path)) as file:
        return read_raw_footer(file, path.name).content


def test_fields_of_a_newer_format_are_refused(tmp_path: Path) -> None:
    """They could hold positions that would stay as they are."""
    pq.write_table(times(1), tmp_path / "a")
    footer = _footer(tmp_path / "a")
    (end,) = [end for field, _, _, end in thrift_compact.fields(footer) if field == ROW_GROUPS]
    newer = thrift_compact.field_header(0, 20, thrift_compact.INTEGER) + b"\2"

    _with_footer(tmp_path / "a", footer[: end - 1] + newer + footer[end - 1 :])
    assert pq.read_table(tmp_path / "a")["ts_init"].to_pylist() == [1]
    assert "field 20 of RowGroup is not known" in refused(tmp_path, "a")

    _with_footer(tmp_path / "a", footer[:-1] + newer + b"\0")
    assert "field 20 of FileMetaData is not known" in refused(tmp_path, "a")


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1\0\0\0\0PAR1", b"PAR1" + b"\xff" * 8 + b"PAR1", b"text" * 20, b"PAR1" + b"x" * 40],
    ids=["empty", "magic", "no footer", "long footer", "text", "no end"],
)
def test_what_is_no_parquet_file_is_unreadable(tmp_path: Path, content: bytes) -> None:
    pq.write_table(times(1), tmp_path / "a")
    (tmp_path / "b").write_bytes(content)

    for attempt in (lambda: mergeable(tmp_path, ["a", "b"]), lambda: merge(tmp_path, ["a", "b"], tmp_path / "merged")):
        with pytest.raises(UnreadableFile, match=r"^b: "):
            attempt()


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="does not exist"):
        mergeable(tmp_path, ["a"])


def test_a_damaged_footer_never_ends_in_another_error(tmp_path: Path) -> None:
    """Only looked at: PyArrow, which reads a merged file back, aborts the process on some damaged footers."""
    pq.write_table(times(*range(40)), tmp_path / "a", row_group_size=20, write_page_index=True)
    footer = _footer(tmp_path / "a")
    refusals = 0
    for at in range(len(footer)):
        for change in (0x10, 0xFF):
            _with_footer(tmp_path / "a", footer[:at] + bytes([footer[at] ^ change]) + footer[at + 1 :])
            try:
                refusals += mergeable(tmp_path, ["a"]) is not None
            except StoreError:
                refusals += 1
    assert refusals > len(footer) / 4


def test_a_footer_with_something_behind_it_is_unreadable(tmp_path: Path) -> None:
    pq.write_table(times(1), tmp_path / "a")
    _with_footer(tmp_path / "a", _footer(tmp_path / "a") + b"\0")

    with pytest.raises(UnreadableFile, match="length"):
        mergeable(tmp_path, ["a"])


def test_too_many_row_groups_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(times(1, 2, 3), tmp_path / "a", row_group_size=1)
    pq.write_table(times(4, 5, 6), tmp_path / "b", row_group_size=1)
    monkeypatch.setattr(parquet_merge, "MAX_ROW_GROUPS", 5)

    assert "more than 5 row groups; regroup" in refused(tmp_path, "a", "b")


def test_footers_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(times(1), tmp_path / "a")
    monkeypatch.setattr(parquet_merge, "MAX_FOOTER_BYTES", 100)

    assert "more than 100; regroup" in refused(tmp_path, "a")


def test_no_files_are_no_merge(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"):
        merge(tmp_path, [], tmp_path / "merged")


def test_files_out_of_order_are_noticed(tmp_path: Path) -> None:
    pq.write_table(times(1, 5), tmp_path / "a")
    pq.write_table(times(4, 6), tmp_path / "b")

    with pytest.raises(StoreError, match="row group 1 of the merged file starts before the end"):
        merge(tmp_path, ["a", "b"], tmp_path / "merged")


def test_a_file_that_gets_shorter_meanwhile_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(times(*range(100)), tmp_path / "a")

    def shorten(parts: Sequence[Parts]) -> bytes:
        with (tmp_path / "a").open("r+b") as file:
            file.truncate(50)
        return put_together(parts)

    monkeypatch.setattr(parquet_merge, "put_together", shorten)
    with pytest.raises(UnreadableFile, match="became shorter"):
        merge(tmp_path, ["a"], tmp_path / "merged")


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    pq.write_table(times(1), tmp_path / "a")

    with pytest.raises(StoreError, match="the disk is full: free some space"):
        merge(tmp_path, ["a"], Path("/dev/full"))
