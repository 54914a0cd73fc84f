"""A report as PDF: A4, fonts embedded, tables over pages with their heads repeated, charts as vectors."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from quality_app.models import QualityReport
from quality_app.services.reports.document import Document
from quality_app.services.reports.pdf_charts import chart_drawing
from quality_app.services.reports.pdf_pages import numbered_pages
from quality_app.services.reports.view import FigureView, ReportView, SectionView, TableView, view_of

INK, SOFT, FAINT, RULE = (colors.HexColor(code) for code in ("#15181d", "#4a515b", "#6b727c", "#d5d5ce"))
TONES: Final = {
    "excellent": colors.HexColor("#1b7a49"),
    "good": colors.HexColor("#5c7410"),
    "fair": colors.HexColor("#8a5a00"),
    "poor": colors.HexColor("#b3261e"),
}
MARGIN: Final = 16 * mm
# The library's frames have this much room inside their edges.
PADDING: Final = 6
WIDTH: Final = A4[0] - 2 * MARGIN - 2 * PADDING
FIGURES_IN_A_ROW: Final = 4
CHARTS_IN_A_ROW: Final = 3
_FONTS: Final = {"Desk": "Vera.ttf", "Desk-Bold": "VeraBd.ttf"}


def write_pdf(kept: QualityReport, document: Document, origin: str | None) -> bytes:
    """Return the report as a PDF; links lead to the desk at `origin`, and are left out without one."""
    _register_fonts()
    report = view_of(document, origin)
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title=str(kept),
        author="Data desk for NautilusTrader",
        subject=f"{report.start} to {report.end} UTC",
        lang="en",
    )
    stamp = f"{shown(kept.label)} · {report.start} to {report.end} UTC · made {report.created} UTC"
    template.build(list(_story(kept, report)), canvasmaker=numbered_pages(stamp, MARGIN + PADDING))
    return target.getvalue()


@cache
def _register_fonts() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name, file in _FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily("Desk", normal="Desk", bold="Desk-Bold", italic="Desk", boldItalic="Desk-Bold")


def shown(text: str) -> str:
    """Return text whose every character the font has: others are written as their code, `\\u4e2d`."""
    _register_fonts()
    known = pdfmetrics.getFont("Desk").face.charToGlyph
    plain = text.replace("\u202f", "\u00a0")
    return "".join(one if ord(one) in known else one.encode("ascii", "backslashreplace").decode() for one in plain)


def _style(size: float, color: Any = INK, font: str = "Desk", **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        "desk", fontName=font, fontSize=size, leading=more.pop("leading", size * 1.3), textColor=color, **more
    )


_TITLE = _style(17, font="Desk-Bold", spaceAfter=2)
_HEADING = _style(11.5, font="Desk-Bold", spaceBefore=2, spaceAfter=3)
_SUBHEADING = _style(8.5, font="Desk-Bold", spaceBefore=7, spaceAfter=3)
_TEXT = _style(8, SOFT)
_SMALL = _style(6.6, FAINT)
_CELL = _style(6.8, splitLongWords=1)
_NUMBER = _style(6.8, alignment=2)
_HEAD = _style(6.4, FAINT)
_HEAD_NUMBER = _style(6.4, FAINT, alignment=2)


def _text(text: str, style: ParagraphStyle, url: str = "") -> Paragraph:
    inner = escape(shown(text))
    return Paragraph(
        f'<a href="{escape(url, {chr(34): "&quot;"})}" color="#2b47c9">{inner}</a>' if url else inner, style
    )


def _story(kept: QualityReport, report: ReportView) -> Iterator[Flowable]:
    yield _text(f"{kept.label}, {kept.get_period_display().lower()} report", _TITLE)
    yield _text(f"After {report.start} UTC, up to {report.end} UTC. Made {report.created} UTC.", _TEXT)
    for line in _about(report):
        yield _text(line, _TEXT)
    yield Spacer(1, 8)
    for view in report.sections:
        yield from _section(view)


def _about(report: ReportView) -> Iterator[str]:
    history = report.head["history"]
    if not history["since"]:
        yield "Nothing was measured yet: earlier states are unknown."
    elif not history["reachesStart"]:
        yield f"Measurements begin {report.since} UTC, after the period's start: the state at the start is unknown."
    if report.previous:
        yield f"The previous report of this scope and period is of {report.previous} UTC."


def _section(view: SectionView) -> Iterator[Flowable]:
    # A heading stays with what comes first below it.
    opening: list[Flowable] = [_rule(), _text(view.section.title, _HEADING)]
    if view.section.note:
        opening.append(_text(view.section.note, _SMALL))
    opening.append(Spacer(1, 4))
    if view.figures:
        opening.append(_figures(view.figures))
    yield CondPageBreak(50 * mm)
    yield KeepTogether(opening)
    if view.charts:
        yield _charts(view)
        if view.span:
            yield _text(f"Over time: {view.span}", _SMALL)
    for table in view.tables:
        yield from _table(table)
    yield Spacer(1, 10)


def _rule() -> Grid:
    return Grid(
        [[""]], colWidths=[WIDTH], rowHeights=[3], style=TableStyle([("LINEABOVE", (0, 0), (-1, 0), 0.7, SOFT)])
    )


def _figures(figures: list[FigureView]) -> Grid:
    cells: list[Any] = [_figure(figure) for figure in figures]
    return _in_rows(cells, FIGURES_IN_A_ROW)


def _figure(view: FigureView) -> list[Paragraph]:
    color = FAINT if view.figure.value is None else TONES.get(view.tone, INK)
    parts = [_text(view.figure.label, _SMALL), _text(view.text, _style(12, color, leading=15))]
    if view.figure.compared:
        parts.append(_text(view.beside, _style(6.6, SOFT)))
    if view.previous:
        parts.append(_text(f"previous report {view.previous}", _style(6.6, SOFT)))
    return [*parts, *([_text(view.figure.measured, _SMALL)] if view.figure.measured else [])]


def _charts(view: SectionView) -> Grid:
    wide = WIDTH / CHARTS_IN_A_ROW - 14
    cells: list[Any] = []
    for chart in view.charts:
        parts: list[Any] = [_text(f"{chart.chart.title}{f': {chart.last}' if chart.line else ''}", _style(7, SOFT))]
        if chart.line or chart.bars:
            parts.append(chart_drawing(chart, wide, TONES))
        if chart.line:
            parts.append(_text(chart.range, _SMALL))
        elif not chart.bars:
            parts.append(_text("Nothing was measured in this time.", _SMALL))
        cells.append(parts)
    return _in_rows(cells, CHARTS_IN_A_ROW)


def _in_rows(cells: list[Any], number: int) -> Grid:
    rows = [cells[at : at + number] for at in range(0, len(cells), number)]
    rows[-1] += [""] * (number - len(rows[-1]))
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
    ]
    return Grid(rows, colWidths=[WIDTH / number] * number, style=TableStyle(style), hAlign="LEFT")


def _table(view: TableView) -> Iterator[Flowable]:
    table = view.table
    bound = f"{len(table.rows):,} of {table.total:,}" if view.left_out else ""
    counted = ", ".join(filter(None, (table.title, bound)))
    yield CondPageBreak(22 * mm)
    if counted:
        yield _text(counted, _SUBHEADING)
    if not view.rows:
        yield _text(table.empty, _SMALL)
        return
    head = [_text(label, _HEAD_NUMBER if css == "num" else _HEAD) for label, css in view.heads]
    body = [[_text(cell.text, _cell_style(cell.css, cell.tone), cell.url) for cell in row] for row in view.rows]
    yield Grid([head, *body], colWidths=_widths(view), repeatRows=1, hAlign="LEFT", style=_GRID)


def _cell_style(css: str, tone: str) -> ParagraphStyle:
    base = _NUMBER if "num" in css.split() else _CELL
    color = TONES.get(tone, FAINT if "muted" in css.split() else None)
    return base if color is None else ParagraphStyle("toned", parent=base, textColor=color)


def _widths(view: TableView) -> list[float]:
    """Numbers get the room that they need and never break; texts share the rest by their lengths."""
    natural = [
        max(_long(label, _HEAD), *(_long(row[at].text, _CELL) for row in view.rows)) + _GUTTER
        for at, (label, _) in enumerate(view.heads)
    ]
    texts = [at for at, (_, css) in enumerate(view.heads) if css != "num"]
    rest = WIDTH - sum(width for at, width in enumerate(natural) if at not in texts)
    if not texts or rest < len(texts) * _LEAST:
        return [WIDTH * width / sum(natural) for width in natural]
    for at, width in zip(texts, _shared([natural[at] for at in texts], rest), strict=True):
        natural[at] = width
    return natural


def _shared(wanted: list[float], room: float) -> list[float]:
    """Share room out: what wants less than its part gets what it wants, the others what is left, in equal parts."""
    if sum(wanted) <= room:
        return [room * width / sum(wanted) for width in wanted]
    granted: dict[int, float] = {}
    for taken, at in enumerate(sorted(range(len(wanted)), key=lambda at: wanted[at])):
        granted[at] = min(wanted[at], (room - sum(granted.values())) / (len(wanted) - taken))
    return [granted[at] for at in range(len(wanted))]


def _long(text: str, style: ParagraphStyle) -> float:
    return float(pdfmetrics.stringWidth(shown(text), style.fontName, style.fontSize))


_GUTTER: Final = 7.0
# A column of text is at least this wide.
_LEAST: Final = 40.0
_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, SOFT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, RULE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
)
