"""Which expected closes have a bar, as runs of their numbers. Pure: no Django.

Only the ends of a stretch of closes inside a segment of the grid are looked up: inside a segment each step of the
stretch is the next close. So the work follows the number of stretches and segments, not of bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.grid import Grid, Int64s

# Stretches that are looked up at a time.
_CHUNK: Final = 500_000


@dataclass(frozen=True, slots=True)
class Presence:
    """Runs of closes that have a bar, by number, inclusive, in order and apart; bars that have no expected close."""

    first: Int64s
    last: Int64s
    outside: int


def find_present(times: BarTimes, grid: Grid) -> Presence:
    """Look up the closes of a summary on the grid. Their stride is the grid's interval, or a segment is one close."""
    firsts, lasts, outside = [], [], 0
    for low in range(0, len(times.starts), _CHUNK):
        first, last, beside = _look_up(
            times.starts[low : low + _CHUNK], times.counts[low : low + _CHUNK], times.stride_ns, grid
        )
        firsts.append(first)
        lasts.append(last)
        outside += beside
    nothing = np.array([], np.int64)
    return Presence(*_apart(np.concatenate([nothing, *firsts]), np.concatenate([nothing, *lasts])), outside)


def _look_up(starts: Int64s, counts: Int64s, stride_ns: int, grid: Grid) -> tuple[Int64s, Int64s, int]:
    """Runs of numbers for each pair of a stretch and a segment that it meets, and bars that are in no segment."""
    low = np.searchsorted(grid.to_ns, starts, side="right")
    high = np.searchsorted(grid.from_ns, starts + (counts - 1) * stride_ns, side="right")
    meets = np.maximum(high - low, 0)
    stretch = np.repeat(np.arange(len(starts)), meets)
    segment = low[stretch] + np.arange(len(stretch)) - np.repeat(np.cumsum(meets) - meets, meets)
    start = starts[stretch]
    from_row = np.maximum(-((start - grid.from_ns[segment]) // stride_ns), 0)
    to_row = np.minimum(-((start - grid.to_ns[segment]) // stride_ns), counts[stretch]) - 1
    some = from_row <= to_row
    segment, start, from_row, to_row = segment[some], start[some], from_row[some], to_row[some]
    first = grid.numbers(segment, start + from_row * stride_ns)
    last = grid.numbers(segment, start + to_row * stride_ns)
    return first, last, int(counts.sum() - (to_row - from_row + 1).sum())


def _apart(first: Int64s, last: Int64s) -> tuple[Int64s, Int64s]:
    """Join runs that touch or overlap."""
    if np.any(first[1:] < first[:-1]):
        order = np.argsort(first, kind="stable")
        first, last = first[order], last[order]
    reached = np.maximum.accumulate(last)
    begins = np.append(True, first[1:] > reached[:-1] + 1)[: len(first)]
    return first[begins], reached[np.append(begins[1:], True)[: len(first)]]
