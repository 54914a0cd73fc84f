"""Which missing bars are explained by quiet trading. Pure: no Django.

A run of k missing bars is *unexplained* when an instrument that trades as rarely as this one would leave out so many
bars in a row, in all such hours of the scanned range together, less than ALPHA times. What is expected is

    E(k) = S · r^(k-1)

S, how often trading pauses in such hours, is told by pauses of a single bar, which are seen often where trading is
thin and which no long hole adds to: S = n · u / (1 - r), with n the bars expected in that hour of all session days,
and u the share of expected bars that are such pauses: the larger of that hour of the week (shrunk to that hour of all
days and to the whole range as if PRIOR more bars of each had been seen) and of the bars around the run (shrunk to that
by LOCAL bars, and counting SURE · √pauses less: a holiday's afternoon may be quieter than others); at least what PRIOR
average bars have. The run's own pauses are left out, or else one; and so are those that may be holes: outages that
lose many bars lose a single one now and then, so for each end of a pause of unusual length that lies there, LOST of a
single one is, and twice the square root of their sum.

r, the chance that a pause goes on, is the largest of: how many of the bars with trading are followed by a pause, in
that hour of the week and around the run (were bars independent, this would be the chance of no trade; a long hole
counts once, however long); the share of missing bars around the run, in pauses of usual length; and how many pauses
of two bars there are for each of one, since traders rest together, without those that may be holes and at most
PERSISTENCE. Of a run that closed hours interrupt, the chances of all parts are multiplied.

Why not (1 - p)^k >= ALPHA for each run alone: of a hundred thousand quiet minutes a thousand would be called
unexplained, and an afternoon that is quieter than usual would be one hole beside the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality_app.gaps.grid import Grid, Int64s

# What each of them is stands above.
ALPHA: Final = 0.01
PRIOR: Final = 10.0
LOCAL: Final = 60.0
PERSISTENCE: Final = 0.5
LOST: Final = 0.12
SURE: Final = 2.0
# Bars on each side that are looked at: at least so many, and enough to expect so many with trading, up to a bound.
_AROUND: Final = 60
_AROUND_PRESENT: Final = 20
_AROUND_MOST: Final = 20_000
# Pauses are of unusual length when so few of those that begin last so long, and of at least so many bars.
_UNUSUAL: Final = 0.01
_UNUSUAL_BARS: Final = 10
# Pauses of independent bars begin at most at every fourth one: p · (1 - p).
_MOST_PAUSES: Final = 0.25

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of missing closes by number: first and last, inclusive, in order."""

    start: Int64s
    end: Int64s


@dataclass(frozen=True, slots=True)
class Judged:
    """Gaps, and the pieces that the grid's segments cut them into.

    Attributes:
        gaps: The runs, cut at closed hours where they are quiet.
        quiet: Which gaps are quiet.
        gap, segment, missing: Of each piece.

    """

    gaps: Runs
    quiet: Flags
    gap: Int64s
    segment: Int64s
    missing: Int64s


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Runs cut at the grid's segments; `pause` numbers the parts that closed hours cut a run into."""

    run: Int64s
    segment: Int64s
    start: Int64s
    end: Int64s
    pause: Int64s

    @property
    def missing(self) -> Int64s:
        return self.end - self.start + 1


def classify(runs: Runs, grid: Grid, first: int, last: int, alpha: float = ALPHA) -> Judged:
    """Tell quiet runs from unexplained ones.

    A quiet run that closed hours interrupt is cut there: two quiet minutes on both sides of a weekend are two gaps.
    An unexplained one stays one hole.

    Args:
        runs: All missing closes of the range.
        grid: What they were held against.
        first, last: The range that was scanned, by number.
        alpha: Runs as long as this one that are expected in such hours, below which it is unexplained.

    """
    pieces = _cut(runs, grid)
    if not len(pieces.run):
        nothing = np.array([], np.int64)
        return Judged(runs, np.array([], np.bool_), nothing, nothing, nothing)
    quiet = _expected_runs(pieces, runs, grid, first, last) >= np.log(alpha)
    begins = _begins(pieces.run) | (_begins(pieces.pause) & quiet[pieces.run])
    ends = np.append(begins[1:], True)
    return Judged(
        Runs(pieces.start[begins], pieces.end[ends]),
        quiet[pieces.run[begins]],
        np.cumsum(begins) - 1,
        pieces.segment,
        pieces.missing,
    )


