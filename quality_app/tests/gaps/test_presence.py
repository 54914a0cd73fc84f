"""Looking up stretches of bars gives what looking up each bar gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, calendar_for
from quality_app.gaps.grid import HOUR_NS, OUTSIDE, Grid, Int64s, bar_grid
from quality_app.gaps.presence import find_present
from quality_app.sessions import sessions

MINUTE_NS = 60_000_000_000
START_NS = 1_709_510_400_000_000_000  # Monday 2024-03-04 00:00 UTC
WEEK_NS = 7 * 24 * HOUR_NS


def _grid(calendar: SessionCalendar, interval_ns: int) -> Grid:
    hours = sessions(calendar, START_NS - WEEK_NS, START_NS + 2 * WEEK_NS)
    opens = hours["open_ns"].to_numpy()
    return bar_grid(hours, interval_ns, opens + interval_ns)


GRIDS = {
    "around the clock": _grid(SessionCalendar(ALWAYS, ""), MINUTE_NS),
    "fx": _grid(SessionCalendar(FX_WEEK, ""), HOUR_NS),
    "futures": _grid(calendar_for("XCME", "FX", "futures_contract", "6EH4"), 30 * MINUTE_NS),
    "stocks, by session": _grid(SessionCalendar("NYSE", ""), HOUR_NS),
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
def test_stretches_give_the_closes_of_each_bar(name: str, data: st.DataObject) -> None:
    grid = GRIDS[name]
    ts = data.draw(closes(grid.interval_ns))
    expected = grid.index_of(ts)

    found = find_present(ts, grid)

    runs = [np.arange(first, last + 1) for first, last in zip(found.first, found.last, strict=True)]
    assert np.concatenate([np.array([], np.int64), *runs]).tolist() == expected[expected != OUTSIDE].tolist()
    assert found.outside == np.count_nonzero(expected == OUTSIDE)


def test_grids_along_the_clock_and_along_sessions_are_both_tried() -> None:
    assert {name: grid.anchor for name, grid in GRIDS.items()} == {
        "around the clock": "clock",
        "fx": "clock",
        "futures": "clock",
        "stocks, by session": "session",
    }


def test_a_whole_regular_series_is_one_run() -> None:
    grid = GRIDS["around the clock"]
    ts = START_NS + np.arange(10_000) * MINUTE_NS

    found = find_present(ts, grid)

    assert (found.last - found.first).tolist() == [9_999]
