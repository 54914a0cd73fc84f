"""What a conversion will do, and what it did."""

from dataclasses import dataclass
from typing import Any, Literal

from catalog_app.store.layout import Version

UnitKind = Literal["data", "definitions", "custom"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the source and the identity by which changes are seen; start_ns and end_ns bound its ts_init."""

    path: str
    size_bytes: int
    mtime_ns: int
    rows: int
    start_ns: int
    end_ns: int
    price_precision: int | None = None
    size_precision: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Source files that become one file: one, or several whose times touch or overlap.

    `in_sequence`: read one after the other, their rows are in order as far as the files' bounds tell.
    """

    files: tuple[SourceFile, ...]
    in_sequence: bool = True

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is committed at once: a dataset, the definitions of a class, or a directory of custom data.

    `directory` is the source's; `owner` the instrument id, or for bars the bar type.
    """

    kind: UnitKind
    directory: str
    parts: tuple[Part, ...]
    data_type: str = ""
    instrument_id: str = ""
    bar_type: str | None = None

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files, in the order of the parts."""
        return tuple(file for part in self.parts for file in part.files)

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not converted, and why."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """A dry run: what would be converted (files, rows and bytes of the source), what not, and what changes meaning.

    `losses` are sentences about values that the target version has no place for.
    """

    source: str
    target: str
    to: Version
    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]
    losses: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """As JSON values in camel case."""
        return {
            "source": self.source,
            "target": self.target,
            "to": self.to,
            "files": len(self.files),
            "rows": self.rows,
            "bytes": self.size_bytes,
            "skipped": [one.to_json() for one in self.skipped],
            "losses": list(self.losses),
        }


@dataclass(frozen=True, slots=True)
class ConversionReport:
    """What a conversion did. `files` are those of the source that are in the target now, `rows` how many rows it has.

    `resumed` of the files were there from an earlier run. `verified`: all that is in the target was read back and
    compared; False when it was not asked for.
    """

    files: int
    rows: int
    skipped: tuple[Skipped, ...]
    verified: bool
    resumed: int
    losses: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values in camel case."""
        return {
            "files": self.files,
            "rows": self.rows,
            "skipped": [one.to_json() for one in self.skipped],
            "verified": self.verified,
            "resumed": self.resumed,
            "losses": list(self.losses),
        }
