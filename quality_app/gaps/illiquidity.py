"""Which missing bars are explained by quiet trading. Pure: no Django.

A run of k missing bars is *unexplained* when an instrument that trades as rarely as this one would leave out so many
bars in a row, in all such hours of the scanned range together, less than ALPHA times. What is expected is

    E(k) = S · r^(k-1)

S, how often trading pauses in such hours, is told by pauses of a single bar, which are seen often where trading is
thin and which no long hole adds to: S = n · u / (1 - r), with n the bars expected in that hour of all session days,
and u the share of expected bars that are such pauses. u is the largest of that hour on all days, that hour on that
weekday, and the bars around the run (so a holiday's afternoon may be quieter than others). Each share is shrunk to
the one before it, as if PRIOR more bars (LOCAL around the run) had been seen, and leaves out the run's own pauses,
or else one: a single lost bar.

r, the chance that a pause goes on, is the largest of: how many pauses of two bars there are for each of one (pauses
come in bursts: traders rest together), as if PRIOR more of one had been seen, at most PERSISTENCE; and the share of
missing bars in that hour of the week, and around the run. The run itself is left out of both: a hole must not
explain itself.

Why not (1 - p)^k >= ALPHA for each run alone: of a hundred thousand quiet minutes a thousand would be called
unexplained, and an afternoon that is quieter than usual would be one hole beside the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quality_app.gaps.grid import Grid, Int64s

ALPHA: Final = 0.01
PRIOR: Final = 10.0
LOCAL: Final = 60.0
PERSISTENCE: Final = 0.5
# Bars on each side that are looked at: at least so many, and enough to expect so many with trading, up to a bound.
_AROUND: Final = 60
_AROUND_PRESENT: Final = 20
_AROUND_MOST: Final = 20_000
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

    A run that closed hours interrupt is judged part by part. It is quiet when every part is, and is then cut into
    them: two quiet minutes on both sides of a weekend are two gaps. Otherwise it stays one hole.

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
    all_quiet = np.ones(len(runs.start), np.bool_)
    pause_run = pieces.run[_begins(pieces.pause)]
    all_quiet[pause_run[~quiet]] = False
    begins = _begins(pieces.run) | (_begins(pieces.pause) & all_quiet[pieces.run])
    ends = np.append(begins[1:], True)
    return Judged(
        Runs(pieces.start[begins], pieces.end[ends]),
        all_quiet[pieces.run[begins]],
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
    """Return log E of each part of a run between closed hours."""
    bars = _Bars(pieces, runs, grid, first, last)
    present = bars.share_present()
    reach = np.clip(_AROUND_PRESENT / present[_begins(pieces.run)], _AROUND, _AROUND_MOST).astype(np.int64)
    around = bars.around(reach)
    here = around.bars[pieces.run]
    local = (here - around.missing[pieces.run] + LOCAL * present) / (here + LOCAL)
    lasting = np.maximum(bars.persistence(), 1 - np.minimum(present, local)).clip(1e-12, 1 - 1e-9)
    pauses = bars.share_pauses()
    near = (np.maximum(around.pauses[pieces.run] - bars.own_pauses, 0) + LOCAL * pauses) / (here + LOCAL)
    rate = np.minimum(np.maximum(pauses, near) / (1 - lasting), _MOST_PAUSES)
    begins = np.flatnonzero(_begins(pieces.pause))
    chance = np.add.reduceat(pieces.missing * np.log(lasting), begins) - np.log(lasting[begins])
    log_expected: Floats = np.log((bars.in_hour[pieces.segment] * rate)[begins].clip(1e-300)) + chance
    return log_expected


@dataclass(frozen=True, slots=True)
class _Around:
    """Expected bars on both sides of each run, how many of them are missing, and how many are pauses of one bar."""

    bars: Int64s
    missing: Int64s
    pauses: Int64s


class _Bars:
    """What the scanned range tells of trading: counts by hour, by hour of the week, and around places."""

    def __init__(self, pieces: _Pieces, runs: Runs, grid: Grid, first: int, last: int) -> None:
        self._pieces, self._runs, self._first, self._last = pieces, runs, first, last
        self._length = runs.end - runs.start + 1
        self._until = np.append(0, np.cumsum(self._length))
        expected = np.maximum(np.minimum(grid.ends(), last + 1) - np.maximum(grid.before, first), 0)
        self._total = int(expected.sum())
        hour = grid.bucket & 63
        self._bucket = grid.bucket[pieces.segment]
        self._hour = hour[pieces.segment]
        self._in_bucket = _sums(grid.bucket, expected)
        in_hour = _sums(hour, expected)
        self.in_hour = in_hour[hour]
        self._in_hour = in_hour[self._hour]
        pause_length = np.add.reduceat(pieces.missing, np.flatnonzero(_begins(pieces.pause)))
        self._pause_length = pause_length
        self._single = pause_length[pieces.pause] == 1
        self.own_pauses = np.maximum(_sums(pieces.run, self._single.astype(np.int64)), 1)[pieces.run]

    def share_present(self) -> Floats:
        """Of the expected bars in each piece's hour of the week, without the piece's run."""
        pieces = self._pieces
        run_length = self._length[pieces.run]
        overall = (self._total - self._until[-1]) / np.maximum(self._total - run_length, 1)
        present = (self._in_bucket - _sums(self._bucket, pieces.missing, len(self._in_bucket)))[self._bucket]
        others = self._in_bucket[self._bucket] - self._own()
        share: Floats = (present + PRIOR * overall) / (others + PRIOR)
        return share

    def share_pauses(self) -> Floats:
        """Pauses of one bar for each expected bar: the larger of the hour's and of the hour of the week's share."""
        singles = self._single.astype(np.int64)
        overall = np.maximum(int(singles.sum()) - self.own_pauses, 0) / self._total
        in_hour = np.maximum(_sums(self._hour, singles)[self._hour] - self.own_pauses, 0)
        by_hour = (in_hour + PRIOR * overall) / (self._in_hour + PRIOR)
        in_bucket = np.maximum(_sums(self._bucket, singles)[self._bucket] - self.own_pauses, 0)
        by_bucket = (in_bucket + PRIOR * by_hour) / (self._in_bucket[self._bucket] + PRIOR)
        share: Floats = np.maximum(by_hour, by_bucket)
        return share

    def persistence(self) -> Floats:
        """Pauses of two bars for each of one; for each piece without itself."""
        ones, twos = np.count_nonzero(self._pause_length == 1), np.count_nonzero(self._pause_length == 2)
        own = self._pause_length[self._pieces.pause] == 2
        share: Floats = np.minimum((twos - own) / (ones + PRIOR), PERSISTENCE)
        return share

    def around(self, reach: Int64s) -> _Around:
        """Count on both sides of each run, up to `reach` bars away."""
        low = np.maximum(self._runs.start - reach, self._first)
        high = np.minimum(self._runs.end + reach, self._last)
        singles = self._pieces.start[self._single]
        return _Around(
            high - low + 1 - self._length,
            self._missing_until(high) - self._missing_until(low - 1) - self._length,
            np.searchsorted(singles, high, side="right") - np.searchsorted(singles, low, side="left"),
        )

    def _missing_until(self, number: Int64s) -> Int64s:
        """Missing closes up to numbers, inclusive."""
        runs = np.searchsorted(self._runs.start, number, side="right")
        past = np.maximum(self._runs.end[np.maximum(runs - 1, 0)] - number, 0)
        return self._until[runs] - np.where(runs > 0, past, 0)

    def _own(self) -> Int64s:
        """Of each piece's run, what is missing in the same hour of the week."""
        pieces = self._pieces
        own = pieces.missing.copy()
        begins = _begins(pieces.run)
        cut = ~(begins & np.append(begins[1:], True))
        keys, at = np.unique(pieces.run[cut] * 512 + self._bucket[cut], return_inverse=True)
        own[cut] = _sums(at, pieces.missing[cut], len(keys))[at]
        return own


def _begins(number: Int64s) -> Flags:
    """Where a number differs from the one before."""
    return np.append(True, number[1:] != number[:-1])


def _sums(at: Int64s, amounts: Int64s, length: int = 0) -> Int64s:
    return np.rint(np.bincount(at, weights=amounts, minlength=length)).astype(np.int64)
