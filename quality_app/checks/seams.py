"""Which rows the parts of a dataset leave unjudged: those whose marks depend on rows of neighbouring files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from quality_app.checks.halo import Halo
from quality_app.checks.partial import Stretch

# Rows of short files that one seam judges, about: another file at their end shall not cost all of them again.
SEAM_ROWS: Final = 65_536


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
    def rows(self) -> int:
        """How many rows it has, with context."""
        return sum(span.stop - span.start for span in self.spans)

    @property
    def judged(self) -> int:
        """How many rows are to be judged."""
        return self.rows - self.lead - self.trail


def seams(files: Sequence[Stretch], halo: Halo, most: int = SEAM_ROWS) -> list[Seam]:
    """Return the seams of files that were checked apart, each with open start and end, in their order.

    Together with the files' own judged rows they cover every row once. Files without judged rows, being shorter
    than the halo, lie wholly in seams of about `most` rows.
    """
    found: list[Seam] = []
    spans: list[Span] = []
    lead = 0
    for place, file in enumerate(files):
        if file.last == 0:
            spans.append(Span(place, 0, file.rows))
            continue
        trail = min(halo.after, file.rows - file.first)
        found.append(Seam((*spans, Span(place, 0, file.first + trail)), lead, trail))
        spans, lead = [Span(place, file.tail_from, file.rows)], file.last - file.tail_from
    found.append(Seam(tuple(spans), lead, 0))
    return [piece for seam in found for piece in _cut(seam, files, halo, most) if piece.judged > 0]


def _cut(seam: Seam, files: Sequence[Stretch], halo: Halo, most: int) -> Iterator[Seam]:
    """Cut a long seam where files end, from its start on, so that what is added at its end leaves the rest alone."""
    start, cuts, at = seam.lead, [seam.lead], 0
    for before, after in pairwise(seam.spans):
        at += before.stop - before.start
        # Rows that share ts_init stay together: they are compared with each other.
        apart = files[before.file].last_ns != files[after.file].first_ns
        if apart and at - start >= most:
            cuts.append(at)
            start = at
    cuts.append(seam.rows - seam.trail)
    for first, last in pairwise(cuts):
        from_row, to_row = max(first - halo.before, 0), min(last + halo.after, seam.rows)
        if first == seam.lead:
            from_row = 0
        yield Seam(_slice(seam.spans, from_row, to_row), first - from_row, to_row - last)


def _slice(spans: Sequence[Span], start: int, stop: int) -> tuple[Span, ...]:
    """Rows [start, stop) of all spans together, as spans."""
    found, at = [], 0
    for span in spans:
        length = span.stop - span.start
        first, last = max(start - at, 0), min(stop - at, length)
        if first < last:
            found.append(Span(span.file, span.start + first, span.start + last))
        at += length
    return tuple(found)
