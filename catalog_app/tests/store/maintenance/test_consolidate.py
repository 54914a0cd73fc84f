"""Consolidating: fewer files, or one per period, with the same rows."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.errors import StoreError
from catalog_app.store.maintenance import Consolidate, plan
from catalog_app.store.maintenance.periods import period_starts
from catalog_app.store.maintenance.requests import PERIODS, Period
from catalog_app.tests.store.maintenance.builders import (
    DAY,
    DIRECTORY,
    HOUR,
    Row,
    files,
    intervals,
    names_are_true,
    paths,
    perform,
    put_file,
    quote_schema,
    rows_of,
    store_of,
    times_of,
)


def period_of(ns: int, period: str) -> tuple[int, ...]:
    """Which period a time is in, by the standard library's calendar."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    parts = (moment.year, moment.month, moment.day, moment.hour)
    if period == "week":
        return moment.isocalendar()[:2]
    return parts[: {"year": 1, "month": 2, "day": 3, "hour": 4}[period]]


@settings(max_examples=12)
@given(files(unit=5 * HOUR), st.sampled_from(PERIODS))
def test_a_period_has_its_own_files(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], period: Period
) -> None:
    root = tmp_path_factory.mktemp("store")
    store_of(root, contents)
    before = rows_of(root)
    perform(root, Consolidate(period=period))
    assert rows_of(root) == before
    found = [{period_of(time, period) for time in times_of(root, path)} for path in paths(root)]
    assert all(len(periods) == 1 for periods in found)
    assert len(found) == len({one for periods in found for one in periods})
    assert plan(root, DIRECTORY, Consolidate(period=period)).is_noop


@settings(max_examples=12)
@given(files(), st.integers(1, 30))
def test_files_come_near_the_target(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], target: int
) -> None:
    root = tmp_path_factory.mktemp("store")
    store_of(root, contents)
    before = rows_of(root)
    announced, _ = perform(root, Consolidate(target_rows=target))
    assert rows_of(root) == before
    sizes = [len(times_of(root, path)) for path in paths(root)]
    largest_tie = max(before_at for before_at in _ties(before))
    assert all(size < 2 * target + largest_tie for size in sizes)
    found = intervals(root)
    if len(found) > 1:
        assert all(one[1] < other[0] for one, other in pairwise(sorted(found)))
    for path in {file.path for file in announced.files_after}:
        assert times_of(root, path) == sorted(times_of(root, path))


def _ties(rows: dict[tuple[object, ...], int]) -> list[int]:
    times: dict[object, int] = {}
    for row, count in rows.items():
        times[row[-1]] = times.get(row[-1], 0) + count
    return list(times.values())


@given(st.integers(0, 2**62), st.integers(0, 60 * DAY), st.sampled_from(PERIODS))
def test_period_starts_are_those_of_the_calendar(start: int, length: int, period: Period) -> None:
    starts = period_starts(period, start, start + length)
    edges = [start, *starts, start + length + 1]
    assert edges == sorted(edges)
    for one in starts:
        assert period_of(one - 1000, period) != period_of(one, period)
    wanted = {period_of(time, period) for time in range(start, start + length + 1, HOUR)} if length < 3 * DAY else None
    assert wanted is None or wanted <= {period_of(time, period) for time in edges[:-1]}


def test_weeks_start_on_monday() -> None:
    monday = datetime(2024, 12, 30, tzinfo=UTC)  # the first day of ISO week 1 of 2025
    ns = int(monday.timestamp()) * 10**9
    assert period_starts("week", ns - DAY, ns + 8 * DAY) == [ns, ns + 7 * DAY]


def test_neighbours_are_joined_while_that_brings_them_nearer_to_the_target(tmp_path: Path) -> None:
    for number in range(6):
        put_file(tmp_path, [(number * 100 + at, 1) for at in range(6)])
    perform(tmp_path, Consolidate(target_rows=10))  # 12 is nearer to 10 than 6
    assert [len(times_of(tmp_path, path)) for path in paths(tmp_path)] == [12, 12, 12]
    assert names_are_true(tmp_path)
    assert plan(tmp_path, DIRECTORY, Consolidate(target_rows=10)).is_noop


