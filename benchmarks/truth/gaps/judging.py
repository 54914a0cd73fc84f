"""Holds what detectors report against the holes that were put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.gaps.bar_holes import MUST_BARS, BarGround
from benchmarks.truth.gaps.detection import find
from benchmarks.truth.gaps.holes import Holes, Round, rounds
from benchmarks.truth.gaps.naive import NAIVE
from benchmarks.truth.gaps.series import Flags, Int64s, Series
from benchmarks.truth.gaps.tick_holes import TickGround

AnyGround = BarGround | TickGround

DESK: Final = "desk"
_EXAMPLES: Final = 1_000


@dataclass(slots=True)
class Count:
    """Holes of one kind of one series: injected, found with exact bounds, of these called unexplained; false claims.

    `wrong` counts the same rows once, `repeated` in every round in which they are claimed.
    """

    holes: int = 0
    found: int = 0
    claimed: int = 0
    wrong: int = 0
    repeated: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the holes that were reported with exact bounds."""
        return self.found / self.holes if self.holes else None

    @property
    def precision(self) -> float | None:
        """Share of the gaps reported as unexplained that were holes."""
        return self.claimed / (self.claimed + self.wrong) if self.claimed + self.wrong else None

    @property
    def precision_each(self) -> float | None:
        """The same with every round's claims counted: what somebody sees who scans a file with so few holes."""
        return self.claimed / (self.claimed + self.repeated) if self.claimed + self.repeated else None


@dataclass(frozen=True, slots=True)
class Case:
    """A hole that was missed, or a false claim."""

    what: str
    series: str
    kind: str
    start_ns: int
    end_ns: int
    missing: int
    must: bool


@dataclass(slots=True)
class Verdicts:
    """What one detector made of one series: all holes, those that it must find, and the file untouched."""

    series: Series
    detector: str
    all: Count = field(default_factory=Count)
    must: Count = field(default_factory=Count)
    closed: int = 0
    quiet: int = 0
    unexplained: int = 0
    cases: list[Case] = field(default_factory=list)
    blamed: set[tuple[int, int]] = field(default_factory=set)

    @property
    def per_100_000(self) -> float:
        """Gaps called unexplained per 100,000 rows of the untouched file."""
        return self.unexplained * 100_000 / len(self.series.times)


def ground_of(series: Series) -> AnyGround:
    """Return where holes may be."""
    return BarGround(series) if series.clock is None else TickGround(series, series.clock)


def judge_gaps(series: Series, count: int, seed: int = 1) -> list[Verdicts]:
    """Put holes into a series, in as many rounds as it takes, and count what each detector reports."""
    ground = ground_of(series)
    detectors: dict[str, Callable[[Int64s, tuple[int, int] | None], pl.DataFrame]] = {
        DESK: lambda times, wanted: find(series, times, wanted)
    }
    for name, naive in NAIVE.items():
        detectors[name] = lambda times, _, naive=naive: naive(series, times)  # type: ignore[misc]
    verdicts = [Verdicts(series, name) for name in detectors]
    before = [detect(series.times, None) for detect in detectors.values()]
    for one, gaps in zip(verdicts, before, strict=True):
        _look_untouched(one, ground, gaps)
    for each in rounds(series, ground, count, seed):
        for one, detect in zip(verdicts, detectors.values(), strict=True):
            _count(one, ground, each, detect(each.times, each.wanted))
    return verdicts


def _look_untouched(one: Verdicts, ground: AnyGround, gaps: pl.DataFrame) -> None:
    """What is called unexplained in a file as it is counts as a false claim, once."""
    claims = gaps.filter(pl.col("cause") == "unexplained")
    # Bars that are quiet on both sides of closed hours are gaps of their own; ticks have a row on both sides.
    judged = gaps if isinstance(ground, BarGround) else claims
    one.closed = int(_meets_closed(one.series, judged).sum())
    one.unexplained = len(claims)
    outside = ~_in_main_hours(ground, claims)
    one.quiet = int((outside & (claims["missing"] > 1).to_numpy()).sum())
    _blame(one, ground, claims, "in the untouched file", is_round=False)


