"""Which waits are too long for what is usual. Pure: no Django.

*Length.* z = the integral of dt / r over the open hours that a wait spans, r being the expected wait of each
(quality_app.gaps.expected_wait).

*Tail.* With m = HOUR / r, a Poisson stream has m exp(-z) waits above z an hour. Real tails are heavier, so level and
scale are fitted to the data's own hours: z₄, the fourth longest wait of each hour, which a few holes do not touch. Its
excess over ln(m / 3.672) has median zero and the interquartile range 0.701 for a Poisson stream (the logarithm of a
Gamma variate of shape 4); d is its median and g its range over 0.701, at least 1. Few hours tell little of a tail: both
are shrunk by PRIOR_HOURS hours, d to zero, and g to 1 + BURST ln(b), where b is how often a mean wait goes into the
expected one (1 for a Poisson stream): what comes in bursts has a heavier tail. The factor fits Gamma waits of shape 0.3
and real FX quotes. An hour is then expected to have n(z) = 3.672 exp(-(z - ln(m / 3.672) - d) / g) waits above z. The
fit is repeated without the holes that it told, which may only become more. To be cautious where hours are few, g is
taken one standard error higher than fitted: by the share 1.2 / sqrt(hours + PRIOR_HOURS), that of an interquartile
range.

*Number of waits.* Over H open hours, E(z) = H n(z) waits as long as this one are expected although nothing is missing.
Waits are holes by the rule of Benjamini and Hochberg (J. R. Stat. Soc. B, 1995): the longest k, for the greatest k of
which the k-th has E <= FALSE_SHARE k, so that of all holes told at most that share is expected to be wrong.

*Limits.* Among n waits of a Poisson stream, n exp(-10) are ten expected waits long although nothing is missing: 45 of a
million. So holes of about ten expected waits can only be told from them where there is one in some 1,000 waits or
more; elsewhere, holes are told from ln(n) + 5 to 8 expected waits on, and shorter ones are missed rather than guessed.
Where holes take up much of most hours, they are taken for what is usual.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.gaps.expected_wait import Floats, expected_waits
from quality_app.gaps.grid import HOUR_NS, Int64s
from quality_app.gaps.open_hours import OpenHours
from quality_app.gaps.tick_times import TickTimes

Flags = npt.NDArray[np.bool_]

PRIOR_HOURS: Final = 24
BURST: Final = 0.35
FALSE_SHARE: Final = 0.005
# Below these nothing is said of what is usual.
LEAST_ROWS: Final = 500
LEAST_OPEN_NS: Final = HOUR_NS

# Of a Gamma variate of shape ORDER: its median, and the interquartile range of its logarithm.
ORDER: Final = 4
_MEDIAN: Final = 3.672
_RANGE: Final = 0.701
_GREATEST_SCALE: Final = 4.0
_GREATEST_LEVEL: Final = 5.0
# Expected waits that an hour must have for its fourth longest to tell of the tail.
_LEAST_IN_HOUR: Final = 8
_FITS: Final = 8
_RANGE_ERROR: Final = 1.2
_MANY_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a dataset.

    Attributes:
        hours: The open hours.
        expected: The expected wait of each of them, in nanoseconds.
        total: Expected waits until each edge of `hours`.
        prior: What g is shrunk to.
        level, scale: d and g of the tail.

    """

    hours: OpenHours
    expected: Floats
    total: Floats
    prior: float = 1.0
    level: float = 0.0
    scale: float = 1.0

    def length(self, start: Int64s, end: Int64s) -> Floats:
        """Return how many expected waits lie between times (UNIX ns)."""
        edges = self.hours.edges.astype(np.float64)
        first, last = (
            np.interp(self.hours.clock.open_ns(ts).astype(np.float64), edges, self.total) for ts in (start, end)
        )
        return np.asarray(last - first)

    def improbable(self, start: Int64s, end: Int64s) -> Flags:
        """Tell which waits (UNIX ns) are holes; give all that may be."""
        hours = float(self.hours.edges[-1] - self.hours.edges[0]) / HOUR_NS
        place = self.hours.at(start // HOUR_NS)
        excess = self.length(start, end) - _typical(HOUR_NS / self.expected[place]) - self.level
        number = hours * _MEDIAN * np.exp(-np.maximum(excess, 0.0) / self.scale)
        limits = FALSE_SHARE * np.arange(1, len(number) + 1)
        holds = limits[np.sort(number) <= limits]
        return np.asarray(number <= holds[-1]) if len(holds) else np.zeros(len(number), np.bool_)


def usual(times: TickTimes, hours: OpenHours) -> Usual | None:
    """Learn what is usual; None where there is too little to know."""
    if not len(hours.hours) or times.rows < LEAST_ROWS:
        return None
    if hours.open_between(np.array([times.first_ns]), np.array([times.last_ns]))[0] < LEAST_OPEN_NS:
        return None
    expected = expected_waits(times, hours)
    if expected is None:
        return None
    total = np.append(0.0, np.cumsum(np.diff(hours.edges) / expected))
    known = Usual(hours, expected, total, 1 + BURST * float(np.log(_burst(times, hours, expected))))
    holes = np.zeros(len(times.wait_start), np.bool_)
    for _ in range(_FITS):
        known = _with_tail(known, times.wait_start, times.wait_end, holes)
        found = holes | known.improbable(times.wait_start, times.wait_end)
        if not (found & ~holes).any():
            break
        holes = found
    return known


def _with_tail(known: Usual, start: Int64s, end: Int64s, holes: Flags) -> Usual:
    """Fit level and scale to the fourth longest of the ordinary waits of each hour."""
    fourth = (
        pl.DataFrame({"place": known.hours.at(start // HOUR_NS), "length": known.length(start, end)})
        .filter(~holes)
        .group_by("place")
        .agg(pl.col("length").top_k(ORDER).min(), pl.len())
        .filter(pl.col("len") >= ORDER)
    )
    place = fourth["place"].to_numpy()
    watched = np.diff(known.hours.edges) - _lost(known.hours, start[holes], end[holes])
    number = watched[place] / known.expected[place]
    excess = (fourth["length"].to_numpy() - _typical(number))[number > _LEAST_IN_HOUR]
    if not len(excess):
        return replace(known, level=0.0, scale=known.prior * _cautious(0))
    low, middle, high = np.quantile(excess, [0.25, 0.5, 0.75])
    weight = len(excess) / (len(excess) + PRIOR_HOURS)
    scale = float(np.clip((high - low) / _RANGE, 1.0, _GREATEST_SCALE))
    level = float(np.clip(weight * middle, -_GREATEST_LEVEL, _GREATEST_LEVEL))
    scale = known.prior + weight * (scale - known.prior)
    return replace(known, level=level, scale=scale * _cautious(len(excess)))


def _cautious(hours: int) -> float:
    """One standard error above, as a factor of what so many hours gave."""
    return 1 + _RANGE_ERROR / float(np.sqrt(hours + PRIOR_HOURS))


def _burst(times: TickTimes, hours: OpenHours, expected: Floats) -> float:
    """How often a mean wait goes into the expected one, at least once: the median over hours with many rows."""
    many = hours.contain(times.hours) & (times.counts >= _MANY_ROWS)
    place = hours.at(times.hours[many])
    ratio = expected[place] * times.counts[many] / np.diff(hours.edges)[place]
    return max(float(np.median(ratio)), 1.0) if len(ratio) else 1.0


def _lost(hours: OpenHours, start: Int64s, end: Int64s) -> Floats:
    """The open nanoseconds of each hour that holes in order take."""
    if not len(start):
        return np.zeros(len(hours.hours))
    ends = hours.clock.open_ns(np.column_stack([start, end]).ravel())
    taken = np.cumsum(np.append(0, np.diff(ends)) * (np.arange(len(ends)) % 2))
    return np.diff(np.interp(hours.edges.astype(np.float64), ends.astype(np.float64), taken.astype(np.float64)))


def _typical(number: Floats) -> Floats:
    """What the fourth longest of waits usually is, in expected waits, over so many expected waits."""
    return np.asarray(np.log(np.maximum(number, _MEDIAN) / _MEDIAN))
