"""Which rows the parts of a dataset leave unjudged: those whose marks depend on rows of neighbouring files."""

from collections.abc import Sequence
from dataclasses import dataclass

from quality_app.checks.partial import Stretch


@dataclass(frozen=True, slots=True)
class Span:
    """Rows [start, stop) of one file, by its place among the files."""

    file: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Seam:
    """Consecutive rows over the ends of files: the first `lead` and the last `trail` are context."""

    spans: tuple[Span, ...]
    lead: int
    trail: int

    @property
    def judged(self) -> int:
        """How many rows are to be judged."""
        return sum(span.stop - span.start for span in self.spans) - self.lead - self.trail


def seams(files: Sequence[Stretch], after: int) -> list[Seam]:
    """Return the seams of files that were checked apart, each with open start and end, in their order.

    Together with the files' own judged rows they cover every row once. `after` is the halo's rows after. Files
    without judged rows, being shorter than the halo, lie wholly in a seam.
    """
    found: list[Seam] = []
    spans: list[Span] = []
    lead = 0
    for place, file in enumerate(files):
        if file.last == 0:
            spans.append(Span(place, 0, file.rows))
            continue
        trail = min(after, file.rows - file.first)
        found.append(Seam((*spans, Span(place, 0, file.first + trail)), lead, trail))
        spans, lead = [Span(place, file.tail_from, file.rows)], file.last - file.tail_from
    found.append(Seam(tuple(spans), lead, 0))
    return [seam for seam in found if seam.judged > 0]
