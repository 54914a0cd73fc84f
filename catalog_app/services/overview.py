"""What the desk holds, in figures: stores, totals, scores, findings."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Concat

from catalog_app.models import DataFile, Dataset, Instrument, RunFile, Store
from catalog_app.models.dataset import DataType, IndexState

SCORE_BUCKETS = 20
WORST = 8
# States of files and datasets that are findings; what is merely not read yet is none.
_PROBLEMS = (IndexState.UNREADABLE, IndexState.UNSUPPORTED)
# Of files also a note, such as on a name that NautilusTrader does not look for.
_FINDING = Q(state__in=_PROBLEMS) | (Q(state=IndexState.OK) & ~Q(problem=""))


@dataclass(slots=True)
class StoreLine:
    """A store and what is in it; `rows` are those of the files that were read, None while none was."""

    store: Store
    dialects: list[str] = field(default_factory=list)
    instruments: int = 0
    datasets: int = 0
    rows: int | None = None
    unread_files: int = 0
    size_bytes: int = 0
    findings: int = 0
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """The desk as a whole; range in ns UTC, None where nothing is indexed; `rows` as of a StoreLine."""

    instruments: int
    datasets: int
    rows: int | None
    unread_files: int
    size_bytes: int
    start_ns: int | None
    end_ns: int | None
    validated: int


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A data type over all stores: `unread` datasets whose rows cannot be read, `unread_files` files still to be."""

    data_type: str
    label: str
    datasets: int
    rows: int | None
    size_bytes: int
    start_ns: int | None
    end_ns: int | None
    unread: int
    unread_files: int


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """Datasets whose score is in [low, high); the last bar includes 1."""

    low: float
    high: float
    count: int
    share: float


def store_lines() -> list[StoreLine]:
    """Every store with its counts, in six queries."""
    lines = {store.pk: StoreLine(store) for store in Store.objects.all()}
    sums = Dataset.objects.order_by().values("store_id")
    figures = sums.annotate(n=Count("pk"), rows=Sum("record_count"), size=Sum("size_bytes"), unread=Sum("listed_count"))
    for row in figures:
        line = lines[row["store_id"]]
        line.datasets, line.rows, line.size_bytes, line.unread_files = row["n"], row["rows"], row["size"], row["unread"]
    for store_id, number in Instrument.objects.order_by().values_list("store_id").annotate(Count("pk")):
        lines[store_id].instruments = number
    problems = DataFile.objects.filter(_FINDING).order_by().values_list("store_id")
    for store_id, number in problems.annotate(Count("pk")):
        lines[store_id].findings = number
    streams = (
        RunFile.objects.order_by()
        .values("store_id")
        .annotate(n=Count(Concat("kind", Value("/"), "instance_id"), distinct=True))
    )
    for group in streams:
        lines[group["store_id"]].runs = group["n"]
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
        rows=Sum("record_count"),
        unread_files=Sum("listed_count", default=0),
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
        unread=Count("pk", filter=Q(state__in=_PROBLEMS)),
        listed=Sum("listed_count"),
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
            row["listed"],
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
    """Files that could not be read, those that are not supported, and those with a note."""
    found = DataFile.objects.filter(_FINDING).select_related("store", "dataset")
    worst = Case(When(state=IndexState.UNREADABLE, then=0), When(state=IndexState.UNSUPPORTED, then=1), default=2)
    return found.order_by(worst, "store_id", "path")
