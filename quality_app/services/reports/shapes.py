"""Small charts as numbers: the same shapes for SVG on pages and vectors in the PDF."""

from __future__ import annotations

from dataclasses import dataclass

from quality_app.services.reports.document import Chart
from quality_app.services.reports.text import text_of

type Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Runs of neighbouring known points, y downwards from 0, and the bounds that they lie between."""

    runs: list[list[Point]]
    low: str
    high: str

    @property
    def path(self) -> str:
        """The `d` of an SVG path; a single point is a short stroke."""
        return "".join(_run(run) for run in self.runs)

    @property
    def last(self) -> Point | None:
        """The last known point."""
        return self.runs[-1][-1] if self.runs else None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its share of the longest, and its text."""

    label: str
    share: float
    text: str


def line_of(chart: Chart, width: float, height: float) -> Line:
    """Scale a line chart into a box; equal values lie in its middle."""
    numbers = [None if value is None else float(value) for value in chart.values]
    known = [number for number in numbers if number is not None]
    if not known:
        return Line([], "", "")
    low, high = min(known), max(known)
    span, step = high - low, width / max(len(numbers) - 1, 1)
    runs: list[list[Point]] = [[]]
    for at, number in enumerate(numbers):
        if number is not None:
            share = (number - low) / span if span else 0.5
            runs[-1].append((round(at * step, 2), round(height * (1 - share), 2)))
        elif runs[-1]:
            runs.append([])
    least, greatest = (pick((value for value in chart.values if value is not None), key=float) for pick in (min, max))
    return Line([run for run in runs if run], text_of(least, chart.unit), text_of(greatest, chart.unit))


def bars_of(chart: Chart) -> list[Bar]:
    """Scale a bar chart to its longest bar."""
    longest = max((float(value or 0) for value in chart.values), default=0) or 1
    return [
        Bar(label, float(value or 0) / longest, text_of(value, chart.unit))
        for label, value in zip(chart.labels, chart.values, strict=True)
    ]


def _run(run: list[Point]) -> str:
    if len(run) == 1:
        x, y = run[0]
        return f"M{x - 0.5:g} {y:g}h1"
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in run)
