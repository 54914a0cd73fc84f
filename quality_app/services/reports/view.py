"""A report as pages and HTML files show it: text, classes and addresses instead of values and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from django.urls import NoReverseMatch, reverse

from quality_app.services.reports.document import Chart, Column, Document, Figure, Row, Section, Table
from quality_app.services.reports.shapes import Bar, Line, bars_of, line_of
from quality_app.services.reports.text import NUMBERS, change_of, text_of, time_text, tone_of

CHART_WIDTH: Final = 180
CHART_HEIGHT: Final = 34
_MONO: Final = frozenset({"name", "decimal", "anomaly"})


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure; `good` is whether its change is good news, None where that cannot be said.

    `beside` says the change and the state at the period's start, where the figure is compared.
    """

    figure: Figure
    text: str
    tone: str
    before: str
    change: str
    good: bool | None
    beside: str
    previous: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with its shapes; `range` says between which values it lies, and on how much it stands."""

    chart: Chart
    line: Line | None
    bars: list[Bar]
    last: str
    range: str
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    css: str
    tone: str
    badge: bool
    url: str


@dataclass(frozen=True, slots=True)
class TableView:
    """A table; `left_out` rows are not in it."""

    table: Table
    rows: list[list[Cell]]
    heads: list[tuple[str, str]]
    left_out: int


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section; `url` leads to where its subject is at home, `span` is the time that its lines cover."""

    section: Section
    figures: list[FigureView]
    charts: list[ChartView]
    tables: list[TableView]
    url: str
    span: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A whole report."""

    head: Mapping[str, Any]
    sections: list[SectionView]
    start: str
    end: str
    created: str
    since: str
    previous: str


def view_of(document: Document, origin: str | None) -> ReportView:
    """Prepare a report for the templates.

    Args:
        document: The report.
        origin: What addresses begin with: empty on the desk's own pages, `https://desk.example.com` in files;
            None makes no links.

    """
    head = document.head
    period, since, previous = head["period"], head["history"]["since"], head["previous"]
    return ReportView(
        head,
        [_section(section, origin) for section in document.sections],
        time_text(period["start"]),
        time_text(period["end"]),
        time_text(head["createdAt"]),
        time_text(since) if since else "",
        time_text(previous["end"]) if previous else "",
    )


def _section(section: Section, origin: str | None) -> SectionView:
    return SectionView(
        section,
        [_figure(figure) for figure in section.figures],
        [_chart(chart) for chart in section.charts],
        [_table(table, origin) for table in section.tables],
        _address(origin, _HOMES.get(section.ident, "")),
        next((_span(chart) for chart in section.charts if chart.kind == "line"), ""),
    )


def _span(chart: Chart) -> str:
    return f"{time_text(chart.labels[0])} to {time_text(chart.labels[-1])} UTC"


def _figure(figure: Figure) -> FigureView:
    change = change_of(figure.value, figure.before, figure.unit) if figure.compared else ""
    before = text_of(figure.before, figure.unit) if figure.compared else ""
    return FigureView(
        figure,
        text_of(figure.value, figure.unit),
        tone_of(figure.value, figure.unit),
        before,
        change,
        None if change[:1] not in {"+", "−"} or not figure.better else (change[0] == "+") == (figure.better == "up"),
        f"{change} from {before}" if change else f"at the start {before}" if before else "",
        "" if figure.previous is None else text_of(figure.previous, figure.unit),
    )


def _chart(chart: Chart) -> ChartView:
    is_line = chart.kind == "line"
    known = [value for value in chart.values if value is not None]
    line = line_of(chart, CHART_WIDTH, CHART_HEIGHT) if is_line and known else None
    return ChartView(
        chart,
        line,
        [] if is_line else bars_of(chart),
        text_of(known[-1], chart.unit) if known else "",
        f"{line.low if line.low == line.high else f'{line.low} to {line.high}'}; {chart.measured}" if line else "",
    )


def _table(table: Table, origin: str | None) -> TableView:
    rows = [[_cell(column, row, origin) for column in table.columns] for row in table.rows]
    heads = [(column.label, "num" if column.unit in NUMBERS else "") for column in table.columns]
    return TableView(table, rows, heads, table.total - len(table.rows))


def _cell(column: Column, row: Row, origin: str | None) -> Cell:
    value = row[column.ident]
    text = time_text(value) if column.unit == "anomaly" else text_of(value, column.unit)
    css = "num" if column.unit in NUMBERS else "mono" if column.unit in _MONO else ""
    css = "muted" if value is None and not css else f"{css} muted" if value is None else css
    return Cell(text, css, tone_of(value, column.unit), column.unit == "state", _link(column, row, origin))


# Where the subject of a section is at home: a name of an address.
_HOMES: Final = {
    "anomalies": "quality:anomalies",
    "checks": "quality:catalogue",
    "coverage": "quality:runs",
    "reconciliation": "quality:reconciliations",
    "operations": "manage:operations",
}
_LINKS: Final = {
    "dataset": ("catalog:dataset", "datasetId"),
    "gaps": ("quality:gaps", "datasetId"),
    "anomaly": ("quality:anomaly", "anomalyId"),
}


def _link(column: Column, row: Row, origin: str | None) -> str:
    if column.unit == "venue" and row[column.ident]:
        found = _address(origin, "catalog:browser")
        return f"{found}?venue={quote(str(row[column.ident]))}" if found else ""
    if column.unit not in _LINKS:
        return ""
    name, key = _LINKS[column.unit]
    return _address(origin, name, str(row[key]))


def _address(origin: str | None, name: str, *keys: str) -> str:
    if origin is None or not name:
        return ""
    try:
        return origin + reverse(name, args=keys)
    except NoReverseMatch:
        return ""