def _cut(runs: Runs, grid: Grid) -> _Pieces:
    low, high = grid.segment_of(runs.start), grid.segment_of(runs.end)
    counts = high - low + 1
    run = np.repeat(np.arange(len(counts)), counts)
    segment = low[run] + np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = np.maximum(runs.start[run], grid.before[segment])
    end = np.minimum(runs.end[run], grid.ends()[segment] - 1)
    begins = _begins(run) | _begins(grid.block[segment])
    return _Pieces(run, segment, start, end, np.cumsum(begins) - 1)


def _expected_runs(pieces: _Pieces, runs: Runs, grid: Grid, first: int, last: int) -> Floats:
    """Return log E of each run."""
    bars = _Bars(pieces, runs, grid, first, last)
    pausing = bars.share_pausing()
    near = bars.around(pausing)
    in_run = pieces.run
    around = (near.pauses[in_run] + LOCAL * pausing) / (near.present[in_run] + LOCAL)
    lasting = np.maximum(pausing, around).clip(1e-12, 1 - 1e-9)
    unusual = bars.unusual(lasting)
    resting = bars.usual_missing_around(near, unusual)[in_run]
    resting = (resting + LOCAL * lasting) / (near.present[in_run] + resting + LOCAL)
    lasting = np.maximum(np.maximum(lasting, resting), bars.persistence(unusual))
    alone = bars.share_alone(unusual)
    singles = bars.singles_around(near, unusual)[in_run]
    here = (singles + LOCAL * alone) / (near.expected[in_run] + LOCAL)
    rate = np.minimum(np.maximum(alone, here) / (1 - lasting), _MOST_PAUSES)
    begins = bars.begins
    chance = np.add.reduceat(pieces.missing * np.log(lasting), begins) + np.log((rate / lasting)[begins].clip(1e-300))
    runs_begin = np.flatnonzero(_begins(in_run[begins]))
    hours = np.maximum.reduceat(bars.in_hour[begins], runs_begin)
    log_expected: Floats = np.add.reduceat(np.minimum(chance, 0.0), runs_begin) + np.log(hours)
    return log_expected


@dataclass(frozen=True, slots=True)
class _Around:
    """Both sides of each run, from one number to another: expected bars, those present, and pauses of other runs."""

    low: Int64s
    high: Int64s
    expected: Int64s
    present: Int64s
    pauses: Int64s


