"""Which expected closes have a bar, as runs of their numbers. Pure: no Django.

Where bars follow each other at exactly the interval, only the ends of such a stretch are looked up on the grid: on a
grid along the clock every step raises a close's number by at most one, so ends that are as far apart as the stretch
is long prove all between.
"""

from dataclasses import dataclass

import numpy as np

from quality_app.gaps.grid import OUTSIDE, Grid, Int64s


@dataclass(frozen=True, slots=True)
class Presence:
    """Runs of closes that have a bar, by number, inclusive, in the order of the bars; and how many bars have no close.

    Runs may overlap where bars repeat or are rounded to one close; `last` does not decrease.
    """

    first: Int64s
    last: Int64s
    outside: int


def find_present(ts: Int64s, grid: Grid) -> Presence:
    """Look up bar closes, UNIX nanoseconds in increasing order, repeats allowed."""
    starts, ends = _stretches(ts, grid)
    first, last = grid.index_of(ts[starts]), grid.index_of(ts[ends])
    proved = (first != OUTSIDE) & (last - first == ends - starts)
    starts, ends, first, last = starts[proved], ends[proved], first[proved], last[proved]
    if int((ends - starts).sum()) + len(starts) == len(ts):
        return Presence(first, last, 0)
    rows = _others(starts, ends, len(ts))
    index = grid.index_of(ts[rows])
    inside = index != OUTSIDE
    order = np.argsort(np.concatenate([starts, rows[inside]]), kind="stable")
    return Presence(
        np.concatenate([first, index[inside]])[order],
        np.concatenate([last, index[inside]])[order],
        int(np.count_nonzero(~inside)),
    )


def _stretches(ts: Int64s, grid: Grid) -> tuple[Int64s, Int64s]:
    """First and last rows of stretches at exactly the interval; none where they would save nothing."""
    nothing = np.array([], np.int64)
    if grid.anchor != "clock":
        return nothing, nothing
    breaks = np.flatnonzero(np.diff(ts) != grid.interval_ns)
    if 2 * len(breaks) > len(ts):
        return nothing, nothing
    return np.append(0, breaks + 1), np.append(breaks, len(ts) - 1)


def _others(starts: Int64s, ends: Int64s, count: int) -> Int64s:
    """Rows that are in none of the stretches."""
    change = np.zeros(count + 1, np.int8)
    change[starts] += 1
    change[ends + 1] -= 1
    return np.flatnonzero(np.cumsum(change[:-1], dtype=np.int8) == 0)
