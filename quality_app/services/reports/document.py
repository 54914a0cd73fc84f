"""The form of a report's content: sections of figures, tables and charts. Every output is made of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from catalog_app.services.errors import ServiceError

VERSION: Final = 1

# Scores and shares are decimal text, times ISO 8601 text in UTC; None is unknown.
type Value = str | int | None
type Row = Mapping[str, Value]


class UnknownVersion(ServiceError):
    """The content was written by another version of the desk."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: `before` is the state at the period's start, `previous` that of the report before this one.

    Attributes:
        unit: score, share, count, bytes, rows, time or text; it says how a value is written.
        measured: what was looked at to know it.
        better: `up` or `down`, where a direction is good news; else empty.

    """

    ident: str
    label: str
    unit: str
    value: Value
    measured: str = ""
    before: Value = None
    compared: bool = False
    previous: Value = None
    better: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `ident` is the key of its values in the rows."""

    ident: str
    label: str
    unit: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `total` counts what it would have without a bound."""

    ident: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    total: int
    empty: str = "None."


@dataclass(frozen=True, slots=True)
class Chart:
    """A small picture: a `line` over times, where None breaks it, or `bars` over names."""

    ident: str
    title: str
    kind: str
    unit: str
    labels: Sequence[str]
    values: Sequence[Value]
    measured: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One subject of a report."""

    ident: str
    title: str
    note: str = ""
    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `head` holds scope, period, times and history, as JSON has them."""

    head: Mapping[str, Any]
    sections: Sequence[Section] = field(default_factory=list)

    def section(self, ident: str) -> Section | None:
        """Return a section by its name."""
        return next((section for section in self.sections if section.ident == ident), None)

    def figure(self, section: str, ident: str) -> Figure | None:
        """Return a figure by the names of its section and itself."""
        found = self.section(section)
        return next((figure for figure in found.figures if figure.ident == ident), None) if found else None

    def to_json(self) -> dict[str, Any]:
        """Return what is kept."""
        return {"version": VERSION, **self.head, "sections": [asdict(section) for section in self.sections]}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Document:
        """Read what was kept.

        Raises:
            UnknownVersion: when another version of the desk wrote it.

        """
        if content.get("version") != VERSION:
            raise UnknownVersion(f"This report has version {content.get('version')}; this desk reads {VERSION}.")
        head = {name: value for name, value in content.items() if name not in {"version", "sections"}}
        return Document(head, [_section(section) for section in content["sections"]])


def _section(content: Mapping[str, Any]) -> Section:
    tables = [
        Table(**{**table, "columns": [Column(**column) for column in table["columns"]]}) for table in content["tables"]
    ]
    return Section(
        content["ident"],
        content["title"],
        content["note"],
        [Figure(**figure) for figure in content["figures"]],
        [Chart(**chart) for chart in content["charts"]],
        tables,
    )
