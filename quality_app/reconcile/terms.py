"""What a reconciliation compares and by which measures, and the pieces of time that it works in."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from quality_app.reconcile.align import Int64s, moments_reach_ns
from quality_app.reconcile.lag import LagSearch


@dataclass(frozen=True, slots=True)
class Terms:
    """Measures of one run. Times are ns UTC in the sources' own (shifted) time, prices whole grains.

    Attributes:
        spans: First and last time of each source.
        tolerance_ns: Rows this far apart may still be the same moment.
        tick: Grains of the smallest price step.
        limit_ticks, limit_bp: A difference is beyond the limit when it is larger than both.
        vote_scale, vote_ticks: An outlier is further from the median than both this many robust scales and ticks.
        interval_ns: Length of the bars that are compared; None for rows as they are.
        start_ns, end_ns: What is compared: times in (start, end].
        lag: What lead and lag are searched on.

    """

    spans: tuple[tuple[int, int], ...]
    tolerance_ns: int
    tick: int
    limit_ticks: Decimal
    limit_bp: Decimal
    vote_scale: Decimal
    vote_ticks: Decimal
    interval_ns: int | None
    start_ns: int
    end_ns: int
    lag: LagSearch

    @property
    def limit_grains(self) -> int:
        """The largest whole number of grains that is within `limit_ticks`."""
        return int(Fraction(self.limit_ticks) * self.tick)

    @property
    def vote_grains(self) -> int:
        """The largest whole number of grains that is within `vote_ticks`."""
        return int(Fraction(self.vote_ticks) * self.tick)

    @property
    def halo_ns(self) -> int:
        """How much of the sources around a piece its result depends on: whole intervals."""
        halo = max(moments_reach_ns(self.tolerance_ns, len(self.spans)), self.lag.halo_ns) + 1
        interval = self.interval_ns or 1
        return -(-halo // interval) * interval


@dataclass(frozen=True, slots=True)
class Piece:
    """Times in (after, until] are counted; the rows around them are context."""

    after_ns: int
    until_ns: int

    def has(self, times: Int64s) -> slice:
        """Return which of some ordered times are counted."""
        first, last = times.searchsorted([self.after_ns, self.until_ns], side="right")
        return slice(int(first), int(last))


def pieces(
    marks: list[tuple[int, int]], start_ns: int, end_ns: int, most_rows: int, grid: tuple[int, int]
) -> list[Piece]:
    """Cut (start, end] into pieces of about `most_rows` rows of all sources together.

    Args:
        marks: Times at which a number of further rows of a source has passed, in any order.
        start_ns: Where the first piece begins.
        end_ns: Where the last one ends.
        most_rows: Rows per piece.
        grid: Interval and origin that cuts must lie on; interval 1 is anywhere.

    """
    interval, origin = grid
    cuts, rows = [start_ns], 0
    for time, passed in sorted(marks):
        rows += passed
        cut = origin - ((origin - time) // interval) * interval
        if rows >= most_rows and cuts[-1] < cut < end_ns:
            cuts.append(cut)
            rows = 0
    cuts.append(end_ns)
    return [Piece(after, until) for after, until in pairwise(cuts) if after < until]
