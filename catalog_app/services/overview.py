"""What the desk holds, in figures: stores, totals, scores, findings."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from catalog_app.models import DataFile, Dataset, Instrument, Store
from catalog_app.models.dataset import DataType, IndexState

SCORE_BUCKETS = 20
WORST = 8


@dataclass(slots=True)
class StoreLine:
    """A store and what is in it."""

    store: Store
    dialects: list[str] = field(default_factory=list)
    instruments: int = 0
    datasets: int = 0
    rows: int = 0
    size_bytes: int = 0
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """The desk as a whole; range in ns UTC, None where nothing is indexed."""

    instruments: int
    datasets: int
    rows: int
    size_bytes: int
    start_ns: int | None
    end_ns: int | None
    validated: int


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A data type over all stores; `unread` counts the datasets whose rows this release cannot read."""

    data_type: str
    label: str
    datasets: int
    rows: int
    size_bytes: int
    start_ns: int | None
    end_ns: int | None
    unread: int


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Datasets whose score is in [low, high); the last bar includes 1."""

    low: float
    high: float
    count: int
    share: float


def store_lines() -> list[StoreLine]:
    """Every store with its counts, in five queries."""
    lines = {store.pk: StoreLine(store) for store in Store.objects.all()}
    sums = Dataset.objects.order_by().values_list("store_id")
    for store_id, number, rows, size in sums.annotate(Count("pk"), Sum("record_count"), Sum("size_bytes")):
        lines[store_id].datasets, lines[store_id].rows, lines[store_id].size_bytes = number, rows, size
    for store_id, number in Instrument.objects.order_by().values_list("store_id").annotate(Count("pk")):
        lines[store_id].instruments = number
    problems = DataFile.objects.exclude(state=IndexState.OK).order_by().values_list("store_id")
    for store_id, number in problems.annotate(Count("pk")):
        lines[store_id].findings = number
    dialects: dict[int, list[str]] = defaultdict(list)
    pairs = Dataset.objects.exclude(dialect="").order_by("dialect").values_list("store_id", "dialect").distinct()
    for store_id, dialect in pairs:
        dialects[store_id].append(dialect)
    for store_id, line in lines.items():
        line.dialects = dialects[store_id]
    return list(lines.values())


def totals() -> Totals:
    """Sums over all stores, in two queries."""
    sums = Dataset.objects.aggregate(
        datasets=Count("pk"),
        rows=Sum("record_count", default=0),
        size_bytes=Sum("size_bytes", default=0),
        start_ns=Min("start_ns"),
        end_ns=Max("end_ns"),
        validated=Count("last_validated"),
    )
    return Totals(instruments=Instrument.objects.count(), **sums)


def type_lines() -> list[TypeLine]:
    """Every data type that there is, in the order of DataType, in one query."""
    found = Dataset.objects.order_by().values("data_type").annotate(
        datasets=Count("pk"),
        rows=Sum("record_count"),
        total_bytes=Sum("size_bytes"),
        first=Min("start_ns"),
        last=Max("end_ns"),
        unread=Count("pk", filter=~Q(state=IndexState.OK)),
    )  # fmt: skip
    by_type = {row["data_type"]: row for row in found}
    return [
        TypeLine(
            value,
            str(label),
            row["datasets"],
            row["rows"],
            row["total_bytes"],
            row["first"],
            row["last"],
            row["unread"],
        )
        for value, label in DataType.choices
        if (row := by_type.get(value))
    ]


def score_distribution() -> list[ScoreBar]:
    """How many datasets have which score, in bars of equal width; empty when none has one."""
    step = Decimal(1) / SCORE_BUCKETS
    bounds = [(step * i, step * (i + 1)) for i in range(SCORE_BUCKETS)]
    conditions = {
        f"bar{i}": Count(
            "pk",
            filter=Q(quality_score__gte=low)
            & (Q(quality_score__lt=high) if i < SCORE_BUCKETS - 1 else Q(quality_score__lte=high)),
        )
        for i, (low, high) in enumerate(bounds)
    }
    counts = Dataset.objects.aggregate(**conditions)
    tallest = max(counts.values())
    if not tallest:
        return []
    return [
        ScoreBar(float(low), float(high), counts[f"bar{i}"], counts[f"bar{i}"] / tallest)
        for i, (low, high) in enumerate(bounds)
    ]


def worst_datasets() -> list[Dataset]:
    """The datasets with the lowest scores, known scores only."""
    found = Dataset.objects.filter(quality_score__isnull=False).select_related("store")
    return list(found.order_by("quality_score", "pk")[:WORST])


def findings() -> QuerySet[DataFile]:
    """Files that could not be read, then those that are not supported."""
    found = DataFile.objects.exclude(state=IndexState.OK).select_related("store", "dataset")
    return found.order_by("state", "store_id", "path")
