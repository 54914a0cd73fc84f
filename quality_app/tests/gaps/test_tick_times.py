"""What is kept of tick files: the same for the whole as for its parts, and what a plain look at the rows gives."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.gaps.grid import HOUR_NS, Int64s
from quality_app.gaps.tick_times import LONG_NS, LONGEST, SQUARE_SHIFT, TickTimes, joined

START_NS = 1_709_510_400_000_000_000
SECOND_NS = 1_000_000_000
ARRAYS = ("hours", "counts", "spans", "squares", "wait_start", "wait_end")


@st.composite
def times(draw: st.DrawFn) -> Int64s:
    """Rows in order: dense stretches, regular ones, repeats, long waits, and waits at the limit."""
    waits = []
    for count, kind in draw(st.lists(st.tuples(st.integers(1, 40), st.sampled_from("drzlb")), min_size=1, max_size=8)):
        if kind == "d":
            waits += draw(st.lists(st.integers(0, 90 * SECOND_NS), min_size=count, max_size=count))
        else:
            waits += [{"r": SECOND_NS, "z": 0, "l": 3 * HOUR_NS + 1, "b": LONG_NS - 1}[kind]] * count
    return np.asarray(START_NS + draw(st.integers(0, HOUR_NS)) + np.cumsum(waits), np.int64)


@st.composite
def cut(draw: st.DrawFn, rows: Int64s) -> list[Int64s]:
    places = draw(st.lists(st.integers(0, len(rows)), max_size=6))
    return np.split(rows, sorted(places))


def same(one: TickTimes, other: TickTimes) -> None:
    assert (one.rows, one.first_ns, one.last_ns) == (other.rows, other.first_ns, other.last_ns)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def looked_at(rows: Int64s) -> TickTimes:
    """The same by its definition, row by row."""
    waits: dict[int, list[tuple[int, int, int]]] = {}
    counts: dict[int, int] = {}
    for number, ts in enumerate(rows.tolist()):
        counts[ts // HOUR_NS] = counts.get(ts // HOUR_NS, 0) + 1
        if number + 1 < len(rows):
            length = int(rows[number + 1]) - ts
            waits.setdefault(ts // HOUR_NS, []).append((-length, ts, ts + length))
    kept, spans, squares = [], [], []
    for hour in counts:
        of_hour = sorted(wait for wait in waits.get(hour, []))
        kept += [w for place, w in enumerate(of_hour) if -w[0] >= LONG_NS or (place < LONGEST and w[0])]
        short = [-length for length, _, _ in of_hour if -length < LONG_NS]
        spans.append(sum(short))
        squares.append(sum((length >> SQUARE_SHIFT) ** 2 for length in short))
    kept.sort(key=lambda wait: wait[1])
    arrays = [list(counts), list(counts.values()), spans, squares, [w[1] for w in kept], [w[2] for w in kept]]
    return TickTimes(len(rows), int(rows[0]), int(rows[-1]), 0, *(np.array(array, np.int64) for array in arrays))


@given(rows=times())
def test_a_summary_is_what_its_definition_says(rows: Int64s) -> None:
    same(TickTimes.of([rows]), looked_at(rows))


@given(data=st.data(), rows=times())
def test_any_cut_into_batches_and_files_gives_the_summary_of_the_whole(data: st.DataObject, rows: Int64s) -> None:
    files = [TickTimes.of(data.draw(cut(file))) for file in data.draw(cut(rows))]
    shuffled = data.draw(st.permutations(files))

    same(joined(shuffled), TickTimes.of([rows]))
    assert joined(shuffled).disordered == 0


@given(data=st.data(), rows=times())
def test_rows_out_of_order_and_overlapping_files_lose_no_long_wait(data: st.DataObject, rows: Int64s) -> None:
    mixed = np.array(data.draw(st.permutations(rows.tolist())), np.int64)
    whole = TickTimes.of([rows])
    long = whole.wait_end - whole.wait_start >= LONG_NS

    found = joined([TickTimes.of([part]) for part in data.draw(cut(mixed))])

    still = found.wait_end - found.wait_start >= LONG_NS
    np.testing.assert_array_equal(found.wait_start[still], whole.wait_start[long])
    np.testing.assert_array_equal(found.wait_end[still], whole.wait_end[long])
    np.testing.assert_array_equal(found.counts, whole.counts)


def test_rows_that_go_back_in_time_are_counted_over_batches() -> None:
    rows = START_NS + np.array([5, 3, 9, 8, 8, 20]) * SECOND_NS

    assert TickTimes.of([rows]).disordered == 2
    assert TickTimes.of([rows[:3], rows[3:]]).disordered == 2


@given(rows=times())
def test_packing_keeps_everything(rows: Int64s) -> None:
    times = TickTimes.of([rows])
    again = TickTimes.unpack(times.pack())

    same(again, times)
    assert again.disordered == times.disordered


def test_a_summary_without_rows_packs_too() -> None:
    empty = TickTimes.of([np.empty(0, np.int64)])

    assert (empty.rows, TickTimes.unpack(empty.pack()).rows) == (0, 0)


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b[:-3], lambda b: b"\x09" + b[1:], lambda b: b[:41] + b[:9]]
)
def test_other_bytes_are_refused(damage: Callable[[bytes], bytes]) -> None:
    packed = TickTimes.of([START_NS + np.arange(50) * SECOND_NS]).pack()

    with pytest.raises(ValueError, match="summary of times"):
        TickTimes.unpack(damage(packed))


def test_little_is_kept_of_dense_ticks() -> None:
    rng = np.random.default_rng(5)
    rows = START_NS + np.cumsum(rng.exponential(SECOND_NS / 20, 1_000_000)).astype(np.int64)

    times = TickTimes.of(np.array_split(rows, 7))

    assert len(times.wait_start) == LONGEST * len(times.hours)
    assert len(times.pack()) < 100 * len(times.hours)
