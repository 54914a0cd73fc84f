"""Dropping rows that are identical in every column."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings

from catalog_app.store.footer import TS_INIT
from catalog_app.store.maintenance import Deduplicate, plan
from catalog_app.store.maintenance.windows import first_of_identical
from catalog_app.tests.store.maintenance.builders import (
    DIRECTORY,
    Row,
    all_values,
    files,
    in_file_order,
    intervals,
    paths,
    perform,
    put_file,
    quote_schema,
    quotes,
    rows_of,
    small_windows,
    store_of,
)


@settings(max_examples=12)
@given(files())
def test_each_row_stays_once_and_the_first_one(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]]
) -> None:
    root = tmp_path_factory.mktemp("store")
    written = store_of(root, contents)
    before = rows_of(root)
    with small_windows():
        announced, _ = perform(root, Deduplicate())
    assert rows_of(root) == dict.fromkeys(before, 1)
    assert announced.rows_before - announced.rows_after == sum(before.values()) - len(before)
    in_order = sorted(dict.fromkeys(row for rows in in_file_order(written) for row in rows), key=lambda row: row[0])
    assert sorted(all_values(root), key=lambda row: row[0]) == in_order or announced.is_noop
    assert plan(root, DIRECTORY, Deduplicate()).is_noop


def test_only_files_with_identical_rows_are_written_anew(tmp_path: Path) -> None:
    kept = [put_file(tmp_path, [(1, 1), (1, 2)]), put_file(tmp_path, [(20, 1), (21, 1)])]
    put_file(tmp_path, [(10, 1), (10, 2), (10, 1), (11, 1)])
    announced, _ = perform(tmp_path, Deduplicate())
    assert announced.untouched_files == 2
    assert set(kept) < set(paths(tmp_path))
    assert all_values(tmp_path)[2:5] == [(10, 1), (10, 2), (11, 1)]
    assert any("identical in every column to an earlier one: 1." in note for note in announced.notes)


def test_a_file_that_another_holds_too_goes(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1), (3, 1)])
    put_file(tmp_path, [(1, 1), (2, 1), (3, 1)], name="part-0.parquet")
    announced, _ = perform(tmp_path, Deduplicate())
    assert intervals(tmp_path) == [(1, 3)]
    assert (announced.rows_before, announced.rows_after) == (6, 3)


def test_files_outside_the_range_keep_their_rows(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (1, 1)])
    put_file(tmp_path, [(5, 1), (5, 1)])
    announced, _ = perform(tmp_path, Deduplicate(start_ns=4))
    assert (announced.rows_before, announced.rows_after, announced.untouched_files) == (2, 1, 1)


def test_rows_of_overlapping_files_that_differ_are_looked_at_by_file(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (1, 1), (5, 1)])
    put_file(tmp_path, [(1, 1), (4, 1)], schema=quote_schema(price_precision="3"))
    announced, _ = perform(tmp_path, Deduplicate())
    assert (announced.rows_before, announced.rows_after) == (3, 2)
    assert intervals(tmp_path) == [(1, 4), (1, 5)]


def test_rows_that_differ_in_one_column_stay(tmp_path: Path) -> None:
    table = quotes([(1, 1)] * 6, quote_schema())
    for at, name in enumerate(table.column_names):
        values = table.column(name).to_pylist()
        values[at] = values[at] + 1 if isinstance(values[at], int) else b"\1" + values[at][1:]
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    kept, left_out = first_of_identical(table)
    assert (kept.num_rows, left_out.num_rows) == (6, 0)
    twice = pa.concat_tables([table, table.slice(2, 3)])
    kept, left_out = first_of_identical(twice)
    assert kept.equals(table)
    assert left_out.equals(table.slice(2, 3))


def test_nulls_and_lists_are_compared_too() -> None:
    levels = pa.array([[{"p": 1}], [{"p": 1}], [{"p": None}], None, None, []])
    sides = pa.array(["a", "a", "a", None, None, "a"]).dictionary_encode()
    table = pa.table({"levels": levels, "side": sides, TS_INIT: pa.array([7] * 6, pa.uint64())})
    kept, left_out = first_of_identical(table)
    assert kept.column("levels").to_pylist() == [[{"p": 1}], [{"p": None}], None, []]
    assert left_out.num_rows == 2


def test_equal_rows_of_other_times_are_kept() -> None:
    table = pa.table({"price": [1, 1, 1, 2, 1], TS_INIT: pa.array([1, 2, 2, 2, 3], pa.uint64())})
    kept, left_out = first_of_identical(table)
    assert kept.to_pydict() == {"price": [1, 1, 2, 1], TS_INIT: [1, 2, 2, 3]}
    assert left_out.to_pydict() == {"price": [1], TS_INIT: [2]}
