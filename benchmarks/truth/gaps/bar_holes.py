"""Holes in bars: runs of expected closes, from one bar to three days of trading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from benchmarks.truth.gaps.holes import Holes, Pick, Random, Taken, spread, without
from benchmarks.truth.gaps.series import NEW_YORK, Int64s, Series, clock_changes, expected_closes, liquid_closes
from quality_app.sessions import DAY_NS

_DAYS: Final = 3
MUST_BARS: Final = 3
# Near an edge: so many bars.
_NEAR: Final = 5


class BarGround:
    """Expected closes of a series, numbered."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.closes = expected_closes(series)
        self.present = np.isin(self.closes, series.times)
        self.liquid = liquid_closes(series, self.closes, self.present)
        # For each place the last present one up to it, and the first one from it.
        number = np.arange(len(self.closes))
        self._before = np.maximum.accumulate(np.where(self.present, number, -1))
        self._after = np.minimum.accumulate(np.where(self.present, number, len(number))[::-1])[::-1]

    @property
    def places(self) -> int:
        """How many closes are expected."""
        return len(self.closes)

    @property
    def most(self) -> int:
        """As many as there is room for."""
        return self.places

    def picks(self, *, ends: bool) -> dict[str, Pick]:
        """Anywhere, at opens and closes, across closed hours, at clock changes, where files meet, at the ends."""
        opens, _ = self.series.stretches
        inner = (opens > self.series.times[0]) & (opens < self.series.times[-1])
        at_open = self._place(opens[inner])
        zones = {self.series.zone, NEW_YORK}
        changes = [clock_changes(zone, int(self.closes[0]), int(self.closes[-1])) for zone in zones]
        picks: dict[str, Pick] = {"anywhere": self._anywhere}
        sites = {
            "after an open": (at_open, self._after_edge),
            "before a close": (at_open, self._before_edge),
            "across closed hours": (at_open, self._across),
            "clock change": (self._place(np.unique(np.concatenate(changes))), self._across),
            "file's start": (self._place(self.series.cuts - 1), self._after_edge),
            "file's end": (self._place(self.series.cuts - 1), self._before_edge),
            "where files meet": (self._place(self.series.cuts - 1), self._across),
        }
        picks |= {name: partial(self._at, edges, way) for name, (edges, way) in sites.items() if len(edges)}
        if ends:
            picks |= {"first bars": lambda r: (0, self._bars(r) - 1)}
            picks |= {"last bars": lambda r: (self.places - self._bars(r), self.places - 1)}
        return picks

    def widen(self, first: int, last: int, *, ends: bool) -> tuple[int, int] | None:
        """Closes that were missing before on either side belong to the hole: nobody can tell them apart."""
        if not self.present[first : last + 1].any():
            return None
        low, high = int(self._before[first - 1]) + 1 if first else 0, self.places
        if last + 1 < self.places:
            high = int(self._after[last + 1])
        if not ends and (low == 0 or high == self.places):
            return None
        return low, high - 1

    def damage(self, taken: list[Taken]) -> tuple[Int64s, Holes]:
        """Remove all bars from the first close to the last, whether they were expected or not."""
        first, last, low, high = np.array([one[:4] for one in taken], np.int64).T
        starts = np.searchsorted(self.series.times, self.closes[first], side="left")
        stops = np.searchsorted(self.series.times, self.closes[last], side="right")
        missing = high - low + 1
        must = self.liquid_bars(low, high) >= MUST_BARS
        kinds = tuple(one.kind for one in taken)
        holes = Holes(self.closes[low], self.closes[high], missing, must, kinds)
        return without(self.series.times, starts, stops), holes

    def liquid_bars(self, low: Int64s, high: Int64s) -> Int64s:
        """Return how many closes of runs lie in liquid hours; first and last places."""
        until: Int64s = np.append(0, np.cumsum(self.liquid))
        found: Int64s = until[high + 1] - until[low]
        return found

    def _place(self, edges: Int64s) -> Int64s:
        """First expected close after times."""
        found = np.searchsorted(self.closes, edges, side="right")
        return found[(found > 0) & (found < self.places)]

    def _bars(self, random: Random) -> int:
        step = self.series.step_ns
        return round(spread(random, 1, max(min(_DAYS * DAY_NS / step, self.places // 4), 1)))

    def _anywhere(self, random: Random) -> tuple[int, int]:
        first = int(random.integers(self.places))
        return first, first + self._bars(random) - 1

    def _at(self, edges: Int64s, way: Callable[[int, int, Random], tuple[int, int]], random: Random) -> tuple[int, int]:
        return way(int(edges[random.integers(len(edges))]), self._bars(random), random)

    def _after_edge(self, edge: int, bars: int, random: Random) -> tuple[int, int]:
        first = edge + max(int(random.integers(-_NEAR, _NEAR)), 0)
        return first, first + bars - 1

    def _before_edge(self, edge: int, bars: int, random: Random) -> tuple[int, int]:
        last = edge - 1 - max(int(random.integers(-_NEAR, _NEAR)), 0)
        return last - bars + 1, last

    def _across(self, edge: int, bars: int, random: Random) -> tuple[int, int]:
        first = edge - int(random.integers(1, max(bars, 2)))
        return first, first + max(bars, 2) - 1
