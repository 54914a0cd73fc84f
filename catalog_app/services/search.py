"""Instruments over all stores: found by what their datasets hold, for the API.

The restrictions are those of the browser (`browse.Filters`) and a few more. Every
function costs a constant number of queries.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, Max, Min, QuerySet, Sum, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset, Instrument
from catalog_app.services import browse

# What instruments can be sorted by: sums and bounds over their datasets.
SORTS: Mapping[str, Any] = {
    "instrument": F("instrument_id"),
    "rows": Sum("record_count"),
    "size": Sum("size_bytes"),
    "score": Min("quality_score"),
    "start": Min("start_ns"),
    "end": Max("end_ns"),
}
DIMENSIONS = ("completeness", "accuracy", "timeliness", "consistency")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None is no restriction."""

    filters: browse.Filters = field(default_factory=browse.Filters)
    currency: str = ""
    min_score: Decimal | None = None
    min_rows: int | None = None
    max_rows: int | None = None
    sort: str = "instrument"


@dataclass(frozen=True, slots=True)
class Found:
    """An instrument, its datasets that fit, and its definition where a store has one."""

    instrument_id: str
    venue: str
    datasets: list[Dataset]
    definition: Instrument | None


def search(wanted: Search, offset: int, limit: int) -> tuple[list[Found], int]:
    """One page of the instruments that have a dataset that fits, and how many there are in all."""
    fitting = _fitting(wanted)
    key = F("key")
    order = key.desc(nulls_last=True) if wanted.sort.startswith("-") else key.asc(nulls_last=True)
    keyed = fitting.order_by().values("instrument_id").annotate(key=SORTS[wanted.sort.removeprefix("-")])
    names = keyed.order_by(order, "instrument_id")
    page = [row["instrument_id"] for row in names[offset : offset + limit]]
    total = fitting.order_by().values("instrument_id").distinct().count()
    return _gather(fitting.filter(instrument_id__in=page), page), total


def find_instrument(name: str) -> Found | None:
    """The instrument of an id as NautilusTrader writes it (EUR/USD.SIM) or as paths do (EURUSD.SIM)."""
    if "\x00" in name:  # PostgreSQL has no text with it
        return None
    for lookup in ({"instrument_id": name}, {"plain": name}):
        datasets = _with_plain(Dataset.objects.all()).filter(**lookup).select_related("store", "definition")
        definitions = list(_with_plain(Instrument.objects.all()).filter(**lookup).order_by("-is_defined", "pk"))
        held = list(datasets.order_by("instrument_id", "data_type", "timeframe"))
        if held or definitions:
            first = held[0] if held else definitions[0]
            same = [dataset for dataset in held if dataset.instrument_id == first.instrument_id]
            definition = next((d for d in definitions if d.instrument_id == first.instrument_id), None)
            return Found(first.instrument_id, first.venue, same, definition)
    return None


def summaries(after: str, limit: int) -> list[dict[str, Any]]:
    """Instruments by id, after one: sums, bounds and lowest known score of their datasets."""
    held = Dataset.objects.exclude(instrument_id="").filter(instrument_id__gt=after).order_by()
    sums = held.values("instrument_id").annotate(
        venue=Min("venue"),
        datasets=Count("pk"),
        rows=Sum("record_count"),
        size=Sum("size_bytes"),
        score=Min("quality_score"),
        start=Min("start_ns"),
        end=Max("end_ns"),
    )
    return [dict(row) for row in sums.order_by("instrument_id")[:limit]]


def venues() -> list[dict[str, Any]]:
    """Each venue with its instruments' number, data types and mean known score, in two queries."""
    types: dict[str, list[str]] = defaultdict(list)
    pairs = Dataset.objects.order_by("venue", "data_type").values_list("venue", "data_type").distinct()
    for venue, data_type in pairs:
        types[venue].append(data_type)
    sums = Dataset.objects.order_by("venue").values("venue")
    found = sums.annotate(instruments=Count("instrument_id", distinct=True), score=Avg("quality_score"))
    return [row | {"data_types": types[row["venue"]]} for row in found if row["venue"]]


def overall() -> dict[str, Any]:
    """Sums over everything, and the mean of each score that is known."""
    means = {name: Avg(name) for name in DIMENSIONS}
    return Dataset.objects.aggregate(
        instruments=Count("instrument_id", distinct=True),
        rows=Sum("record_count"),
        unread=Sum("listed_count", default=0),
        size=Sum("size_bytes", default=0),
        overall=Avg("quality_score"),
        validated=Max("last_validated"),
        indexed=Max("indexed_at"),
        **means,
    )


def _fitting(wanted: Search) -> QuerySet[Dataset]:
    fitting = browse.datasets(wanted.filters).exclude(instrument_id="")
    bounds = {
        "definition__currency": wanted.currency or None,
        "quality_score__gte": wanted.min_score,
        "record_count__gte": wanted.min_rows,
        "record_count__lte": wanted.max_rows,
    }
    return fitting.filter(**{name: value for name, value in bounds.items() if value is not None})


def _gather(datasets: QuerySet[Dataset], order: Sequence[str]) -> list[Found]:
    held: dict[str, list[Dataset]] = {name: [] for name in order}
    for dataset in datasets.order_by("data_type", "timeframe", "store_id"):
        held[dataset.instrument_id].append(dataset)
    return [
        Found(name, group[0].venue, group, next((d.definition for d in group if d.definition), None))
        for name, group in held.items()
    ]


def _with_plain[M: (Dataset, Instrument)](rows: QuerySet[M]) -> QuerySet[M]:
    return rows.annotate(plain=Replace("instrument_id", Value("/"), Value("")))
