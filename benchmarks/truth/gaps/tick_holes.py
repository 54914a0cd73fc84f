"""Holes in ticks: rows that lie within 2 to 1,000 times the wait that is expected there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from benchmarks.truth.gaps.holes import MOST_LOST, Holes, Pick, Random, Taken, spread, without
from benchmarks.truth.gaps.series import HOUR_NS, NEW_YORK, Clock, Int64s, Series, clock_changes

_LEAST_WAITS: Final = 2.0
_MOST_WAITS: Final = 1_000.0
_MUST_WAITS: Final = 10.0
# Hours that are full of holes tell nothing of what is usual.
_HOLES_AN_HOUR: Final = 2


class TickGround:
    """Rows of a series, numbered."""

    def __init__(self, series: Series, clock: Clock) -> None:
        self.series, self.clock = series, clock
        self.waits = clock.at(series.times)

    @property
    def places(self) -> int:
        """How many rows there are."""
        return len(self.series.times)

    @property
    def most(self) -> int:
        """Two for each hour of trading."""
        opens, closes = np.clip(self.series.stretches, self.series.times[0], self.series.times[-1])
        return max(_HOLES_AN_HOUR * int((closes - opens).sum() // HOUR_NS), 1)

    def picks(self, *, ends: bool) -> dict[str, Pick]:
        """At rows, at times (quiet hours have few rows), after opens, before closes, where files meet."""
        opens, closes = self.series.stretches
        start, end = int(self.series.times[0]), int(self.series.times[-1])
        changes = np.unique(np.concatenate([clock_changes(z, start, end) for z in {self.series.zone, NEW_YORK}]))
        picks: dict[str, Pick] = {"at a row": self._at_a_row, "at a time": self._at_a_time}
        sites = {
            "after an open": (opens, self._after),
            "before a close": (closes, self._before),
            "after a clock change": (changes, self._after),
            "file's start": (self.series.cuts, self._after),
            "file's end": (self.series.cuts, self._before),
        }
        for name, (edges, way) in sites.items():
            inner = edges[(edges > start) & (edges < end)]
            if len(inner):
                picks[name] = partial(self._at, inner, way)
        return picks

    def widen(self, first: int, last: int, *, ends: bool) -> tuple[int, int] | None:
        """Rows that are missing are only those that are taken; the first and the last one stay."""
        if last < first or first < 1 or last > self.places - 2:
            return None
        return first, last

    def damage(self, taken: list[Taken]) -> tuple[Int64s, Holes]:
        """Remove the rows."""
        first, last = np.array([one[:2] for one in taken], np.int64).T
        times, kinds = self.series.times, tuple(one.kind for one in taken)
        waits = self.waits[last + 1] - self.waits[first - 1]
        holes = Holes(times[first - 1], times[last + 1], last - first + 1, waits >= _MUST_WAITS, kinds)
        return without(times, first, last + 1), holes

    def _rows(self, from_waits: float, to_waits: float) -> tuple[int, int]:
        """Rows after the time by which so many rows were expected, up to another one."""
        between = np.array([self.clock.when(from_waits), self.clock.when(to_waits)])
        first, stop = np.searchsorted(self.series.times, between, side="right")
        return int(first), int(stop) - 1

    def _waits(self, random: Random) -> float:
        most = max(min(_MOST_WAITS, MOST_LOST / 2 * float(self.waits[-1])), _LEAST_WAITS + 1)
        return spread(random, _LEAST_WAITS, most)

    def _at_a_row(self, random: Random) -> tuple[int, int]:
        row = int(random.integers(self.places))
        return self._rows(float(self.waits[row]), float(self.waits[row]) + self._waits(random))

    def _at_a_time(self, random: Random) -> tuple[int, int]:
        time = int(random.integers(self.series.times[0], self.series.times[-1]))
        return self._after(time, random)

    def _at(self, edges: Int64s, way: Callable[[int, Random], tuple[int, int]], random: Random) -> tuple[int, int]:
        return way(int(edges[random.integers(len(edges))]), random)

    def _after(self, edge: int, random: Random) -> tuple[int, int]:
        begun = float(self.clock.at(edge))
        return self._rows(begun, begun + self._waits(random))

    def _before(self, edge: int, random: Random) -> tuple[int, int]:
        ended = float(self.clock.at(edge))
        first, _ = self._rows(ended - self._waits(random), ended)
        return first, int(np.searchsorted(self.series.times, edge)) - 1