def test_a_file_of_twice_the_target_is_cut_between_times(tmp_path: Path) -> None:
    put_file(tmp_path, [(at // 4, at) for at in range(40)])
    perform(tmp_path, Consolidate(target_rows=10))
    assert intervals(tmp_path) == [(0, 1), (2, 4), (5, 6), (7, 9)]


def test_bytes_are_a_target_too(tmp_path: Path) -> None:
    for number in range(8):
        put_file(tmp_path, [(number * 100 + at, 1) for at in range(50)])
    size = (tmp_path / paths(tmp_path)[0]).stat().st_size
    announced, _ = perform(tmp_path, Consolidate(target_bytes=4 * size))
    assert [file.rows for file in announced.files_after] == [200, 200]
    assert not announced.bytes_exact


def test_whole_files_of_large_row_groups_are_joined_byte_for_byte(tmp_path: Path) -> None:
    for number in range(3):
        rows = [(number * 10_000 + at, at % 50) for at in range(5_000)]
        put_file(tmp_path, rows, group=5_000, compression="snappy")
    before = rows_of(tmp_path)
    announced, _ = perform(tmp_path, Consolidate(target_rows=15_000))
    [step] = announced.steps
    assert step.method == "join"
    assert any("byte for byte" in note for note in announced.notes)
    [path] = paths(tmp_path)
    assert rows_of(tmp_path) == before
    assert times_of(tmp_path, path) == sorted(times_of(tmp_path, path))
    assert pq.read_metadata(tmp_path / path).row_group(2).column(0).compression == "SNAPPY"


def test_small_row_groups_are_written_anew(tmp_path: Path) -> None:
    for number in range(3):
        put_file(tmp_path, [(number * 100 + at, at) for at in range(50)], group=10)
    announced, _ = perform(tmp_path, Consolidate(target_rows=150))
    assert [step.method for step in announced.steps] == ["stream"]
    metadata = pq.read_metadata(tmp_path / paths(tmp_path)[0])
    assert (metadata.num_row_groups, metadata.row_group(0).column(0).compression) == (1, "ZSTD")
    assert pq.read_schema(tmp_path / paths(tmp_path)[0]).equals(quote_schema(), check_metadata=True)


def test_files_outside_the_range_stay(tmp_path: Path) -> None:
    for number in range(6):
        put_file(tmp_path, [(number * 10, 1), (number * 10 + 5, 1)])
    announced, _ = perform(tmp_path, Consolidate(target_rows=100, start_ns=15, end_ns=30))
    assert intervals(tmp_path) == [(0, 5), (10, 35), (40, 45), (50, 55)]
    assert announced.untouched_files == 3


def test_what_cannot_be_read_is_left_alone_and_not_joined_over(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1)])
    put_file(tmp_path, [(3, 1), (4, 1)])
    between = put_file(tmp_path, [(5, 1), (6, 1)])
    (tmp_path / between).write_bytes(b"PAR1 rubbish")
    put_file(tmp_path, [(7, 1), (8, 1)])
    put_file(tmp_path, [(9, 1), (10, 1)])
    announced = plan(tmp_path, DIRECTORY, Consolidate(target_rows=100))
    assert [(file.start_ns, file.end_ns) for file in announced.files_after] == [(1, 4), (7, 10)]
    assert any(between.rpartition("/")[2] in note and "left alone" in note for note in announced.notes)
    assert announced.untouched_files == 1


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (quote_schema(price_precision="3"), "price precision differs"),
        (quote_schema(8), "one dialect"),
        (quote_schema(origin="elsewhere"), "metadata differs"),
    ],
)
def test_files_that_differ_are_not_joined(tmp_path: Path, other: object, why: str) -> None:
    for number in range(4):
        put_file(tmp_path, [(number * 10, 1), (number * 10 + 5, 1)], schema=other if number > 1 else None)
    announced, _ = perform(tmp_path, Consolidate(target_rows=100))
    assert intervals(tmp_path) == [(0, 15), (20, 35)]
    assert any(why in note for note in announced.notes)


def test_overlapping_files_that_differ_are_left_alone(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (5, 1)])
    put_file(tmp_path, [(3, 1), (9, 1)], schema=quote_schema(price_precision="3"))
    announced, _ = perform(tmp_path, Consolidate(target_rows=100))
    assert announced.is_noop
    assert any("overlap but are left alone" in note for note in announced.notes)


def test_files_of_two_instruments_are_refused(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1)])
    put_file(tmp_path, [(3, 1)], schema=quote_schema(instrument_id="GBP/USD.SIM"))
    with pytest.raises(StoreError, match=r"different instrument ids \(EUR/USD.SIM, GBP/USD.SIM\)"):
        plan(tmp_path, DIRECTORY, Consolidate(target_rows=100))


def test_a_name_that_promised_more_becomes_true(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (2, 1)], name="1970-01-01T00-00-00-000000000Z_1970-01-01T00-00-00-000000005Z.parquet")
    put_file(tmp_path, [(8, 1)], name="part-0.parquet")
    announced, _ = perform(tmp_path, Consolidate(target_rows=100))
    assert names_are_true(tmp_path)
    assert any("true intervals" in note for note in announced.notes)
