"""How two sources differ: what each lacks, and by how much the prices and volumes of matched rows differ.

A price difference is left minus right, in grains; in basis points it is 20,000 (l - r) / (|l| + |r|), relative to the
mean of the two, so that it does not depend on which is called left (the symmetric relative difference of Törnqvist,
Vartia, Vartia 1985, The American Statistician 39, to first order). The share of matched rows is the Jaccard index
(Jaccard 1912) of the rows that both sources could have: matched / (matched + missing left + missing right), where both
have begun and neither has ended.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.reconcile.align import Int64s, match
from quality_app.reconcile.histogram import Histogram
from quality_app.reconcile.series import BAR_FIELDS
from quality_app.reconcile.stretches import Stretches
from quality_app.reconcile.terms import Piece, Terms

KEPT_LARGEST: Final = 100
KEPT_STRETCHES: Final = 50
BUCKETS: Final = 600
QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
# Basis points are counted in whole thousandths.
BP_UNITS: Final = 1000
_TICK_BARS: Final = 41

type Floats = npt.NDArray[np.float64]


def times_of(series: pl.DataFrame) -> Int64s:
    """Return the times of a series."""
    return series["ts"].to_numpy()


@dataclass(slots=True)
class _Volumes:
    both: int = 0
    different: int = 0
    left: int = 0
    right: int = 0


@dataclass(slots=True)
class _Field:
    different: int = 0
    beyond: int = 0
    largest: int = 0
    at_ns: int | None = None


@dataclass(slots=True)
class PairTally:
    """Two sources, fed piece by piece; the result does not depend on where the pieces were cut."""

    terms: Terms
    left: int
    right: int
    rows: list[int] = field(default_factory=lambda: [0, 0])
    matched: int = 0
    same_time: int = 0
    equal: int = 0
    beyond: int = 0
    total: int = 0
    alone: list[int] = field(default_factory=lambda: [0, 0])
    missing: tuple[Stretches, Stretches] = field(
        default_factory=lambda: (Stretches(KEPT_STRETCHES), Stretches(KEPT_STRETCHES))
    )
    far: Stretches = field(default_factory=lambda: Stretches(KEPT_STRETCHES))
    ticks: Histogram = field(default_factory=Histogram)
    points: Histogram = field(default_factory=Histogram)
    offsets: Histogram = field(default_factory=Histogram)
    volumes: _Volumes = field(default_factory=_Volumes)
    fields: dict[str, _Field] = field(default_factory=dict)
    largest: pl.DataFrame | None = None
    buckets: pl.DataFrame | None = None

    def feed(self, left: pl.DataFrame, right: pl.DataFrame, piece: Piece) -> None:
        """Compare the rows of one piece; both series hold the context around it, and no undefined price."""
        one, other = times_of(left), times_of(right)
        at_left, at_right = match(one, other, self.terms.tolerance_ns)
        self._count_alone(one, at_left, piece, 0)
        self._count_alone(other, at_right, piece, 1)
        counted = piece.has(one)
        inside = (at_left >= counted.start) & (at_left < counted.stop)
        if inside.any():
            self._compare(left[at_left[inside]], right[at_right[inside]])

    def _count_alone(self, times: Int64s, matched: Int64s, piece: Piece, side: int) -> None:
        """Count a source's rows, and those without a match where the other source could have one."""
        counted = piece.has(times)
        without = np.ones(len(times), bool)
        without[matched] = False
        times, without = times[counted], without[counted]
        first, last = self.terms.spans[self.right if side == 0 else self.left]
        self.rows[side] += len(times)
        self.alone[side] += int(np.count_nonzero(without))
        within = (times >= first) & (times <= last)
        self.missing[side].feed(times[within], without[within])

    def _compare(self, left: pl.DataFrame, right: pl.DataFrame) -> None:
        times, other_times = times_of(left), times_of(right)
        one, other = left["price"].to_numpy(), right["price"].to_numpy()
        difference = one - other
        points = relative(one, other)
        beyond = self._beyond(difference, points)
        self.matched += len(times)
        self.same_time += int(np.count_nonzero(times == other_times))
        self.equal += int(np.count_nonzero(difference == 0))
        self.beyond += int(np.count_nonzero(beyond))
        # A sum of 64-bit integers may need more.
        self.total += int(pl.Series(difference).cast(pl.Int128).sum())
        self.ticks.add(difference)
        self.points.add((points * BP_UNITS).astype(np.int64))
        self.offsets.add(other_times - times)
        self.far.feed(times, beyond, np.abs(difference))
        self._keep_largest(left, right, difference, points)
        self._draw(times, difference, beyond)
        self._count_volumes(left["volume"], right["volume"])
        if "open" in left.columns and "open" in right.columns:
            for name in BAR_FIELDS:
                self._count_field(name, times, left[name].to_numpy(), right[name].to_numpy())

    def _beyond(self, difference: Int64s, points: Floats) -> npt.NDArray[np.bool_]:
        return (np.abs(difference) > self.terms.limit_grains) & (np.abs(points) > float(self.terms.limit_bp))

    def _keep_largest(self, left: pl.DataFrame, right: pl.DataFrame, difference: Int64s, points: Floats) -> None:
        size = np.abs(difference)
        least = int(np.partition(size, -KEPT_LARGEST)[-KEPT_LARGEST]) if len(size) > KEPT_LARGEST else 1
        rows = np.flatnonzero(size >= max(least, 1))
        found = pl.DataFrame({"difference": difference[rows], "bp": points[rows]}).hstack(
            [
                frame[name].gather(rows).alias(f"{side}_{name}")
                for side, frame in (("left", left), ("right", right))
                for name in ("ts", "price", "file", "row")
            ]
        )
        found = found if self.largest is None else pl.concat([self.largest, found])
        by = [-pl.col("difference").abs(), pl.col("left_ts"), pl.col("right_ts"), pl.col("left_row")]
        self.largest = found.sort(by, maintain_order=True).head(KEPT_LARGEST)

    def _draw(self, times: Int64s, difference: Int64s, beyond: npt.NDArray[np.bool_]) -> None:
        """Keep the lowest, the highest and the sum of each of BUCKETS parts of the time that both cover."""
        start, end = self.drawn
        bucket = np.clip(bucket_of(times, start, end), 0, BUCKETS - 1)  # a match may lie a tolerance outside
        frame = pl.DataFrame({"bucket": bucket, "difference": difference, "beyond": beyond})
        found = frame.group_by("bucket").agg(
            pl.col("difference").min().alias("low"),
            pl.col("difference").max().alias("high"),
            pl.col("difference").cast(pl.Int128).sum().alias("sum"),
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("beyond").sum().cast(pl.Int64).alias("beyond"),
        )
        if self.buckets is not None:
            found = (
                pl.concat([self.buckets, found])
                .group_by("bucket")
                .agg(pl.col("low").min(), pl.col("high").max(), pl.col("sum", "rows", "beyond").sum())
            )
        self.buckets = found

    def _count_volumes(self, left: pl.Series, right: pl.Series) -> None:
        both = left.is_not_null() & right.is_not_null()
        if both.any():
            left, right = left.filter(both), right.filter(both)
            self.volumes.both += len(left)
            self.volumes.different += int((left != right).sum())
            self.volumes.left += int(left.sum())
            self.volumes.right += int(right.sum())

    def _count_field(self, name: str, times: Int64s, left: Int64s, right: Int64s) -> None:
        difference = left - right
        size = np.abs(difference)
        tally = self.fields.setdefault(name, _Field())
        tally.different += int(np.count_nonzero(difference))
        tally.beyond += int(np.count_nonzero(self._beyond(difference, relative(left, right))))
        largest = int(size.argmax())
        if int(size[largest]) > tally.largest:
            tally.largest, tally.at_ns = int(size[largest]), int(times[largest])

    @property
    def drawn(self) -> tuple[int, int]:
        """The time that both sources cover, (after, until] in ns; all of the range where they never meet."""
        spans = (self.terms.spans[self.left], self.terms.spans[self.right])
        after, until = max(span[0] for span in spans) - 1, min(span[1] for span in spans)
        return (after, until) if after < until else (self.terms.start_ns, self.terms.end_ns)

    @property
    def share(self) -> float | None:
        """Matched share where both sources could have rows; None where they never meet."""
        all_rows = self.matched + self.missing[0].rows + self.missing[1].rows
        return self.matched / all_rows if all_rows else None

    def to_json(self) -> dict[str, Any]:
        """Return counts and distributions as JSON: prices and differences in grains, nanoseconds as text."""
        sides = [
            {"rows": rows, "alone": alone, "missing": found.rows, "stretches": found.count, "kept": _listed(found)}
            for rows, alone, found in zip(self.rows, self.alone, self.missing, strict=True)
        ]
        return {
            "left": self.left,
            "right": self.right,
            "sides": sides,
            "drawn": [str(edge) for edge in self.drawn],
            "matched": self.matched,
            "sameTime": self.same_time,
            "share": self.share,
            "equal": self.equal,
            "beyond": self.beyond,
            "far": {"stretches": self.far.count, "kept": _listed(self.far)},
            "mean": self.total / self.matched if self.matched else None,
            "median": self.ticks.quantile(0.5),
            "ticks": _quantiles(self.ticks),
            "points": _quantiles(self.points),
            "spread": self.ticks.bars(_TICK_BARS),
            "offset": {"median": self.offsets.quantile(0.5), **_quantiles(self.offsets)},
            "volume": _volume_json(self.volumes),
            "fields": {name: _field_json(tally) for name, tally in self.fields.items()},
            "largest": [] if self.largest is None else [_text_times(row) for row in self.largest.to_dicts()],
        }

    def series(self) -> dict[str, list[Any]]:
        """Return the parts of the range that hold matched rows, as columns, in the order of time."""
        if self.buckets is None:
            return {name: [] for name in ("bucket", "low", "high", "mean", "rows", "beyond")}
        frame = self.buckets.sort("bucket")
        mean = frame.select(pl.col("sum").cast(pl.Float64) / pl.col("rows")).to_series()
        return {
            "mean": mean.to_list(),
            **{name: frame[name].to_list() for name in ("bucket", "low", "high", "rows", "beyond")},
        }


