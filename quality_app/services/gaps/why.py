"""Why a gap has its cause: in words, with the halts or incidents that explain it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from catalog_app.durations import duration_text
from catalog_app.models import Dataset
from quality_app.models import Gap
from quality_app.services.gaps.halts import halts_for
from quality_app.services.incidents import incidents_for
from quality_app.services.scores import GAP_SCAN

SHOWN = 20
_TEXTS = {
    Gap.Cause.UNEXPLAINED: "Sessions were open, at that time of week rows come often enough that none for so long is "
    "no accident, and no halt or incident is known.",
    Gap.Cause.ILLIQUID: "At that time of week rows come so rarely that none for so long is nothing unusual. It does "
    "not count as missing.",
    Gap.Cause.HALT: "The instrument was halted for at least nine tenths of the gap's trading time, as its status "
    "messages say. It does not count as missing.",
    Gap.Cause.OUTAGE: "A known incident covers at least nine tenths of the gap's trading time. The data is missing "
    "all the same.",
}
_ROWS = "The numbers that the venue gives its messages jump by that many between the two rows."


@dataclass(frozen=True, slots=True)
class Span:
    """A halt or incident (ns UTC); `ident` is an incident's key."""

    title: str
    start_ns: int
    end_ns: int
    ident: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """What led to a cause."""

    text: str
    spans: list[Span] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)


def why(gap: Gap, span: tuple[int, int]) -> Why:
    """Say it, for the times at which the gap's rows would be; the gap's dataset and store are selected with it."""
    is_count = gap.unit == Gap.Unit.ROWS and gap.cause == Gap.Cause.UNEXPLAINED
    return Why(_ROWS if is_count else _TEXTS[Gap.Cause(gap.cause)], _spans(gap.dataset, gap.cause, span), _facts(gap))


def _spans(dataset: Dataset, cause: str, span: tuple[int, int]) -> list[Span]:
    if cause == Gap.Cause.HALT:
        rows = halts_for(dataset, *span).head(SHOWN)
        return [Span("Halt", row["start_ns"], row["end_ns"]) for row in rows.iter_rows(named=True)]
    if cause == Gap.Cause.OUTAGE:
        rows = incidents_for(dataset, *span).head(SHOWN)
        return [Span(row["title"], row["start_ns"], row["end_ns"], row["id"]) for row in rows.iter_rows(named=True)]
    return []


def _facts(gap: Gap) -> list[tuple[str, str]]:
    """What the last scan held lengths against: (label, value)."""
    scan: dict[str, Any] = gap.dataset.metadata.get(GAP_SCAN, {})
    facts = []
    if "alpha" in scan and gap.unit == Gap.Unit.BARS:
        facts.append(("Illiquid from a probability of", f"{scan['alpha'] * 100:g} %"))
    if gap.unit == Gap.Unit.SECONDS:
        if wait := scan.get("expectedWaitSeconds"):
            shown = [duration_text(float(wait[name])) for name in ("least", "median", "greatest")]
            facts.append(("Usual wait by time of week", f"{shown[0]} to {shown[2]}, in the median {shown[1]}"))
        if "minimumSeconds" in scan:
            facts.append(("Least length where no rate is known", duration_text(float(scan["minimumSeconds"]))))
    return facts
