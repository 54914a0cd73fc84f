"""What a fill will write and where: worked out by the preview, carried out to the row, kept as JSON between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

from catalog_app.store.layout import format_file_name
from catalog_app.store.maintenance import Pinned, PlannedFile
from catalog_app.store.maintenance.sources import Source
from quality_app.services.gaps.filling.spans import Span

KIND = "fill"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a span that go to one place: into the file `path`, or into a file of their own where it is empty.

    The rows are those of the source with low_ns ≤ ts_init ≤ high_ns but for what is there already; first_ns and
    last_ns are the bounds of their ts_init.
    """

    gap_id: str
    path: str
    low_ns: int
    high_ns: int
    rows: int
    first_ns: int
    last_ns: int
    is_exact: bool = False


@dataclass(frozen=True, slots=True)
class FillPlan:
    """All that a fill does. `listing` is every file of the dataset, `touched` those that get rows, `sources` what is
    read; each must still be so when it is done.
    """

    directory: str
    parts: tuple[Part, ...]
    listing: tuple[str, ...]
    touched: tuple[Pinned, ...]
    sources: tuple[Pinned, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON; nanoseconds as text, since they do not fit a JavaScript number."""
        return {
            "directory": self.directory,
            "parts": [_texts(astuple(part)) for part in self.parts],
            "listing": list(self.listing),
            "touched": [_texts(astuple(file)) for file in self.touched],
            "sources": [_texts(astuple(file)) for file in self.sources],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The plan that `to_json` gave."""
        parts = (
            Part(gap, path, int(low), int(high), int(rows), int(first), int(last), is_exact)
            for gap, path, low, high, rows, first, last, is_exact in values["parts"]
        )
        pinned = {
            name: tuple(Pinned(path, int(size), int(mtime)) for path, size, mtime in values[name])
            for name in ("touched", "sources")
        }
        return cls(values["directory"], tuple(parts), tuple(values["listing"]), **pinned)

    def fingerprint(self) -> str:
        """Equal for plans that do the same to the same files."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


def places(span: Span, files: Sequence[Source]) -> Iterator[tuple[str, int, int]]:
    """(file or "", first, last) for the stretches of a span within a file and between files, which are disjoint."""
    low = span.first_ns
    for file in files:
        if file.end_ns < low or file.start_ns > span.last_ns:
            continue
        if low < file.start_ns:
            yield "", low, file.start_ns - 1
        yield file.path, max(low, file.start_ns), min(span.last_ns, file.end_ns)
        low = file.end_ns + 1
    if low <= span.last_ns:
        yield "", low, span.last_ns


def outputs(plan: FillPlan, files: Sequence[Source]) -> list[tuple[Source | None, list[Part], PlannedFile]]:
    """The files that will be written: from which present one (None: new), with which parts, and what they hold."""
    known = {file.path: file for file in files}
    merged: dict[str, list[Part]] = {}
    for part in plan.parts:
        merged.setdefault(part.path or f"{plan.directory}/{part.first_ns}", []).append(part)
    found = []
    for path, parts in merged.items():
        source = known.get(path)
        rows = sum(part.rows for part in parts) + (source.rows if source else 0)
        low = min([part.first_ns for part in parts] + ([source.start_ns] if source else []))
        high = max([part.last_ns for part in parts] + ([source.end_ns] if source else []))
        name = f"{plan.directory}/{format_file_name(low, high)}"
        found.append((source, parts, PlannedFile(name, rows, None, low, high)))
    return found


def _texts(values: Sequence[Any]) -> list[Any]:
    return [str(value) if type(value) is int else value for value in values]
