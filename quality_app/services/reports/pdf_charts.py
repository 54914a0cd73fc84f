"""The small charts of a report as vector drawings of a PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, String
from reportlab.lib import colors

from quality_app.services.reports.shapes import Bar, line_of
from quality_app.services.reports.view import ChartView

_HEIGHT: Final = 32.0
_ACCENT: Final = colors.HexColor("#2b47c9")
_TRACK: Final = colors.HexColor("#e3e3dd")
_INK: Final = colors.HexColor("#4a515b")
_UNKNOWN: Final = colors.HexColor("#8b919a")
_ROW: Final = 10.0
_LABELS: Final = 52.0
_NUMBERS: Final = 26.0


def chart_drawing(view: ChartView, width: float, tones: Mapping[str, colors.Color]) -> Drawing:
    """Draw a line or bars `width` points wide."""
    return _bars(view.bars, width, tones) if view.bars else _line(view, width)


def _line(view: ChartView, width: float) -> Drawing:
    drawing = Drawing(width, _HEIGHT + 4)
    drawing.add(Line(0, 0.5, width, 0.5, strokeColor=_TRACK, strokeWidth=0.5))
    shape = line_of(view.chart, width - 4, _HEIGHT - 4)
    for run in shape.runs:
        # A PDF's y goes upwards.
        points = [coordinate for x, y in run for coordinate in (x + 1, _HEIGHT - y)]
        points = points if len(run) > 1 else [points[0] - 0.5, points[1], points[0] + 0.5, points[1]]
        drawing.add(PolyLine(points, strokeColor=_ACCENT, strokeWidth=1, strokeLineJoin=1))
    if shape.last:
        x, y = shape.last
        drawing.add(Circle(x + 1, _HEIGHT - y, 1.4, fillColor=_ACCENT, strokeColor=None))
    return drawing


def _bars(bars: list[Bar], width: float, tones: Mapping[str, colors.Color]) -> Drawing:
    drawing = Drawing(width, _ROW * len(bars) + 2)
    room = width - _LABELS - _NUMBERS
    for at, bar in enumerate(bars):
        base = _ROW * (len(bars) - 1 - at) + 2
        drawing.add(String(0, base, bar.label, fontName="Desk", fontSize=6.4, fillColor=_INK))
        drawing.add(Rect(_LABELS, base, room, 5, fillColor=_TRACK, strokeColor=None))
        if bar.share:
            fill = tones.get(bar.label, _UNKNOWN)
            drawing.add(Rect(_LABELS, base, room * bar.share, 5, fillColor=fill, strokeColor=None))
        text = bar.text.replace("\u202f", "\u00a0")
        drawing.add(String(width, base, text, fontName="Desk", fontSize=6.4, fillColor=_INK, textAnchor="end"))
    return drawing
