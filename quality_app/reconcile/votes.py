"""Which source is wrong: at each moment that at least three sources have, each is held against their median.

An outlier is further from the median than k robust scales and than a number of ticks. The scale is 1.4826 times the
median of the deviations at that moment (Hampel's identifier: Davies, Gather 1993, JASA 88), so that sources that differ
much among themselves convict nobody; the ticks keep it from zero where all others agree. The bound x is the larger of
both. All sources vote, excluded ones too: the median bears up to half of them being wrong.

A source is excluded when it is beyond x and comes back when it is within x/2: between the two it stays as it was (a
Schmitt trigger), so that one at the edge does not come and go.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.reconcile.align import ABSENT, Int64s, moments
from quality_app.reconcile.differences import BUCKETS, KEPT_STRETCHES, bucket_of, times_of
from quality_app.reconcile.stretches import Stretches
from quality_app.reconcile.terms import Piece, Terms

VOTERS: Final = 3
MAD_SCALE: Final = 1.4826


@dataclass(slots=True)
class Hysteresis:
    """Whether a source is excluded, from one moment to the next."""

    excluded: bool = False

    def feed(self, deviation: npt.NDArray[np.float64], bound: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return the state after each of the next moments: excluded beyond the bound, back under half of it."""
        change = np.where(deviation > bound, 1, np.where(2 * deviation < bound, -1, 0))
        # The last change at or before each moment; before the first one the state is what it was.
        at = np.maximum.accumulate(np.where(change != 0, np.arange(1, len(change) + 1), 0))
        states = np.concatenate([[self.excluded], change == 1])[at]
        if len(states):
            self.excluded = bool(states[-1])
        return states


@dataclass(slots=True)
class _Voter:
    voted: int = 0
    outliers: int = 0
    excluded: int = 0
    largest: float = 0.0
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    exclusions: Stretches = field(default_factory=lambda: Stretches(KEPT_STRETCHES))
    buckets: Int64s = field(default_factory=lambda: np.zeros((3, BUCKETS), np.int64))


@dataclass(slots=True)
class VoteTally:
    """Votes over all sources, fed piece by piece in the order of time."""

    terms: Terms
    moments: int = 0
    decided: int = 0
    voters: list[_Voter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.voters = [_Voter() for _ in self.terms.spans]

    def feed(self, series: list[pl.DataFrame], piece: Piece) -> None:
        """Hold a vote at each moment of a piece that at least three sources have."""
        times, members = moments([times_of(frame) for frame in series], self.terms.tolerance_ns)
        counted = piece.has(times)
        times, members = times[counted], members[:, counted]
        self.moments += len(times)
        enough = np.count_nonzero(members != ABSENT, axis=0) >= VOTERS
        times, members = times[enough], members[:, enough]
        self.decided += len(times)
        if not len(times):
            return
        deviation, bound = self._deviations(series, members)
        for voter, column in zip(self.voters, deviation, strict=True):
            self._judge(voter, times, column, bound)

    def _deviations(
        self, series: list[pl.DataFrame], members: Int64s
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return grains from the median per source (NaN where it has no row) and the bound x, per moment."""
        prices = np.full(members.shape, np.nan)
        # From a common level, so that a double holds the prices exactly.
        someone = int(np.argmax(members[:, 0] != ABSENT))
        level = series[someone]["price"][int(members[someone, 0])]
        for column, frame, at in zip(prices, series, members, strict=True):
            here = at != ABSENT
            column[here] = frame["price"].to_numpy()[at[here]] - level
        deviation = np.abs(prices - median(prices))
        scale = MAD_SCALE * median(deviation)
        return deviation, np.maximum(float(self.terms.vote_scale) * scale, float(self.terms.vote_grains))

    def _judge(
        self,
        voter: _Voter,
        times: Int64s,
        deviation: npt.NDArray[np.float64],
        bound: npt.NDArray[np.float64],
    ) -> None:
        here = ~np.isnan(deviation)
        times, deviation, bound = times[here], deviation[here], bound[here]
        if not len(times):
            return
        outlier = deviation > bound
        states = voter.hysteresis.feed(deviation, bound)
        voter.voted += len(times)
        voter.outliers += int(np.count_nonzero(outlier))
        voter.excluded += int(np.count_nonzero(states))
        voter.largest = max(voter.largest, float(deviation.max()))
        voter.exclusions.feed(times, states, deviation.astype(np.int64))
        buckets = bucket_of(times, self.terms.start_ns, self.terms.end_ns)
        parts = (buckets, buckets[outlier], buckets[states])
        voter.buckets += np.stack([np.bincount(part, minlength=BUCKETS) for part in parts])

    def to_json(self) -> dict[str, Any]:
        """Return moments, decided moments and per source what was voted; deviations in grains."""
        sources = [
            {
                "voted": voter.voted,
                "outliers": voter.outliers,
                "excluded": voter.excluded,
                "largest": voter.largest,
                "exclusions": voter.exclusions.count,
                "kept": [stretch.to_json() for stretch in voter.exclusions.finish()],
                "isExcluded": voter.hysteresis.excluded,
                "timeline": voter.buckets.tolist(),
            }
            for voter in self.voters
        ]
        return {"moments": self.moments, "decided": self.decided, "sources": sources}


def median(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the median of each column, NaN left out; numpy's own takes the columns one by one."""
    ordered = np.sort(values, axis=0)
    count = np.count_nonzero(~np.isnan(values), axis=0)
    lower, upper = (np.take_along_axis(ordered, middle[np.newaxis], 0)[0] for middle in ((count - 1) // 2, count // 2))
    middles: npt.NDArray[np.float64] = (lower + upper) / 2
    return middles
