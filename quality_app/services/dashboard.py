"""What the quality dashboard shows, in a constant number of queries whatever the size of the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, FloatField, Max

from catalog_app.models import Dataset, Job
from catalog_app.models.dataset import DataType
from catalog_app.services.browse import NONE
from catalog_app.services.jobs.queries import ACTIVE
from quality_app.checks.check import Check
from quality_app.checks.registry import CHECKS
from quality_app.models import QualityMetric
from quality_app.models.metric import AVERAGED
from quality_app.plot import Drawn, Plot, plot
from quality_app.scoring import WEIGHTS, band
from quality_app.services.history.metrics import CHECK
from quality_app.services.history.snapshots import Moment, history
from quality_app.services.standing import BUCKETS, Choice, Group, Scope, Standing, choices, total

WORST = 10
FAILING = 12
JOB_KINDS = ("validate", "scan_gaps", "reconcile", "report")
BANDS = ("excellent", "good", "fair", "poor")
# Word in the address -> label, length, and whether hours or days are drawn.
RANGES: Mapping[str, tuple[str, timedelta | None, str]] = {
    "24h": ("24 hours", timedelta(hours=24), "hour"),
    "30d": ("30 days", timedelta(days=30), "day"),
    "90d": ("90 days", timedelta(days=90), "day"),
    "1y": ("1 year", timedelta(days=365), "day"),
    "all": ("All", None, "day"),
}
DEFAULT_RANGE = "30d"


@dataclass(frozen=True, slots=True)
class Bar:
    """Datasets with a score from `low` to `high`; None for both: unknown. `share` is of the tallest bar."""

    low: float | None
    high: float | None
    count: int
    share: float


def distribution(of: Iterable[Group]) -> list[Bar]:
    """How many datasets have which score, in steps of five points, the unknown last."""
    counts = [0] * (BUCKETS + 1)
    for group in of:
        counts[BUCKETS if group.bucket is None else group.bucket] += group.datasets
    tallest = max(counts) or 1
    bars = [Bar(n / BUCKETS, (n + 1) / BUCKETS, counts[n], counts[n] / tallest) for n in range(BUCKETS)]
    return [*bars, Bar(None, None, counts[BUCKETS], counts[BUCKETS] / tallest)]


def band_counts(bars: Sequence[Bar]) -> list[tuple[str, int]]:
    """Datasets by band, `unknown` last."""
    counts = dict.fromkeys((*BANDS, "unknown"), 0)
    for bar in bars:
        counts["unknown" if bar.low is None else _band(bar.low)] += bar.count
    return list(counts.items())


@dataclass(frozen=True, slots=True)
class DimensionLine:
    """A dimension: its mean over the `known` datasets, and its weight in a score."""

    name: str
    mean: float | None
    known: int
    unknown: int
    weight: float | None


def dimension_lines(standing: Standing) -> list[DimensionLine]:
    """Overall and each dimension."""
    return [
        DimensionLine(
            name,
            standing.means[name],
            standing.known_by[name],
            standing.datasets - standing.known_by[name],
            float(WEIGHTS[name]) if name in WEIGHTS else None,
        )
        for name in AVERAGED
    ]


@dataclass(frozen=True, slots=True)
class Heat:
    """A cell of the heatmap: the datasets of a venue and data type, and where the catalog lists them."""

    standing: Standing
    query: str

    @property
    def band(self) -> str:
        """The band of the mean, `none` where it is unknown."""
        mean = self.standing.means["overall"]
        return "none" if mean is None else _band(mean)


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A venue: the lowest mean comes first in the map."""

    venue: str
    standing: Standing
    query: str
    cells: list[Heat | None]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Venues by data types."""

    columns: list[tuple[str, str]]
    rows: list[HeatRow]


def heatmap(of: Sequence[Group], scope: Scope) -> Heatmap:
    """Mean, worst and number of each venue and data type; venues with the lowest mean first, unknown ones last."""
    cells: dict[tuple[str, str], list[Group]] = defaultdict(list)
    venues: dict[str, list[Group]] = defaultdict(list)
    for group in of:
        cells[group.venue, group.data_type].append(group)
        venues[group.venue].append(group)
    columns = [(value, str(label)) for value, label in DataType.choices if any(key[1] == value for key in cells)]
    rows = []
    for venue, held in venues.items():
        here = {"venue": venue or NONE}
        line = [
            Heat(total(found), scope.query(**here, data_type=value)) if (found := cells.get((venue, value))) else None
            for value, _ in columns
        ]
        rows.append(HeatRow(venue, total(held), scope.query(**here), line))
    rows.sort(key=lambda row: (_low(row.standing), row.venue))
    return Heatmap(columns, rows)


def worst(scope: Scope) -> list[Dataset]:
    """The datasets with the lowest scores, known scores only."""
    found = Dataset.objects.filter(scope.restriction(), quality_score__isnull=False).select_related("store")
    return list(found.order_by("quality_score", "pk")[:WORST])


@dataclass(frozen=True, slots=True)
class FailingCheck:
    """A check and in how many datasets it found something at its latest measurement."""

    check_id: str
    rule: Check
    datasets: int
    worst_rate: float


def failing_checks(scope: Scope) -> list[FailingCheck]:
    """The checks that find something in most datasets; information does not count. In one query."""
    found = QualityMetric.objects.filter(scope.restriction("dataset__"), is_finding=True).order_by()
    rows = found.values_list("metric_name").annotate(
        datasets=Count("metric_value"), worst=Max("metric_value", output_field=FloatField())
    )
    lines = [
        FailingCheck(rule.id, rule, datasets, float(worst))
        for name, datasets, worst in rows
        if (rule := CHECKS.get(name.removeprefix(CHECK))) and rule.severity != "info"
    ]
    return sorted(lines, key=lambda line: (-line.datasets, -line.worst_rate, line.check_id))[:FAILING]


def active_jobs() -> list[Job]:
    """Jobs of this app that wait or run, the running first."""
    found = Job.objects.filter(kind__in=JOB_KINDS, state__in=ACTIVE).select_related("user")
    return list(found.order_by("-state", "created_at")[:WORST])


@dataclass(frozen=True, slots=True)
class Trend:
    """The means over time: `moments` by hour or day and the present one; the chart of them, from the second on."""

    chosen: str
    period: str
    moments: list[Moment]
    plot: Plot | None


def trend(scope: Scope, now: datetime, chosen: str, standing: Standing) -> Trend:
    """Means over the datasets of a scope: those kept by hour or day, and what stands now, in one query or two."""
    chosen = chosen if chosen in RANGES else DEFAULT_RANGE
    _, length, period = RANGES[chosen]
    begin = now - length if length else None
    kept = _before(history(scope, begin, period), now, period)
    if period == "day" and not kept:  # no day before today: hours stand in
        period = "hour"
        kept = _before(history(scope, begin, period), now, period)
    moments = [*kept, Moment(now, standing.datasets, dict(standing.means), dict(standing.known_by))]
    lines = [
        Drawn(name.capitalize(), f"line-{name}", [(moment.at, moment.means[name]) for moment in moments])
        for name in (*AVERAGED[1:], AVERAGED[0])
        if any(moment.means[name] is not None for moment in moments)
    ]
    step = timedelta(hours=1) if period == "hour" else timedelta(days=1)
    is_drawn = bool(kept and lines)
    drawn = plot(lines, moments[0].at, now, percent, ceiling=1.0, break_after=step * 2) if is_drawn else None
    return Trend(chosen, period, moments, drawn)


def _before(kept: list[Moment], now: datetime, period: str) -> list[Moment]:
    """The hours or days before the present one, which what stands now takes the place of."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    begin = hour if period == "hour" else hour.replace(hour=0)
    return [moment for moment in kept if moment.at < begin]


def filters(of: Sequence[Group], scope: Scope) -> list[tuple[str, str, list[Choice]]]:
    """The filters of the page: parameter, label, choices."""
    labels = {"store": "Store", "venue": "Venue", "data_type": "Data type", "asset_class": "Asset class"}
    return [(name, label, choices(of, scope, name)) for name, label in labels.items()]


def percent(value: float) -> str:
    """A share of 1 in percent with at most two decimals."""
    return f"{value * 100:.2f}".rstrip("0").rstrip(".") + " %"


def _band(value: float) -> str:
    from decimal import Decimal

    return band(Decimal(str(value)))


def _low(standing: Standing) -> float:
    mean = standing.means["overall"]
    return 2.0 if mean is None else mean
