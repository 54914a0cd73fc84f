"""Small charts as numbers for SVG attributes: lines over time, with round ticks. Pure: no Django, no markup."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

WIDTH: Final = 1000
HEIGHT: Final = 220
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 8, 22
# Of a longer line only lonely points are marked: the table has the values.
MOST_DOTS: Final = 60
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SPANS: Final = (
    *(_MINUTE * n for n in (1, 5, 15, 30)),
    *(_HOUR * n for n in (1, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 30, 91, 182, 365)),
)

# A time and a value; None is unknown, and the line breaks there.
type Sample = tuple[datetime, float | None]


@dataclass(frozen=True, slots=True)
class Tick:
    """A round value of an axis and where it stands."""

    position: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A measured point: where it stands and what it says."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the `d` of its path, its points, its name and class."""

    label: str
    css: str
    path: str
    dots: list[Dot]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart: lines within axes."""

    lines: list[Line]
    y_ticks: list[Tick]
    x_ticks: list[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    base: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn as a line: a label, a class, samples in order of time."""

    label: str
    css: str
    samples: Sequence[Sample]


def plot(
    lines: Sequence[Drawn],
    start: datetime,
    end: datetime,
    text: Callable[[float], str],
    *,
    ceiling: float | None = None,
    steps: bool = False,
    break_after: timedelta | None = None,
) -> Plot:
    """Draw lines over [start, end].

    Args:
        lines: What to draw; unknown samples break a line.
        start: Left edge.
        end: Right edge; with `steps` the last value is held until there.
        text: How a value is written on the axis and at its point.
        ceiling: The greatest value that there can be, such as 1 for a score.
        steps: A value holds until the next one; else neighbours are joined.
        break_after: Samples farther apart than this are not joined: nothing was measured between them.

    """
    values = [value for line in lines for _, value in line.samples if value is not None]
    low, high, step = _scale(min(values, default=0.0), max(values, default=1.0), ceiling)
    span = max((end - start).total_seconds(), 1.0)

    def x_of(at: datetime) -> float:
        share = (at - start).total_seconds() / span
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    drawn = [
        Line(
            line.label,
            line.css,
            _path(line.samples, x_of, y_of, end if steps else None, break_after),
            [
                Dot(f"{x_of(at):.1f}", f"{y_of(value):.1f}", f"{line.label} {text(value)}, {at:%Y-%m-%d %H:%M} UTC")
                for at, value in (line.samples if len(line.samples) <= MOST_DOTS else _alone(line.samples, break_after))
                if value is not None
            ],
        )
        for line in lines
    ]
    count = round((high - low) / step)
    y_ticks = [Tick(f"{y_of(low + step * n):.1f}", text(low + step * n)) for n in range(count + 1)]
    return Plot(drawn, y_ticks, [Tick(f"{x_of(at):.1f}", label) for at, label in round_times(start, end)])


def _path(
    samples: Sequence[Sample],
    x_of: Callable[[datetime], float],
    y_of: Callable[[float], float],
    held_until: datetime | None,
    break_after: timedelta | None,
) -> str:
    parts: list[str] = []
    before: Sample | None = None
    for at, value in samples:
        joined = before is not None and before[1] is not None
        if joined and held_until is not None:
            parts.append(f"H{x_of(at):.1f}")
        apart = before is not None and break_after is not None and at - before[0] > break_after
        if value is not None:
            command = "L" if joined and not apart else "M"
            parts.append(f"{command}{x_of(at):.1f} {y_of(value):.1f}")
        before = (at, value)
    if before is not None and before[1] is not None and held_until is not None:
        parts.append(f"H{x_of(held_until):.1f}")
    return "".join(parts)


def _alone(samples: Sequence[Sample], break_after: timedelta | None) -> list[Sample]:
    """Samples that no line reaches: what is before and after is unknown or too far away."""

    def apart(one: Sample, other: Sample) -> bool:
        return other[1] is None or (break_after is not None and abs(other[0] - one[0]) > break_after)

    last = len(samples) - 1
    return [
        sample
        for at, sample in enumerate(samples)
        if (at == 0 or apart(sample, samples[at - 1])) and (at == last or apart(sample, samples[at + 1]))
    ]


def _scale(least: float, greatest: float, ceiling: float | None) -> tuple[float, float, float]:
    """Bounds that hold the values, and a round step between them; below by at most one step."""
    span = greatest - least or abs(greatest) * 0.1 or 1.0
    step = _round_step(span / 3)
    low = math.floor(least / step) * step
    if least >= 0:
        low = max(low, 0.0)
    high = math.ceil(greatest / step - 1e-9) * step
    if ceiling is not None:
        high = min(max(high, low + step), ceiling)
        low = min(low, high - step)
    return low, max(high, low + step), step


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= least - power * 1e-9)


def round_times(start: datetime, end: datetime) -> list[tuple[datetime, str]]:
    """Round UTC times within, at most nine, with their labels."""
    span = (end - start).total_seconds()
    every = next((length for length in _SPANS if span / length <= 8), _SPANS[-1] * math.ceil(span / 8 / _SPANS[-1]))
    first = math.ceil(start.timestamp() / every) * every
    form = "%H:%M" if every < _DAY else "%Y-%m-%d"
    moments = [datetime.fromtimestamp(at, UTC) for at in range(first, math.floor(end.timestamp()) + 1, every)]
    return [
        (at, f"{at:%m-%d}" if every < _DAY and (at.hour, at.minute) == (0, 0) else at.strftime(form)) for at in moments
    ]
