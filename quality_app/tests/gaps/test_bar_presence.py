"""Looking up stretches of bars gives what looking up each bar gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, calendar_for
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.grid import HOUR_NS, Anchor, Grid, Int64s, bar_grid
from quality_app.gaps.hours import Hours
from quality_app.gaps.presence import find_present
from quality_app.sessions import sessions

MINUTE_NS = 60_000_000_000
START_NS = 1_709_510_400_000_000_000  # Monday 2024-03-04 00:00 UTC
WEEK_NS = 7 * 24 * HOUR_NS


def _grid(calendar: SessionCalendar, interval_ns: int, anchor: Anchor = "clock") -> Grid:
    hours = sessions(calendar, START_NS - WEEK_NS, START_NS + 2 * WEEK_NS)
    return bar_grid(Hours.of(hours), interval_ns, anchor)


GRIDS = {
    "around the clock": _grid(SessionCalendar(ALWAYS, ""), MINUTE_NS),
    "fx": _grid(SessionCalendar(FX_WEEK, ""), HOUR_NS),
    "futures": _grid(calendar_for("XCME", "FX", "futures_contract", "6EH4"), 30 * MINUTE_NS),
    "stocks, by session": _grid(SessionCalendar("NYSE", ""), HOUR_NS, "session"),
    "seven minutes, by session, no break between": _grid(SessionCalendar(ALWAYS, ""), 7 * MINUTE_NS, "session"),
}


@st.composite
def closes(draw: st.DrawFn, interval_ns: int) -> Int64s:
    """Regular stretches with holes, repeats, overlaps with closed hours, and times beside the grid between them."""
    at = START_NS + draw(st.integers(0, 5 * 24)) * HOUR_NS
    times = []
    for count, step in draw(
        st.lists(
            st.tuples(
                st.integers(1, 80),
                st.sampled_from([0, 1, interval_ns // 3, interval_ns - 1, interval_ns, 5 * interval_ns, 60 * HOUR_NS]),
            ),
            min_size=1,
            max_size=8,
        )
    ):
        times.append(at + np.arange(count) * interval_ns)
        at = int(times[-1][-1]) + step
    return np.concatenate(times)


@pytest.mark.parametrize("name", GRIDS)
@given(data=st.data())
def test_stretches_give_the_nearest_close_of_each_bar(name: str, data: st.DataObject) -> None:
    """Against every expected close listed, each with the times up to half a bar around it."""
    grid = GRIDS[name]
    ts = np.unique(data.draw(closes(grid.interval_ns)))
    listed = grid.close_of(np.arange(grid.total))
    after = np.searchsorted(listed, ts)
    near = np.stack([np.maximum(after - 1, 0), np.minimum(after, len(listed) - 1)])
    reach = np.minimum(grid.interval_ns, np.diff(listed, prepend=listed[0] - grid.interval_ns)) // 2
    first, last = listed - reach, listed + grid.interval_ns - grid.interval_ns // 2
    inside = (first[near] <= ts) & (ts < np.minimum(last, np.append(first[1:], last[-1]))[near])
    expected = np.unique(near[inside])

    found = find_present(BarTimes.of([ts], grid.interval_ns), grid)

    runs = [np.arange(first, last + 1) for first, last in zip(found.first, found.last, strict=True)]
    assert np.concatenate([np.array([], np.int64), *runs]).tolist() == expected.tolist()
    assert found.outside == np.count_nonzero(~inside.any(axis=0))


def test_closes_are_listed_in_order_and_inside_sessions() -> None:
    grid = GRIDS["stocks, by session"]
    listed = grid.close_of(np.arange(grid.total))
    opens, ends = grid.hours.opens, grid.hours.closes
    assert listed.tolist() == [
        min(close, end)
        for open_, end in zip(opens.tolist(), ends.tolist(), strict=True)
        for close in range(open_ + HOUR_NS, end + HOUR_NS, HOUR_NS)
    ]


def test_a_whole_regular_series_is_one_run() -> None:
    grid = GRIDS["around the clock"]

    found = find_present(BarTimes.of([START_NS + np.arange(10_000) * MINUTE_NS], MINUTE_NS), grid)

    assert (found.last - found.first).tolist() == [9_999]
