"""The writer within its transaction: order, names, neighbours, refusals."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import InvalidRows, Overlap, StoreError, UnsortedRows
from catalog_app.store.layout import dataset_path, format_file_name
from catalog_app.store.reader import scan
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.store.frames import BAR_TYPE, INSTRUMENT, UNIT, frame, write
from catalog_app.tests.store.trees import leftovers, put, tree


@contextmanager
def fails_after(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size: writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_wrong_row_is_named_by_its_position_over_all_batches(tmp_path: Path) -> None:
    bad = frame("quote", [2, 3]).with_columns(bid_price=pl.Series([UNIT, None], dtype=pl.Int128))
    with pytest.raises(InvalidRows, match="row 2: bid_price is empty"):
        write(tmp_path, "quote", frame("quote", [1]), bad, price_precision=5, size_precision=2)
    assert tree(tmp_path) == {}
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("times", [[[2, 1]], [[1, 5], [4, 6]]])
def test_unsorted_rows_are_refused_within_and_across_batches(tmp_path: Path, times: list[list[int]]) -> None:
    with pytest.raises(UnsortedRows, match="sorted by ts_init"):
        write(tmp_path, "quote", *(frame("quote", batch) for batch in times))
    assert tree(tmp_path) == {}


def test_equal_times_are_kept_in_their_order(tmp_path: Path) -> None:
    one = pl.concat([frame("quote", [5, 5], price=UNIT), frame("quote", [5], price=2 * UNIT)])
    committed = write(tmp_path, "quote", one)
    assert scan(tmp_path, [committed.files_after[0].path], "quote").collect().equals(one)


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    assert write(tmp_path, "bar", frame("bar", [])).files_after == []
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("change", [lambda f: f.drop("ts_event"), lambda f: f.cast({"bid_price": pl.Int64})])
def test_other_columns_are_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(InvalidRows, match="columns must be"):
        write(tmp_path, "quote", change(frame("quote", [1])))


@pytest.mark.parametrize(
    "terms",
    [
        {"data_type": "custom"},
        {"version": "v3"},
        {"compression": "zip"},
        {"row_group_rows": 0},
        {"price_precision": None},
        {"size_precision": None},
        {"instrument_id": "EURUSD"},
        {"price_precision": 17},
        {"size_precision": -1},
        {"bar_type": BAR_TYPE},
        {"data_type": "bar"},
        {"data_type": "bar", "bar_type": "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"},
        {"data_type": "bar", "bar_type": "EUR/USD.SIM-1-MINUTE"},
    ],
)
def test_wrong_identities_are_refused(tmp_path: Path, terms: dict[str, Any]) -> None:
    good = {"data_type": "quote", "instrument_id": INSTRUMENT, "price_precision": 5, "size_precision": 0}
    arguments = good | terms
    with Transaction(tmp_path, "test", "d") as tx, pytest.raises(ValueError, match=r"\w"):
        DatasetWriter(tx, arguments.pop("data_type"), arguments.pop("instrument_id"), **arguments)


@pytest.mark.parametrize(
    ("times", "free"),
    [([20, 30], False), ([1, 10], False), ([12, 13], False), ([1, 99], False), ([21, 30], True), ([1, 9], True)],
)
def test_intervals_must_not_touch_as_upstream_has_it(tmp_path: Path, times: list[int], free: bool) -> None:
    from nautilus_trader.persistence.catalog.parquet import _are_intervals_disjoint

    assert _are_intervals_disjoint(sorted([(10, 20), (times[0], times[-1])])) == free
    write(tmp_path, "quote", frame("quote", [10, 20]))
    if free:
        write(tmp_path, "quote", frame("quote", times))
        assert len(tree(tmp_path)) == 2
    else:
        with pytest.raises(Overlap, match="overlaps 1970-01-01T00-00-00-000000010Z"):
            write(tmp_path, "quote", frame("quote", times))
        assert len(tree(tmp_path)) == 1


def test_a_file_that_leaves_does_not_overlap(tmp_path: Path) -> None:
    [old] = write(tmp_path, "quote", frame("quote", [10, 20])).files_after
    write(tmp_path, "quote", frame("quote", [15, 30]), remove=(old.path,))
    assert [path.rsplit("/", 1)[1] for path in tree(tmp_path)] == [format_file_name(15, 30)]


def test_rows_count_where_a_name_lies(tmp_path: Path) -> None:
    [old] = write(tmp_path, "quote", frame("quote", [10, 20])).files_after
    (tmp_path / old.path).rename((tmp_path / old.path).with_name(format_file_name(500, 600)))
    for times in ([15], [550]):
        with pytest.raises(Overlap):
            write(tmp_path, "quote", frame("quote", times))
    write(tmp_path, "quote", frame("quote", [700]))


def test_an_unreadable_neighbour_counts_by_its_name(tmp_path: Path) -> None:
    directory = dataset_path("quote", INSTRUMENT)
    put(tmp_path, f"{directory}/{format_file_name(10, 20)}", "rubbish")
    put(tmp_path, f"{directory}/part-0.parquet", "rubbish")
    with pytest.raises(Overlap):
        write(tmp_path, "quote", frame("quote", [15]))
    write(tmp_path, "quote", frame("quote", [30]))


def test_two_files_of_one_operation_must_be_disjoint_too(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        for times, free in (([1, 5], True), ([6, 9], True), ([5], False)):
            writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
            writer.write(frame("quote", times))
            if free:
                assert len(writer.finish()) == 1
            else:
                with pytest.raises(Overlap, match="writes too"):
                    writer.finish()
        tx.commit()
    assert len(tree(tmp_path)) == 2


def test_of_two_overlapping_writers_the_later_commit_is_refused(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as first, Transaction(tmp_path, "test", "d") as second:
        for tx, times in ((first, [1, 5]), (second, [3, 9])):
            writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
            writer.write(frame("quote", times))
            writer.finish()
        first.commit()
        with pytest.raises(Overlap):
            second.commit()
    assert len(tree(tmp_path)) == 1
    assert leftovers(tmp_path) == []


def test_a_finished_writer_takes_no_more(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
        writer.finish()
        with pytest.raises(InvalidRows, match="finished"):
            writer.write(frame("quote", [1]))


def test_what_fails_while_encoding_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0, row_group_rows=2)
        with fails_after(64 * 1024), pytest.raises(StoreError, match="larger than"):
            for time in range(2_000):
                writer.write(frame("quote", [time, time], price=time * UNIT))
            writer.finish()
    assert tree(tmp_path) == {}
    assert leftovers(tmp_path) == []