class _Bars:
    """What the scanned range tells of trading: counts by hour, by hour of the week, and around places.

    Attributes:
        begins: First piece of each pause.
        in_hour: Bars expected in each piece's hour of all session days.

    """

    def __init__(self, pieces: _Pieces, runs: Runs, grid: Grid, first: int, last: int) -> None:
        self._pieces, self._runs, self._first, self._last = pieces, runs, first, last
        self.begins = np.flatnonzero(_begins(pieces.pause))
        self._ends = np.append(self.begins[1:], len(pieces.run)) - 1
        self._length = np.add.reduceat(pieces.missing, self.begins)
        self._start, self._end = pieces.start[self.begins], pieces.end[self._ends]
        self._single = self._length == 1
        expected = np.maximum(np.minimum(grid.ends(), last + 1) - np.maximum(grid.before, first), 0)
        self._total = int(expected.sum())
        self._bucket = grid.bucket[pieces.segment]
        self._in_bucket = _sums(grid.bucket, expected)
        self.in_hour = _sums(grid.bucket & 63, expected)[self._bucket & 63]
        run = pieces.run[self.begins]
        self._pauses = _sums(run, np.ones_like(run))
        self._own = np.maximum(_sums(run, self._single.astype(np.int64)), 1)
        self._until = np.append(0, np.cumsum(runs.end - runs.start + 1))

    def share_pausing(self) -> Floats:
        """Pauses for each bar with trading in each piece's hour of the week, one left out."""
        size = len(self._in_bucket)
        present = self._in_bucket - _sums(self._bucket, self._pieces.missing, size)
        pauses = _sums(self._bucket[self.begins], np.ones_like(self.begins), size)
        overall = (len(self.begins) - 1) / max(int(present.sum()), 1)
        share: Floats = (np.maximum(pauses - 1, 0) + PRIOR * overall) / (present + PRIOR)
        return share[self._bucket]

    def around(self, pausing: Floats) -> _Around:
        """Look at both sides of each run, further where trading is thin."""
        reach = _AROUND_PRESENT / (1 - pausing[_begins(self._pieces.run)]).clip(1e-3)
        reach = np.clip(reach, _AROUND, _AROUND_MOST).astype(np.int64)
        low = np.maximum(self._runs.start - reach, self._first)
        high = np.minimum(self._runs.end + reach, self._last)
        own = self._runs.end - self._runs.start + 1
        missing = self._missing_until(high) - self._missing_until(low - 1) - own
        expected = high - low + 1 - own
        pauses = _between(self._start, low, high) - self._pauses
        return _Around(low, high, expected, expected - missing, pauses)

    def unusual(self, lasting: Floats) -> Flags:
        """Which pauses are longer than thin trading makes them."""
        lasting = lasting[self.begins]
        usual = np.log(_UNUSUAL * (1 - lasting)) / np.log(lasting)
        return self._length > np.maximum(usual, _UNUSUAL_BARS)

    def persistence(self, unusual: Flags) -> Floats:
        """Pauses of two bars for each of one; for each piece without itself."""
        is_two = self._length == 2
        holes = 2 * int(np.count_nonzero(unusual))
        twos = _without_holes(np.count_nonzero(is_two) - is_two.astype(np.int64), holes)
        share: Floats = np.minimum(twos / (np.count_nonzero(self._single) + PRIOR), PERSISTENCE)
        return share[self._pieces.pause]

    def share_alone(self, unusual: Flags) -> Floats:
        """Pauses of one bar for each expected bar of the hour of the week; at least what PRIOR average bars have."""
        own = self._own[self._pieces.run]
        singles = np.maximum(np.count_nonzero(self._single) - own, 0)
        overall = _without_holes(singles, 2 * int(np.count_nonzero(unusual))) / self._total
        by_hour = (self._alone(63, unusual, own) + PRIOR * overall) / (self.in_hour + PRIOR)
        by_bucket = (self._alone(-1, unusual, own) + PRIOR * by_hour) / (self._in_bucket[self._bucket] + PRIOR)
        share: Floats = np.maximum(by_bucket, PRIOR * singles / self._total / (self.in_hour + PRIOR))
        return share

    def singles_around(self, near: _Around, unusual: Flags) -> Floats:
        """Pauses of one bar on both sides of each run."""
        holes = _between(self._start[unusual], near.low, near.high) + _between(self._end[unusual], near.low, near.high)
        singles = _between(self._start[self._single], near.low, near.high) - self._own
        return _without_holes(singles - SURE * np.sqrt(np.maximum(singles, 0)), holes)

    def usual_missing_around(self, near: _Around, unusual: Flags) -> Int64s:
        """Missing bars on both sides of each run in pauses of usual length that lie there wholly."""
        usual = np.where(unusual, 0, self._length)
        until = np.append(0, np.cumsum(usual))
        low, high = np.searchsorted(self._start, near.low), np.searchsorted(self._end, near.high, side="right")
        own = _sums(self._pieces.run[self.begins], usual)
        missing: Int64s = np.maximum(until[high] - until[low] - own, 0)
        return missing

    def _alone(self, mask: int, unusual: Flags, own: Int64s) -> Floats:
        """Pauses of one bar in each piece's hour (of the week, by the mask)."""
        kind = self._bucket & mask
        size = int(kind.max()) + 1
        starts, ends = kind[self.begins], kind[self._ends]
        singles = _sums(starts, self._single.astype(np.int64), size)
        holes = _sums(starts, unusual.astype(np.int64), size) + _sums(ends, unusual.astype(np.int64), size)
        return _without_holes(singles[kind] - own, holes[kind])

    def _missing_until(self, number: Int64s) -> Int64s:
        """Missing closes up to numbers, inclusive."""
        runs = np.searchsorted(self._runs.start, number, side="right")
        past = np.maximum(self._runs.end[np.maximum(runs - 1, 0)] - number, 0)
        return self._until[runs] - np.where(runs > 0, past, 0)


def _without_holes(pauses: Int64s | Floats, holes: Int64s | int) -> Floats:
    """Short pauses without those that may be holes, as so many ends of long ones tell."""
    lost = LOST * np.asarray(holes)
    short: Floats = np.maximum(pauses - lost - 2 * np.sqrt(lost), 0.0)
    return short


def _between(places: Int64s, low: Int64s, high: Int64s) -> Int64s:
    """How many places, which are in order, lie from one number to another."""
    return np.searchsorted(places, high, side="right") - np.searchsorted(places, low, side="left")


def _begins(number: Int64s) -> Flags:
    """Where a number differs from the one before."""
    return np.append(True, number[1:] != number[:-1])


def _sums(at: Int64s, amounts: Int64s, length: int = 0) -> Int64s:
    return np.rint(np.bincount(at, weights=amounts, minlength=length)).astype(np.int64)
