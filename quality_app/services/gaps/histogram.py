"""How long gaps are: counted in bins that grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db.models import Case, Count, IntegerField, Sum, Value, When

from quality_app.models import Gap
from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import restricted

SECOND_NS: Final = 1_000_000_000
# Upper ends in seconds of trading time; each some four times the one before.
EDGES: Final = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400)
LABELS: Final = (
    *("< 1 s", "1–5 s", "5–15 s", "15–60 s", "1–5 min", "5–15 min", "15–60 min", "1–4 h", "4–24 h"),
    *("1–3 d", "3–7 d", "7–30 d", "≥ 30 d"),
)
CAUSES: Final = tuple(Gap.Cause.values)
HEIGHT: Final = 150
STEP: Final = 72


@dataclass(frozen=True, slots=True)
class Part:
    """The gaps of one cause in a bin; `y` and `height` of its piece of the bar."""

    cause: str
    label: str
    count: int
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bin:
    """Gaps of a length: how many, the trading time in them, and of which causes."""

    label: str
    x: int
    count: int
    lost_ns: int
    top: str
    parts: list[Part] = field(default_factory=list)

    @property
    def by_cause(self) -> Mapping[str, int]:
        """Counts of the causes that there are."""
        return {part.cause: part.count for part in self.parts}


def histogram(filters: Filters) -> list[Bin]:
    """Count the gaps that the filters let through by the trading time that they cover, in one query."""
    bins = Case(
        *(When(lost_ns__lt=edge * SECOND_NS, then=Value(at)) for at, edge in enumerate(EDGES)),
        default=Value(len(EDGES)),
        output_field=IntegerField(),
    )
    rows = (
        restricted(filters)
        .annotate(bin=bins)
        .values_list("bin", "cause")
        .annotate(number=Count("*"), lost=Sum("lost_ns"))
    )
    counts: dict[int, dict[str, tuple[int, int]]] = {}
    for at, cause, number, lost in rows:
        counts.setdefault(at, {})[cause] = (number, lost or 0)
    tallest = max((sum(number for number, _ in each.values()) for each in counts.values()), default=0) or 1
    return [_bin(at, label, counts.get(at, {}), tallest) for at, label in enumerate(LABELS)]


def _bin(at: int, label: str, counts: Mapping[str, tuple[int, int]], tallest: int) -> Bin:
    parts = []
    base = 0
    for cause in CAUSES:
        number = counts.get(cause, (0, 0))[0]
        if number:
            bottom, top = HEIGHT * base / tallest, HEIGHT * (base + number) / tallest
            name = str(Gap.Cause(cause).label)
            parts.append(Part(cause, name, number, f"{HEIGHT - top:.1f}", f"{max(top - bottom, 0.6):.1f}"))
            base += number
    lost = sum(lost for _, lost in counts.values())
    return Bin(label, at * STEP, base, lost, f"{HEIGHT - HEIGHT * base / tallest:.1f}", parts)