def relative(left: Int64s, right: Int64s) -> Floats:
    """Return differences in basis points of the mean of both; 0 where both are 0."""
    base = np.abs(left).astype(np.float64) + np.abs(right)
    points: Floats = np.divide(20_000.0 * (left - right), base, out=np.zeros(len(left)), where=base > 0)
    return points


def bucket_of(times: Int64s, after_ns: int, until_ns: int) -> Int64s:
    """Return in which of BUCKETS equal parts of (after, until] times are."""
    width = max(-(-(until_ns - after_ns) // BUCKETS), 1)
    return (times - after_ns - 1) // width


def _listed(found: Stretches) -> list[dict[str, Any]]:
    return [stretch.to_json() for stretch in found.finish()]


def _quantiles(values: Histogram) -> dict[str, int | None]:
    sizes = values.folded()
    return {**{name: sizes.quantile(share) for name, share in QUANTILES.items()}, "max": values.largest}


def _volume_json(tally: _Volumes) -> dict[str, Any] | None:
    """Raw sums as text; None where not both sources have volumes."""
    if not tally.both or not (tally.left or tally.right):
        return None
    ratio = tally.left / tally.right if tally.right else None
    sums = {"left": str(tally.left), "right": str(tally.right)}
    return {"rows": tally.both, "different": tally.different, "ratio": ratio, **sums}


def _field_json(tally: _Field) -> dict[str, Any]:
    at = None if tally.at_ns is None else str(tally.at_ns)
    return {"different": tally.different, "beyond": tally.beyond, "largest": tally.largest, "atNs": at}


def _text_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name.endswith("_ts") else value for name, value in row.items()}
