"""The stretches of time that rows may be written into, from gaps of one dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from catalog_app.services.errors import ServiceError
from quality_app.models import Gap

# Gaps that one fill takes together.
MAX_GAPS = 500


class FillRefused(ServiceError):
    """The gaps cannot be filled as asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows with first_ns ≤ ts_init ≤ last_ns may come. `missing` is in the gap's units.

    `is_exact`: the rows on both sides are part of it, since what is missing is told by ids and not by times.
    """

    gap_id: str
    unit: str
    first_ns: int
    last_ns: int
    missing: int
    is_exact: bool = False


def spans_of(gaps: Sequence[Gap]) -> list[Span]:
    """The spans of gaps in order; FillRefused where two of them overlap."""
    spans = sorted((_span(gap) for gap in gaps), key=lambda span: (span.first_ns, span.last_ns))
    for before, after in pairwise(spans):
        if after.first_ns <= before.last_ns and not (before.is_exact or after.is_exact):
            raise FillRefused("Two of the gaps overlap. Scan the dataset again, then fill what is still missing.")
        if after.first_ns <= before.last_ns and after.first_ns != before.last_ns:
            raise FillRefused("Two of the gaps overlap: fill the holes in time first, the missing rows afterwards.")
    return spans


def _span(gap: Gap) -> Span:
    inner = 1 if gap.unit == Gap.Unit.SECONDS else 0
    return Span(
        str(gap.pk),
        gap.unit,
        gap.start_ns + inner,
        gap.end_ns - inner,
        gap.missing,
        is_exact=gap.unit == Gap.Unit.ROWS,
    )
