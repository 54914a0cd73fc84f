"""What checks found in a part of a dataset, and how parts add up to the whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Violating rows that are kept per check: the first ones.
SAMPLE_LIMIT: Final = 200


@dataclass(slots=True)
class Finding:
    """One check over one part: an exact count, and the first violating rows, in order."""

    violations: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return both as JSON."""
        return {"violations": self.violations, "samples": self.samples}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Finding":
        """Return what `to_json` gave."""
        return cls(value["violations"], list(value["samples"]))


@dataclass(slots=True)
class Stretch:
    """Rows of one part that were judged, [first, last) by their position in the file.

    `tail_from` is the position from which rows are context for what follows; `first_ns` and `last_ns` are the ts_init
    of the first and last row. `disordered` and `cut` say that
    repeats may have been missed: ts_init decreases, or more rows share it than are kept in memory.
    """

    rows: int = 0
    first: int = 0
    last: int = 0
    tail_from: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    disordered: bool = False
    cut: bool = False
    findings: dict[str, Finding] = field(default_factory=dict)


def merge(findings: Iterable[Finding], order: Mapping[str, int], limit: int = SAMPLE_LIMIT) -> Finding:
    """Add up what one check found in disjoint parts; exact, in whatever order the parts come.

    `order` tells each file's place; the first `limit` samples by file and row remain.
    """
    total = Finding()
    for finding in findings:
        total.violations += finding.violations
        total.samples.extend(finding.samples)
    total.samples = sorted(total.samples, key=lambda sample: (order[sample["file"]], sample["row"]))[:limit]
    return total
