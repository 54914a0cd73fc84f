"""True names without writing, and other compression and row groups."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.layout import format_file_name
from catalog_app.store.maintenance import Recompress, RenameFiles, plan
from catalog_app.tests.store.maintenance.builders import (
    DIRECTORY,
    Row,
    files,
    names_are_true,
    paths,
    perform,
    put_file,
    quote_schema,
    rows_of,
    store_of,
    times_of,
)


def name(start: int, end: int) -> str:
    return format_file_name(start, end)


def test_names_become_the_rows_interval_without_a_byte_written(tmp_path: Path) -> None:
    wrong = {"part-0.parquet": (1, 2), name(0, 90): (3, 4), name(500, 600): (5, 6)}
    inodes = set()
    for given_name, (start, end) in wrong.items():
        inodes.add((tmp_path / put_file(tmp_path, [(start, 1), (end, 1)], name=given_name)).stat().st_ino)
    kept = put_file(tmp_path, [(7, 1), (8, 1)])
    announced, outcome = perform(tmp_path, RenameFiles())
    assert names_are_true(tmp_path)
    assert announced.bytes_exact
    assert announced.untouched_files == 1
    assert outcome.bytes_before == outcome.bytes_after
    assert {(tmp_path / path).stat().st_ino for path in paths(tmp_path) if path != kept} == inodes


def test_names_can_be_exchanged(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1)], name=name(3, 4))
    put_file(tmp_path, [(3, 1), (4, 1)], name=name(1, 2))
    perform(tmp_path, RenameFiles())
    assert names_are_true(tmp_path)


def test_a_name_that_is_taken_is_not_given(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1)])
    put_file(tmp_path, [(1, 1), (2, 1)], name="part-0.parquet")
    put_file(tmp_path, [(5, 1), (6, 1)], name="part-1.parquet")
    put_file(tmp_path, [(5, 1), (6, 1)], name="part-2.parquet")
    announced, _ = perform(tmp_path, RenameFiles())
    assert announced.is_noop
    assert any("part-0.parquet, part-1.parquet, part-2.parquet: another file has" in note for note in announced.notes)


@settings(max_examples=12)
@given(files(), st.sampled_from(["zstd", "snappy", "none"]))
def test_recompressing_keeps_rows_order_and_names(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], compression: str
) -> None:
    root = tmp_path_factory.mktemp("store")
    written = store_of(root, contents)
    request = Recompress(compression)  # type: ignore[arg-type]
    announced, _ = perform(root, request)
    assert announced.untouched_files == (
        sum(len(rows) == 1 for rows in contents) if compression == "snappy" else 0
    ) or (announced.untouched_files <= len(contents))
    assert {path: times_of(root, path) for path in paths(root)} == {
        path: [time for time, _ in rows] for path, rows in sorted(written.items())
    }
    codec = {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    for path in paths(root):
        metadata = pq.read_metadata(root / path)
        assert metadata.num_row_groups == 1
        assert {metadata.row_group(0).column(at).compression for at in range(metadata.num_columns)} == {codec}
    assert plan(root, DIRECTORY, request).is_noop


def test_row_groups_get_the_size_asked_for(tmp_path: Path) -> None:
    put_file(tmp_path, [(at, at) for at in range(2_500)], group=100)
    before = rows_of(tmp_path)
    perform(tmp_path, Recompress(row_group_rows=1_000))
    metadata = pq.read_metadata(tmp_path / paths(tmp_path)[0])
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [1_000, 1_000, 500]
    assert rows_of(tmp_path) == before
    assert plan(tmp_path, DIRECTORY, Recompress(row_group_rows=1_000)).is_noop


def test_8_byte_files_stay_so_and_a_note_says_what_to_do(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1)], schema=quote_schema(8))
    announced, _ = perform(tmp_path, Recompress())
    assert any("convert the store" in note for note in announced.notes)
    assert pq.read_schema(tmp_path / paths(tmp_path)[0]).equals(quote_schema(8), check_metadata=True)
