"""Sorting rows, and splitting overlaps."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings

from catalog_app.store.errors import StoreError
from catalog_app.store.maintenance import SortRows, SplitOverlaps, plan
from catalog_app.tests.store.maintenance.builders import (
    DIRECTORY,
    Row,
    all_values,
    files,
    in_file_order,
    intervals,
    names_are_true,
    paths,
    perform,
    put_file,
    quote_schema,
    rows_of,
    small_windows,
    store_of,
    times_of,
)


def sorted_stably(written: dict[str, list[Row]]) -> list[Row]:
    return sorted((row for rows in in_file_order(written) for row in rows), key=lambda row: row[0])


@settings(max_examples=12)
@given(files())
def test_sorting_orders_all_rows_and_keeps_those_of_one_time(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]]
) -> None:
    root = tmp_path_factory.mktemp("store")
    written = store_of(root, contents)
    before = rows_of(root)
    with small_windows():
        perform(root, SortRows())
    assert rows_of(root) == before
    assert all(times_of(root, path) == sorted(times_of(root, path)) for path in paths(root))
    assert all_values(root) == sorted_stably(written)
    assert plan(root, DIRECTORY, SortRows()).is_noop


@settings(max_examples=12)
@given(files())
def test_split_files_share_no_nanosecond(tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]]) -> None:
    root = tmp_path_factory.mktemp("store")
    written = store_of(root, contents)
    before = rows_of(root)
    with small_windows():
        perform(root, SplitOverlaps())
    assert rows_of(root) == before
    assert len(paths(root)) <= len(contents)
    assert all(one[1] < other[0] for one, other in pairwise(sorted(intervals(root))))
    assert plan(root, DIRECTORY, SplitOverlaps()).is_noop
    perform(root, SortRows())
    assert all_values(root) == sorted_stably(written)


def test_a_file_in_order_stays_when_another_is_sorted(tmp_path: Path) -> None:
    kept = put_file(tmp_path, [(1, 1), (2, 1)])
    put_file(tmp_path, [(5, 1), (3, 2), (3, 1)])
    announced, _ = perform(tmp_path, SortRows())
    assert (announced.untouched_files, [file.start_ns for file in announced.files_before]) == (1, [3])
    assert all_values(tmp_path) == [(1, 1), (2, 1), (3, 2), (3, 1), (5, 1)]
    assert kept in paths(tmp_path)


def test_disorder_across_row_groups_and_batches_is_seen(tmp_path: Path) -> None:
    put_file(tmp_path, [(time, 1) for time in (1, 2, 3, 2, 3, 4)], group=3)
    announced, _ = perform(tmp_path, SortRows())
    assert announced.rows_before == 6
    assert times_of(tmp_path, paths(tmp_path)[0]) == [1, 2, 2, 3, 3, 4]


def test_a_shared_nanosecond_goes_to_one_file(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (5, 1)])
    put_file(tmp_path, [(5, 2), (9, 1)])
    assert plan(tmp_path, DIRECTORY, SortRows()).is_noop
    perform(tmp_path, SplitOverlaps())
    assert intervals(tmp_path) == [(1, 1), (5, 9)]
    assert all_values(tmp_path) == [(1, 1), (5, 1), (5, 2), (9, 1)]
    assert names_are_true(tmp_path)


def test_a_file_within_another_splits_it(tmp_path: Path) -> None:
    put_file(tmp_path, [(at, 1) for at in range(0, 100, 10)])
    put_file(tmp_path, [(45, 2), (55, 2)])
    perform(tmp_path, SplitOverlaps())
    assert intervals(tmp_path) == [(0, 40), (45, 90)]


def test_rows_without_statistics_are_sorted_too(tmp_path: Path) -> None:
    put_file(tmp_path, [(at * 7 % 20, at) for at in range(20)], write_statistics=False)
    put_file(tmp_path, [(at + 10, 1) for at in range(20)], write_statistics=False)
    with small_windows():
        perform(tmp_path, SplitOverlaps())
    assert intervals(tmp_path) == [(0, 9), (10, 29)]


def test_the_last_nanosecond_of_the_scale_is_sorted(tmp_path: Path) -> None:
    last = 2**63 - 1
    put_file(tmp_path, [(last, 1), (0, 1), (last, 2)])
    perform(tmp_path, SortRows())
    assert all_values(tmp_path) == [(0, 1), (last, 1), (last, 2)]


def test_overlaps_of_files_that_differ_stay(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (5, 1)])
    put_file(tmp_path, [(4, 2), (9, 1)], schema=quote_schema(size_precision="1"))
    put_file(tmp_path, [(20, 1), (30, 1)])
    put_file(tmp_path, [(25, 1), (35, 1)])
    announced, _ = perform(tmp_path, SplitOverlaps())
    assert intervals(tmp_path) == [(1, 5), (4, 9), (20, 20), (25, 35)]
    assert any("size precision differs (0, 1)" in note for note in announced.notes)


@pytest.mark.parametrize("request_", [SortRows(), SplitOverlaps()], ids=str)
def test_files_of_two_bar_types_are_refused(tmp_path: Path, request_: SortRows | SplitOverlaps) -> None:
    put_file(tmp_path, [(1, 1)], schema=quote_schema(bar_type="A"))
    put_file(tmp_path, [(3, 1)], schema=quote_schema(bar_type="B"))
    with pytest.raises(StoreError, match="different bar types"):
        plan(tmp_path, DIRECTORY, request_)
