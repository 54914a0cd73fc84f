"""Which of two sources is ahead, and by how much.

Prices are sampled on a common grid (the last one in each step), and the signs of their changes over one step are
compared at a number of lags: the quadrant correlation (Blomqvist 1950, Annals of Mathematical Statistics 21), which one
spike cannot sway, as a function of the lag: the lead-lag estimator of Hoffmann, Rosenbaum, Yoshida 2013 (Bernoulli 19)
on a grid. Only integers are summed, so pieces add up exactly. Under independence the sum of n products of signs has the
deviation sqrt(n), which says whether a peak can be told from chance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.reconcile.align import Int64s

NEAR_STEPS: Final = 10
HOUR_NS: Final = 3_600_000_000_000
# Time zones are off by whole hours, at most this many.
MOST_HOURS: Final = 14
MIN_CHANGES: Final = 100
MIN_CORRELATION: Final = 0.1
MIN_Z: Final = 6.0
MIN_MARGIN: Final = 3.0
_FIRST, _LAST = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class LagSearch:
    """The grid (ns) and the lags, in steps, that are tried; hours too where bars are compared."""

    step_ns: int
    origin_ns: int
    steps: tuple[int, ...]

    @property
    def halo_ns(self) -> int:
        """How far around a row others are needed: a change is that from the grid point before."""
        return 3 * self.step_ns

    @property
    def reach(self) -> int:
        """The longest lag, in steps."""
        return max(self.steps)


def lag_search(step_ns: int, origin_ns: int, *, hours: bool) -> LagSearch:
    """Try NEAR_STEPS steps in both directions, and with `hours` whole hours as wrong time zones make them."""
    near = set(range(1, NEAR_STEPS + 1))
    if hours and HOUR_NS % step_ns == 0:
        near |= {hour * HOUR_NS // step_ns for hour in range(1, MOST_HOURS + 1)}
    return LagSearch(step_ns, origin_ns, tuple(sorted({-step for step in near} | {0} | near)))


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of the changes of a price over one grid step, at the numbers of the grid points, in order."""

    at: Int64s
    sign: Int64s

    def between(self, first: int, last: int) -> Signs:
        """Return the points numbered first <= n < last."""
        part = slice(*np.searchsorted(self.at, [first, last]).tolist())
        return Signs(self.at[part], self.sign[part])

    def then(self, more: Signs) -> Signs:
        """Return these points and those after them."""
        return Signs(np.concatenate([self.at, more.at]), np.concatenate([self.sign, more.sign]))


def _none() -> Signs:
    return Signs(np.array([], np.int64), np.array([], np.int64))


@dataclass(slots=True)
class LagTally:
    """Sums of products of signs at each lag; `changes` counts products that are not zero.

    Points of the left source wait until the right one has come as far as the longest lag: no piece needs so much
    around it.
    """

    search: LagSearch
    sums: dict[int, int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)
    _left: Signs = field(default_factory=_none)
    _right: Signs = field(default_factory=_none)

    def feed(self, left: Signs, right: Signs, last: int) -> None:
        """Take the next points of both, all those before the grid point `last`."""
        reach = self.search.reach
        self._left, self._right = self._left.then(left), self._right.then(right)
        self._count(self._left.between(_FIRST, last - reach))
        self._left = self._left.between(last - reach, _LAST)
        self._right = self._right.between(last - 2 * reach, _LAST)

    def _count(self, left: Signs) -> None:
        right = self._right
        if not len(left.at) or not len(right.at):
            return
        for step in self.search.steps:
            where = np.minimum(np.searchsorted(right.at, left.at + step), len(right.at) - 1)
            product = np.where(right.at[where] == left.at + step, right.sign[where] * left.sign, 0)
            self.sums[step] = self.sums.get(step, 0) + int(product.sum())
            self.changes[step] = self.changes.get(step, 0) + int(np.count_nonzero(product))

    def verdict(self) -> dict[str, Any]:
        """Return the lag of the right source behind the left one in ns, or why it cannot be told; after all is fed."""
        self._count(self._left)
        self._left = _none()
        curve = [
            {"step": step, "correlation": self._correlation(step), "changes": self.changes.get(step, 0)}
            for step in self.search.steps
        ]
        known = {"stepNs": str(self.search.step_ns), "curve": curve, "lagNs": None, "correlation": None}
        ranked = sorted(self.search.steps, key=lambda step: (-self._z(step), abs(step), step))
        best, second = ranked[0], ranked[1]
        if self.changes.get(best, 0) < MIN_CHANGES:
            return {
                **known,
                "reason": f"Fewer than {MIN_CHANGES} price changes of both stand beside each other.",
            }
        if self._z(best) < MIN_Z or self._correlation(best) < MIN_CORRELATION:
            return {**known, "reason": "Their price changes do not go together at any of the lags that were tried."}
        if self._z(best) - self._z(second) < MIN_MARGIN:
            return {**known, "reason": "Two lags fit about equally well: the changes are too few or too regular."}
        return {
            **known,
            "lagNs": str(best * self.search.step_ns),
            "correlation": self._correlation(best),
            "reason": "",
        }

    def _z(self, step: int) -> float:
        changes = self.changes.get(step, 0)
        return self.sums[step] / sqrt(changes) if changes else 0.0

    def _correlation(self, step: int) -> float:
        changes = self.changes.get(step, 0)
        return self.sums[step] / changes if changes else 0.0


def signs_of(series: pl.DataFrame, search: LagSearch) -> Signs:
    """Sample a series on the grid; a point has a change where it and the point before have a price."""
    number = grid_numbers(series["ts"].to_numpy(), search)
    last = np.append(number[1:] != number[:-1], True) if len(number) else np.array([], bool)
    at, price = number[last], series["price"].to_numpy()[last]
    follows = np.diff(at) == 1
    return Signs(at[1:][follows], np.sign(np.diff(price))[follows])


def grid_numbers(times: Int64s, search: LagSearch) -> Int64s:
    """Return the numbers of the grid points at or after times."""
    return -((search.origin_ns - times) // search.step_ns)
