"""A report as one tidy table: a value in each line, exact, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from quality_app.services.reports.document import Document, Section, Value

COLUMNS: Final = ("section", "item", "measure", "value", "unit")
# What a spreadsheet takes for the beginning of a formula; a number may begin with a sign.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_UNITS: Final = {
    "count_change": "count",
    "bytes_change": "bytes",
    "change": "score",
    "decimal": "",
    "venue": "text",
    "rate": "share",
    "scanned": "count",
}
_TEXTS: Final = frozenset({"text", "name", "state", "dataset", "gaps"})


def write_csv(document: Document) -> bytes:
    """Return the report in UTF-8 with a byte order mark, which spreadsheets need to see that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_lines(document))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def harmless(text: str) -> str:
    """Return text that no spreadsheet evaluates: what looks like a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(document: Document) -> Iterator[tuple[str, ...]]:
    head = document.head
    yield _line("report", "", "scope", head["scope"]["label"], "text")
    for name in ("start", "end"):
        yield _line("report", "", name, head["period"][name], "time")
    yield _line("report", "", "period", head["period"]["kind"], "text")
    yield _line("report", "", "created", head["createdAt"], "time")
    yield _line("report", "", "history since", head["history"]["since"], "time")
    for section in document.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[tuple[str, ...]]:
    for figure in section.figures:
        yield _line(section.ident, figure.ident, "value", figure.value, figure.unit)
        if figure.compared:
            yield _line(section.ident, figure.ident, "at the start", figure.before, figure.unit)
        if figure.previous is not None:
            yield _line(section.ident, figure.ident, "previous report", figure.previous, figure.unit)
        if figure.measured:
            yield _line(section.ident, figure.ident, "measured on", figure.measured, "text")
    for chart in section.charts:
        for label, value in zip(chart.labels, chart.values, strict=True):
            yield _line(section.ident, f"chart {chart.ident}", label, value, chart.unit)
    for table in section.tables:
        for number, row in enumerate(table.rows, start=1):
            for column in table.columns:
                item = f"{table.ident} {number}"
                yield _line(section.ident, item, column.ident, row[column.ident], column.unit)


def _line(section: str, item: str, measure: str, value: Value, unit: str) -> tuple[str, ...]:
    text = "" if value is None else str(value)
    shown = text if _NUMBER.fullmatch(text) else harmless(text)
    unit = "text" if unit in _TEXTS else "time" if unit == "anomaly" else _UNITS.get(unit, unit)
    return harmless(section), harmless(item), harmless(measure), shown, unit