def _meets_closed(series: Series, gaps: pl.DataFrame) -> Flags:
    """Which gaps reach into closed hours."""
    opens, closes = series.stretches
    start, end = gaps["start_ns"].to_numpy(), gaps["end_ns"].to_numpy()
    # A close belongs to the hours before it, an open to the hours after.
    first = np.searchsorted(closes, start - series.step_ns, side="right")
    known = np.minimum(first, len(opens) - 1)
    inside = (first < len(opens)) & (opens[known] <= start - series.step_ns) & (end <= closes[known])
    return ~inside


def _in_main_hours(ground: AnyGround, gaps: pl.DataFrame) -> Flags:
    """Which claims the strict target judges: 3 bars or more in liquid hours; all of ticks."""
    if isinstance(ground, TickGround):
        return np.ones(len(gaps), np.bool_)
    low = np.searchsorted(ground.closes, gaps["start_ns"].to_numpy(), side="left")
    high = np.searchsorted(ground.closes, gaps["end_ns"].to_numpy(), side="right") - 1
    return ground.liquid_bars(low, np.maximum(high, low - 1)) >= MUST_BARS


def _blame(one: Verdicts, ground: AnyGround, claims: pl.DataFrame, what: str, *, is_round: bool) -> None:
    """Count false claims; what is claimed in several rounds is one, since it is of the same rows of one file."""
    must = _in_main_hours(ground, claims)
    for row, is_must in zip(claims.iter_rows(named=True), must.tolist(), strict=True):
        start, end = row["start_ns"], row["end_ns"]
        one.all.repeated += is_round
        one.must.repeated += is_round and is_must
        if (start, end) in one.blamed:
            continue
        one.blamed.add((start, end))
        one.all.wrong += 1
        one.must.wrong += is_must
        _note(one, [Case(f"wrong, {what}", one.series.name, "", start, end, row["missing"], is_must)])


def _count(one: Verdicts, ground: AnyGround, each: Round, gaps: pl.DataFrame) -> None:
    holes = each.holes
    found, claimed = _match(holes, gaps)
    # In an hour where a row is never missing, a hole must not pass for quiet trading.
    right = np.where(holes.must, claimed, found)
    one.all.holes += len(right)
    one.all.found += int(right.sum())
    one.all.claimed += int(claimed.sum())
    one.must.holes += int(holes.must.sum())
    one.must.found += int((right & holes.must).sum())
    one.must.claimed += int((claimed & holes.must).sum())
    missed = zip(*(part[~right] for part in (holes.start_ns, holes.end_ns, holes.missing, holes.must)), strict=True)
    kinds = (kind for kind, is_right in zip(holes.kinds, right, strict=True) if not is_right)
    told = (("missed, called quiet" if is_found else "missed") for is_found in found[~right])
    _note(
        one,
        (
            Case(what, one.series.name, kind, int(start), int(end), int(lost), bool(must))
            for what, kind, (start, end, lost, must) in zip(told, kinds, missed, strict=True)
        ),
    )
    bounds = pl.DataFrame({"start_ns": holes.start_ns, "end_ns": holes.end_ns})
    claims = gaps.filter(pl.col("cause") == "unexplained").join(bounds, on=["start_ns", "end_ns"], how="anti")
    _blame(one, ground, claims, "beside holes", is_round=True)


def _match(holes: Holes, gaps: pl.DataFrame) -> tuple[Flags, Flags]:
    """Which holes are reported with exact bounds, and which of these are called unexplained.

    What is quiet on both sides of closed hours may be reported in pieces.
    """
    start, end = gaps["start_ns"].to_numpy(), gaps["end_ns"].to_numpy()
    if not len(start):
        nothing = np.zeros(len(holes.start_ns), np.bool_)
        return nothing, nothing
    first = np.minimum(np.searchsorted(start, holes.start_ns), len(start) - 1)
    last = np.minimum(np.searchsorted(end, holes.end_ns), len(end) - 1)
    lost = np.append(0, np.cumsum(gaps["missing"].to_numpy()))
    exact = (start[first] == holes.start_ns) & (end[last] == holes.end_ns)
    found = exact & ((first == last) | ((last > first) & (lost[last + 1] - lost[first] == holes.missing)))
    unexplained = (gaps["cause"] == "unexplained").to_numpy()
    return found, found & (first == last) & unexplained[first]


def _note(one: Verdicts, cases: Iterable[Case]) -> None:
    for case in cases:
        if len(one.cases) >= _EXAMPLES:
            return
        one.cases.append(case)
