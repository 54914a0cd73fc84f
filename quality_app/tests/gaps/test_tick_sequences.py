"""Rows that are missing by their numbers, over any cut into files, and venues where numbers tell nothing."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store import reader
from catalog_app.tests.market import market_path
from quality_app.gaps.found import GAPS, Unscannable
from quality_app.gaps.grid import HOUR_NS
from quality_app.gaps.sequences import LEAST_ROWS, REORDERED, SequenceTimes, joined, scan_sequences
from quality_app.gaps.severities import Severities

START_NS = 1_709_510_400_000_000_000
SECOND_NS = 1_000_000_000
ARRAYS = ("numbering", "low", "high", "low_ns", "high_ns")


def trades(numbers: list[int], start_ns: int = START_NS) -> pl.DataFrame:
    """Trades a second apart, with ids as text."""
    ts = start_ns + np.arange(len(numbers)) * SECOND_NS
    return pl.DataFrame({"trade_id": [str(number) for number in numbers], "ts_init": ts})


def summary(frame: pl.DataFrame) -> SequenceTimes:
    return SequenceTimes.of([frame], "trade_id")


def lost(frame: pl.DataFrame) -> list[tuple[int, int, int]]:
    """Seconds before and after, and how many trades are missing."""
    gaps = scan_sequences([summary(frame)])
    return [((a - START_NS) // SECOND_NS, (b - START_NS) // SECOND_NS, n) for a, b, n, *_ in gaps.rows()]


def test_the_missing_numbers_between_two_trades_are_counted_exactly() -> None:
    numbers = [*range(1000, 1100), *range(1103, 1200), *range(2200, 2300)]

    gaps = scan_sequences([summary(trades(numbers))])

    assert gaps.schema == GAPS
    assert gaps["missing"].to_list() == [3, 1000]
    assert gaps["unit"].to_list() == ["rows", "rows"]
    assert gaps["start_ns"].to_list() == [START_NS + 99 * SECOND_NS, START_NS + 196 * SECOND_NS]
    assert gaps["end_ns"].to_list() == [START_NS + 100 * SECOND_NS, START_NS + 197 * SECOND_NS]
    assert gaps["cause"].to_list() == ["unexplained"] * 2


@st.composite
def numbered(draw: st.DrawFn) -> pl.DataFrame:
    """Trades with jumps, repeats, a little disorder and restarts."""
    numbers: list[int] = []
    at = 10 * REORDERED
    for count, step in draw(
        st.lists(st.tuples(st.integers(1, 30), st.sampled_from([1, 1, 2, 50, 3 * REORDERED])), min_size=1, max_size=8)
    ):
        numbers += range(at, at + count)
        at += count + step - 1
    for place in draw(st.lists(st.integers(0, max(len(numbers) - 4, 0)), max_size=3)):
        numbers[place : place + 3] = reversed(numbers[place : place + 3])
    if draw(st.booleans()):
        numbers += range(1, 40)
    return trades(numbers)


@given(data=st.data(), frame=numbered())
def test_any_cut_into_batches_and_files_gives_the_summary_of_the_whole(
    data: st.DataObject, frame: pl.DataFrame
) -> None:
    whole = summary(frame)
    places = [0, *sorted(data.draw(st.lists(st.integers(0, len(frame)), max_size=5))), len(frame)]
    batches = [frame[a:b] for a, b in pairwise(places)]
    files = [SequenceTimes.unpack(summary(batch).pack()) for batch in batches]

    for found in (joined(data.draw(st.permutations(files))), SequenceTimes.of(batches, "trade_id")):
        assert (found.rows, found.numbered, found.crowded) == (whole.rows, whole.numbered, 0)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), name)


def test_repeated_and_reordered_trades_are_not_missing() -> None:
    numbers = [*range(1, 100), 101, 100, 103, 102, *range(104, 200)]

    assert lost(trades([*numbers, *numbers[-50:]])) == []


def test_a_number_missing_at_a_border_of_files_is_found_once() -> None:
    files = [summary(trades(list(range(1, 200)))), summary(trades(list(range(205, 400)), START_NS + HOUR_NS))]

    gaps = scan_sequences(files[::-1])

    assert gaps.select("start_ns", "end_ns", "missing").rows() == [
        (START_NS + 198 * SECOND_NS, START_NS + HOUR_NS, 5),
    ]
    assert gaps["severity"].to_list() == ["medium"]
    assert scan_sequences(files, severities=Severities(HOUR_NS, HOUR_NS))["severity"].to_list() == ["low"]


def test_a_numbering_that_starts_anew_misses_nothing_between() -> None:
    assert lost(trades([*range(50_000, 50_200), *range(1, 100), *range(101, 200)])) == [(298, 299, 1)]


def test_closed_hours_take_no_time_from_a_gap() -> None:
    frame = pl.concat([trades(list(range(1, 100))), trades(list(range(150, 250)), START_NS + 20 * HOUR_NS)])
    sessions = pl.DataFrame({"open_ns": [START_NS, START_NS + 19 * HOUR_NS], "close_ns": [START_NS + HOUR_NS] * 2})
    sessions[1, "close_ns"] = START_NS + 24 * HOUR_NS

    gaps = scan_sequences([summary(frame)], sessions)

    assert gaps["lost_ns"].to_list() == [2 * HOUR_NS - 98 * SECOND_NS]
    assert scan_sequences([summary(frame)], end_ns=START_NS + 5 * SECOND_NS).is_empty()


def test_ids_that_jump_all_the_time_are_told_and_counted_nowhere() -> None:
    jumping = summary(trades(list(range(1, 2000, 3))))

    with pytest.raises(Unscannable, match="not consecutive"):
        scan_sequences([jumping])


def test_hashed_numbers_are_told_without_keeping_them_all() -> None:
    numbers = np.random.default_rng(1).integers(1, 2**62, 20_000)
    found = SequenceTimes.of([trades(numbers.tolist())], "trade_id")

    assert len(found.pack()) < 100
    with pytest.raises(Unscannable, match="not consecutive"):
        scan_sequences([SequenceTimes.unpack(found.pack())])


@pytest.mark.parametrize("identity", ["ccc3c1fa-212c-e8b0", "", "T17"])
def test_ids_that_are_no_numbers_are_told(identity: str) -> None:
    frame = trades(list(range(1, 3 * LEAST_ROWS))).with_columns(
        pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.lit(identity)).otherwise("trade_id").alias("trade_id")
    )

    with pytest.raises(Unscannable, match="no numbers"):
        scan_sequences([summary(frame)])


def test_rows_of_one_book_message_share_its_number() -> None:
    sequence = np.repeat(np.delete(np.arange(1, 300), [150, 151]), 3)
    frame = pl.DataFrame({"sequence": pl.Series(sequence, dtype=pl.UInt64), "ts_init": START_NS + np.arange(891)})

    assert scan_sequences([SequenceTimes.of([frame[:500], frame[500:]], "sequence")])["missing"].to_list() == [2]


def test_other_bytes_are_refused() -> None:
    packed = summary(trades(list(range(1, 300)))).pack()

    for other in (b"", packed[:-2], b"\x07" + packed[1:]):
        with pytest.raises(ValueError, match="summary of numbers"):
            SequenceTimes.unpack(other)


def test_real_trades_of_an_exchange_that_numbers_all_messages_are_not_counted() -> None:
    root = market_path("stores/nautilus-1.231")
    (path,) = (root / "data/trade_tick/ESU4.GLBX").glob("*.parquet")
    frame = reader.scan(root, [str(path.relative_to(root))], "trade").collect()

    with pytest.raises(Unscannable, match="not consecutive"):
        scan_sequences([SequenceTimes.of([frame], "trade_id")])
