"""The history of one metric of an instrument's datasets, as lines and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models.metric import AVERAGED
from quality_app.plot import Drawn, Plot, plot
from quality_app.services.history.metrics import CHECK, STORAGE, Point, names_of, series

# Word in the address -> label, length.
RANGES: Mapping[str, tuple[str, timedelta | None]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "90d": ("90 days", timedelta(days=90)),
    "1y": ("1 year", timedelta(days=365)),
    "all": ("All", None),
}
DEFAULT_RANGE = "30d"
DEFAULT_METRIC = "overall"
# Lines that a chart tells apart; further datasets are in the table.
LINES = 8
POINTS_DRAWN = 400
ROWS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Period:
    """A range of time: by a preset's word, or by its own bounds; `start` is None from the first point on."""

    chosen: str
    start: datetime | None
    end: datetime
    problems: tuple[str, ...] = ()


def read_period(query: Mapping[str, str], now: datetime) -> Period:
    """Take `range`, or `start` and `end`, from an address; what means nothing is dropped and named in `problems`."""
    texts = {name: query.get(name, "").strip()[:40] for name in ("start", "end")}
    moments = {name: moment_of(text, end=name == "end") for name, text in texts.items() if text}
    problems = tuple(
        f"{name}: {texts[name]} is not a day such as 2024-01-31; it was left out."
        for name, moment in moments.items()
        if moment is None
    )
    start, end = moments.get("start"), moments.get("end")
    if start is not None and end is not None and start >= end:
        problems, start, end = (*problems, "The range ends before it begins; it was left out."), None, None
    if start is not None or end is not None:
        return Period("", start, min(end or now, now), problems)
    chosen = query.get("range", "")
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    length = RANGES[chosen][1]
    return Period(chosen, now - length if length else None, now, problems)


def moment_of(text: str, *, end: bool = False) -> datetime | None:
    """A UTC day or time as people write it; a day as an end means its last moment. None when it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment + timedelta(days=1, microseconds=-1) if end and len(text) == 10 else moment


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """A metric that there are points of."""

    name: str
    label: str
    group: str


@dataclass(frozen=True, slots=True)
class TrendLine:
    """One dataset's line: its newest value in the range and by how much it changed since the first."""

    dataset: Dataset
    css: str
    points: list[Point]
    total: int
    first: Decimal | None
    last: Decimal | None
    least: Decimal | None
    greatest: Decimal | None


@dataclass(frozen=True, slots=True)
class TrendTable:
    """A row of the table: a point of a dataset."""

    dataset: Dataset
    point: Point
    text: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric over a period: lines, chart, table with the newest points first."""

    metric: MetricChoice
    metrics: list[MetricChoice]
    period: Period
    lines: list[TrendLine]
    plot: Plot | None
    rows: list[TrendTable]
    total: int


def trend(datasets: Sequence[Dataset], metric: str, period: Period) -> Trend:
    """Read and draw a metric of these datasets, in four queries."""
    by_key = {dataset.pk: dataset for dataset in datasets}
    metrics = [choice_of(name) for name in _in_order(names_of(by_key))]
    chosen = next((one for one in metrics if one.name == metric), choice_of(DEFAULT_METRIC))
    found = {line.dataset_id: line for line in series(by_key, [chosen.name], period.start, period.end, POINTS_DRAWN)}
    text = writer(chosen.name)
    lines = [
        _line(dataset, f"series-{number % LINES}", found[key].points, found[key].total)
        for number, (key, dataset) in enumerate((key, row) for key, row in by_key.items() if key in found)
    ]
    rows = [
        TrendTable(line.dataset, point, text_of(chosen.name, point.value)) for line in lines for point in line.points
    ]
    rows.sort(key=lambda row: row.point.at, reverse=True)
    several = len({line.dataset.store_id for line in lines}) > 1
    drawn = [
        Drawn(_label(line.dataset, several), line.css, [(point.at, _float(point.value)) for point in line.points])
        for line in lines[:LINES]
    ]
    first = min((line.samples[0][0] for line in drawn), default=period.end)
    begin = max(period.start, first) if period.start else first
    is_drawn = any(value is not None for line in drawn for _, value in line.samples)
    ceiling = 1.0 if chosen.name in AVERAGED else None
    chart = plot(drawn, begin, period.end, text, ceiling=ceiling, steps=True) if is_drawn else None
    return Trend(chosen, metrics, period, lines, chart, rows[:ROWS_SHOWN], sum(line.total for line in lines))


def _label(dataset: Dataset, several: bool) -> str:
    return f"{dataset.label}, {dataset.store.name}" if several else dataset.label


def choice_of(name: str) -> MetricChoice:
    """A metric as people call it."""
    if name.startswith(CHECK):
        check_id = name.removeprefix(CHECK)
        unit = CHECKS[check_id].unit if check_id in CHECKS else "rows"
        return MetricChoice(name, f"{check_id}: violating {unit}", "Checks")
    if name in STORAGE:
        return MetricChoice(name, {"rows": "Rows", "size_bytes": "Size"}[name], "Storage")
    return MetricChoice(name, "Overall score" if name == "overall" else name.capitalize(), "Scores")


def text_of(name: str, value: Decimal | None) -> str:
    """A value of a metric for people."""
    return "unknown" if value is None else writer(name)(float(value))


def writer(name: str) -> Callable[[float], str]:
    """How values of a metric are written."""
    if name == "size_bytes":
        return _size
    if name == "rows":
        return lambda value: f"{value:,.0f}".replace(",", "\u202f")
    return _percent


def _percent(value: float) -> str:
    """A share of 1: exact to four decimals of a score, and the smallest rates not lost."""
    return f"{value * 100:.4g} %" if 0 < value < 0.01 else f"{value * 100:.2f}".rstrip("0").rstrip(".") + " %"


def _size(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _line(dataset: Dataset, css: str, points: list[Point], total: int) -> TrendLine:
    known = [point.value for point in points if point.value is not None]
    least, greatest = (min(known), max(known)) if known else (None, None)
    return TrendLine(dataset, css, points, total, points[0].value, points[-1].value, least, greatest)


def _in_order(names: Sequence[str]) -> list[str]:
    """Scores first, then storage, then checks by name."""
    known = (*AVERAGED, *STORAGE)
    return [name for name in known if name in names] + [name for name in names if name not in known]


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
