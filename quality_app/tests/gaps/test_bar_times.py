"""A summary of a file's bars keeps every close, in few bytes, however the rows come."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.calendars import FX_WEEK, SessionCalendar
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.grid import DAY_NS, Int64s
from quality_app.sessions import sessions

MINUTE_NS = 60_000_000_000
START_NS = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC


@st.composite
def rows(draw: st.DrawFn) -> Int64s:
    """Stretches, holes, times beside the minute, repeats and disorder."""
    minutes = draw(st.lists(st.integers(-50, 400), max_size=120))
    beside = draw(st.lists(st.sampled_from([0, 0, 0, 1, 999_999_999, MINUTE_NS // 2]), min_size=1, max_size=120))
    return START_NS + np.array([m * MINUTE_NS + beside[i % len(beside)] for i, m in enumerate(minutes)], np.int64)


def _closes(times: BarTimes) -> list[int]:
    return [int(ns) for batch in times.batches(times.stride_ns) for ns in batch]


def _same(one: BarTimes, other: BarTimes) -> bool:
    return (one.stride_ns, one.rows, one.starts.tolist(), one.counts.tolist()) == (
        other.stride_ns,
        other.rows,
        other.starts.tolist(),
        other.counts.tolist(),
    )


@given(rows(), st.integers(1, 5))
def test_every_close_is_kept_once_and_comes_back_from_bytes(ts: Int64s, pieces: int) -> None:
    times = BarTimes.of(np.array_split(ts, pieces), MINUTE_NS)
    assert sorted(_closes(times)) == np.unique(ts).tolist()
    assert times.rows == len(ts)
    assert _same(BarTimes.unpack(times.pack()), times)


@given(rows(), st.data())
def test_equal_closes_have_equal_summaries_however_they_are_cut(ts: Int64s, data: st.DataObject) -> None:
    owner = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(ts), max_size=len(ts))), np.int64)
    parts = [BarTimes.of([ts[owner == one]], MINUTE_NS) for one in range(4)]
    assert _same(BarTimes.union(parts), BarTimes.of([ts], MINUTE_NS))


@given(rows())
def test_thinned_closes_keep_both_ends_of_each_stretch(ts: Int64s) -> None:
    times = BarTimes.of([ts], MINUTE_NS)
    some = np.concatenate([np.array([], np.int64), *times.batches(15 * MINUTE_NS)])
    assert set(some.tolist()) <= set(ts.tolist())
    assert set(times.starts.tolist()) | set(times.lasts.tolist()) <= set(some.tolist())
    assert np.all(np.diff(some)[np.diff(some) > 0] >= 0)


def test_a_complete_year_of_minutes_is_a_few_hundred_bytes() -> None:
    hours = sessions(SessionCalendar(FX_WEEK, ""), START_NS, START_NS + 365 * DAY_NS)
    closes = np.concatenate([np.arange(o + MINUTE_NS, c + 1, MINUTE_NS) for o, c, _ in hours.iter_rows()])
    assert len(BarTimes.of([closes], MINUTE_NS).pack()) < 400


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_an_illiquid_year_is_below_a_byte_a_bar(share: float) -> None:
    traded = np.random.default_rng(1).random(365 * 1440) < share
    times = BarTimes.of([START_NS + np.flatnonzero(traded) * MINUTE_NS], MINUTE_NS)
    assert len(times.pack()) < times.rows


def test_bars_of_no_fixed_length_are_kept_by_day() -> None:
    ts = np.array([START_NS, START_NS + 31 * DAY_NS, START_NS + 60 * DAY_NS])
    times = BarTimes.of([ts], None)
    assert (times.stride_ns, times.starts.tolist()) == (DAY_NS, ts.tolist())


@pytest.mark.parametrize(
    "damage", [lambda b: b"", lambda b: b"\x63" + b[1:], lambda b: b[:-3], lambda b: b[:40] + b"x"]
)
def test_bytes_of_another_kind_are_refused(damage: Callable[[bytes], bytes]) -> None:
    content = BarTimes.of([START_NS + np.arange(0, 900, 7) * MINUTE_NS], MINUTE_NS).pack()
    with pytest.raises(ValueError, match="summary of a file's bars"):
        BarTimes.unpack(damage(content))
