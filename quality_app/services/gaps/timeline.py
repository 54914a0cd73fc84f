"""Holes of many datasets below each other, so that those they have in common stand out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Count, F, Max, Min, QuerySet, Sum
from django.db.models.functions import Cast

from catalog_app.models import Dataset
from quality_app.models import Gap
from quality_app.plot import Tick, round_times
from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import in_scope
from quality_app.services.gaps.moments import moment_of

ROWS: Final = 60
LABEL, PLOT, ROW = 230, 760, 17
WIDTH: Final = LABEL + PLOT + 10
HEAD: Final = 40
# Columns in which holes in common are counted, and the least share of the rows that is marked.
COLUMNS: Final = 190
LEVELS: Final = ((0.75, 4), (0.5, 3), (0.25, 2), (0.0, 1))
LABEL_LETTERS = 34


@dataclass(frozen=True, slots=True)
class Hole:
    """Gaps of one cause that a chart cannot tell apart: `gap` is the only one, or None where they are several."""

    x: str
    width: str
    cause: str
    number: int
    first_ns: int
    last_ns: int
    gap: UUID | None


@dataclass(frozen=True, slots=True)
class Strip:
    """A dataset: from where to where it has rows, and its holes."""

    dataset: Dataset
    label: str
    y: int
    x: str
    width: str
    holes: list[Hole]

    @property
    def number(self) -> int:
        """Gaps in the range."""
        return sum(hole.number for hole in self.holes)


@dataclass(frozen=True, slots=True)
class Common:
    """A stretch in which `number` datasets have a hole; `level` is from 1 to 4 by their share."""

    x: str
    width: str
    number: int
    level: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The strips within a range, `more` datasets that are not drawn, and what the strips have in common."""

    strips: list[Strip]
    more: int
    common: list[Common]
    ticks: list[Tick]
    start_ns: int
    end_ns: int

    @property
    def height(self) -> int:
        """Of the drawing."""
        return HEAD + len(self.strips) * ROW + 6


def timeline(filters: Filters) -> Timeline | None:
    """Draw the datasets that the filters choose, those with most missing; None when none of them has rows.

    Quiet trading is left out unless the filters ask for it.
    """
    known = Dataset.objects.filter(filters.of_datasets(), start_ns__isnull=False, end_ns__isnull=False).order_by()
    ends: dict[str, Any] = known.aggregate(Count("pk"), Min("start_ns"), Max("end_ns"))
    if not ends["pk__count"]:
        return None
    start = ends["start_ns__min"] if filters.start_ns is None else filters.start_ns
    end = ends["end_ns__max"] if filters.end_ns is None else filters.end_ns
    end = max(end, start + PLOT)
    found = filters.within(start, end)
    open_gaps = Gap.objects.filter(found.of_gaps(), in_scope(filters)).order_by()
    if not filters.cause:
        open_gaps = open_gaps.exclude(cause=Gap.Cause.ILLIQUID)
    chosen = _chosen(known, open_gaps)
    holes = _holes(open_gaps.filter(dataset__in=[dataset.pk for dataset in chosen]), start, end)
    strips = [_strip(at, dataset, holes[dataset.pk], start, end) for at, dataset in enumerate(chosen)]
    return Timeline(
        strips, ends["pk__count"] - len(strips), _common(strips, start, end), _ticks(start, end), start, end
    )


def presets(end_ns: int) -> list[tuple[str, str]]:
    """(label, start) of ranges that end with the data."""
    last = moment_of(end_ns)
    lengths = (("7 days", 7), ("30 days", 30), ("90 days", 90), ("1 year", 365), ("5 years", 1826))
    return [
        (label, f"{last - timedelta(days=days):%Y-%m-%d}") for label, days in lengths if last.year - days // 365 > 1
    ]


def _chosen(known: QuerySet[Dataset], found: QuerySet[Gap]) -> list[Dataset]:
    """The datasets with most time missing, then others; by venue and instrument."""
    worst = [key for key, _ in found.values_list("dataset").annotate(lost=Sum("lost_ns")).order_by("-lost")[:ROWS]]
    rows = list(known.filter(pk__in=worst).select_related("store").defer("metadata"))
    if len(rows) < ROWS:
        rest = known.exclude(pk__in=worst).select_related("store").defer("metadata").order_by("pk")
        rows += rest[: ROWS - len(rows)]
    return sorted(rows, key=lambda row: (row.venue, row.instrument_id, row.data_type, row.timeframe, row.store.name))


def _holes(found: QuerySet[Gap], start: int, end: int) -> dict[UUID, list[Hole]]:
    step = max((end - start) // PLOT, 1)
    groups = found.annotate(at=(F("start_ns") - start) / step).values_list("dataset", "cause", "at")
    holes: dict[UUID, list[Hole]] = defaultdict(list)
    for key, cause, _, number, first, last, one in groups.annotate(
        number=Count("pk"), first=Min("start_ns"), last=Max("end_ns"), one=Min(Cast("pk", CharField()))
    ).order_by("at"):
        left, right = max(first, start), min(last, end)
        width = max(_x(right, start, end) - _x(left, start, end), 1.2)
        gap = UUID(one) if number == 1 else None
        holes[key].append(Hole(f"{_x(left, start, end):.1f}", f"{width:.1f}", cause, number, first, last, gap))
    return holes


def _strip(at: int, dataset: Dataset, holes: list[Hole], start: int, end: int) -> Strip:
    first, last = dataset.start_ns or start, dataset.end_ns or end
    left, right = _x(min(max(first, start), end), start, end), _x(max(min(last, end), start), start, end)
    label = dataset.title if len(dataset.title) <= LABEL_LETTERS else f"{dataset.title[: LABEL_LETTERS - 1]}…"
    return Strip(dataset, label, HEAD + at * ROW, f"{left:.1f}", f"{max(right - left, 0):.1f}", holes)


def _common(strips: Sequence[Strip], start: int, end: int) -> list[Common]:
    """Stretches in which at least two datasets lack something that is not just quiet."""
    counts = [0] * COLUMNS
    for strip in strips:
        lacking: set[int] = set()
        for hole in strip.holes:
            if hole.cause != Gap.Cause.ILLIQUID:
                lacking.update(_columns(max(hole.first_ns, start), min(hole.last_ns, end), start, end))
        for column in lacking:
            counts[column] += 1
    width, span = PLOT / COLUMNS, end - start
    result = []
    for column, number in enumerate(counts):
        if number > 1:
            level = next(level for least, level in LEVELS if number / len(strips) >= least)
            first, last = start + span * column // COLUMNS, start + span * (column + 1) // COLUMNS
            result.append(Common(f"{LABEL + column * width:.1f}", f"{width:.1f}", number, level, first, last))
    return result


def _columns(left: int, right: int, start: int, end: int) -> Iterable[int]:
    span = end - start
    first, last = (left - start) * COLUMNS // span, (right - start) * COLUMNS // span
    return range(max(first, 0), min(last, COLUMNS - 1) + 1)


def _ticks(start: int, end: int) -> list[Tick]:
    ticks = []
    for moment, label in round_times(moment_of(start), moment_of(end)):
        at = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000_000
        ticks.append(Tick(f"{_x(at, start, end):.1f}", label))
    return ticks


def _x(at: int, start: int, end: int) -> float:
    return LABEL + PLOT * (at - start) / (end - start)
