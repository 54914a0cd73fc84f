"""Find datasets: filters, facets with counts, order, and the levels of the tree.

Every function costs a constant number of queries, whatever the size of the catalog.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import Combinable

from catalog_app.models import Dataset, Store
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services.dialect_notes import LABELS

PAGE_ROWS = 100
TREE_LIMIT = 2000
# Stands for "has none" in an address, where an empty value means no restriction.
NONE = "-"
# Facet -> the field of Dataset that it filters.
FACETS: Mapping[str, str] = {
    "venue": "venue",
    "asset_class": "definition__asset_class",
    "data_type": "data_type",
    "timeframe": "timeframe",
    "dialect": "dialect",
    "store": "store__name",
    "state": "state",
}
SORTS: Mapping[str, str] = {
    "instrument": "instrument_id",
    "venue": "venue",
    "type": "data_type",
    "timeframe": "timeframe",
    "store": "store__name",
    "dialect": "dialect",
    "start": "start_ns",
    "end": "end_ns",
    "rows": "record_count",
    "size": "size_bytes",
    "files": "file_count",
    "score": "quality_score",
    "gaps": "open_gap_count",
}
DEFAULT_SORT = "venue"


@dataclass(frozen=True, slots=True)
class Filters:
    """What the browser shows, as its address says; empty means no restriction."""

    q: str = ""
    venue: str = ""
    instrument: str = ""
    asset_class: str = ""
    data_type: str = ""
    timeframe: str = ""
    dialect: str = ""
    store: str = ""
    state: str = ""
    below: str = ""
    has_gaps: str = ""
    start: str = ""
    end: str = ""
    sort: str = ""
    problems: tuple[str, ...] = field(default=(), compare=False)

    def active(self) -> dict[str, str]:
        """The restrictions that are set, by parameter name."""
        names = (f.name for f in fields(self) if f.name not in {"sort", "problems"})
        return {name: value for name in names if (value := getattr(self, name))}


def read_filters(query: Mapping[str, str]) -> Filters:
    """Take the filters from an address; values that mean nothing are dropped and named in `problems`."""
    names = [f.name for f in fields(Filters) if f.name != "problems"]
    values = {name: query.get(name, "").strip()[:200].replace("\x00", "") for name in names}
    checks: dict[str, tuple[Any, str]] = {
        "start": (_day, "a day such as 2024-01-31"),
        "end": (_day, "a day such as 2024-01-31"),
        "below": (_share, "a score from 0 to 100"),
        "sort": (_sort, "a column of the table"),
    }
    problems = []
    for name, (parse, wanted) in checks.items():
        if values[name] and parse(values[name]) is None:
            problems.append(f"{name}: {values[name]} is not {wanted}; it was left out.")
            values[name] = ""
    return Filters(**values, problems=tuple(problems))


def datasets(filters: Filters) -> QuerySet[Dataset]:
    """The datasets that the filters let through, in their order, with store and definition."""
    found = Dataset.objects.filter(_restrictions(filters)).select_related("store", "definition")
    return found.order_by(*_order(filters.sort))


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet and how many datasets have it under the other filters."""

    value: str
    label: str
    count: int
    active: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet: parameter name, title, values by falling count, the active value's label."""

    name: str
    title: str
    values: list[FacetValue]
    active: str = ""


def facets(filters: Filters) -> list[Facet]:
    """Every facet with counts, from one grouped query.

    A facet's counts leave out its own restriction, so that the other values stay reachable.
    """
    bare = replace(filters, venue="", asset_class="", data_type="", timeframe="", dialect="", store="", state="")
    columns = list(FACETS.values())
    groups = list(
        Dataset.objects.filter(_restrictions(bare)).order_by().values_list(*columns).annotate(number=Count("pk"))
    )
    return [_facet(name, position, groups, filters) for position, name in enumerate(FACETS)]


@dataclass(frozen=True, slots=True)
class VenueNode:
    """A venue of the tree; `key` is its value in an address."""

    key: str
    instruments: int
    datasets: int


@dataclass(frozen=True, slots=True)
class InstrumentNode:
    """An instrument of the tree, over all stores; `key` is its value in an address."""

    key: str
    datasets: int


def venues() -> list[VenueNode]:
    """The tree's first level."""
    found = (
        Dataset.objects.order_by("venue")
        .values_list("venue")
        .annotate(instruments=Count("instrument_id", distinct=True), number=Count("pk"))
    )
    return [VenueNode(venue or NONE, instruments, number) for venue, instruments, number in found]


def instruments_of(venue: str) -> list[InstrumentNode]:
    """The instruments of a venue that have data, at most TREE_LIMIT."""
    found = Dataset.objects.filter(_equals("venue", venue)).order_by("instrument_id").values_list("instrument_id")
    return [InstrumentNode(name or NONE, number) for name, number in found.annotate(number=Count("pk"))[:TREE_LIMIT]]


def leaves_of(venue: str, instrument_id: str) -> list[Dataset]:
    """The datasets of an instrument, at most TREE_LIMIT."""
    found = Dataset.objects.filter(_equals("venue", venue), _equals("instrument_id", instrument_id)).select_related(
        "store"
    )
    return list(found.order_by("data_type", "timeframe", "store_id")[:TREE_LIMIT])


def has_stores() -> bool:
    """Whether any store is registered."""
    return Store.objects.exists()


def _restrictions(filters: Filters) -> Q:
    wanted = Q()
    for word in filters.q.split()[:8]:
        wanted &= (
            Q(instrument_id__icontains=word)
            | Q(path__icontains=word)
            | Q(venue__icontains=word)
            | Q(definition__asset_class__icontains=word)
        )
    for name, column in FACETS.items():
        if value := getattr(filters, name):
            wanted &= _equals(column, value)
    if filters.instrument:
        wanted &= _equals("instrument_id", filters.instrument)
    if filters.has_gaps:
        wanted &= Q(open_gap_count__gt=0)
    if below := _share(filters.below):
        wanted &= Q(quality_score__lt=below)
    # A dataset overlaps the wanted days when it begins before their end and ends after their start.
    if end := _day(filters.end):
        wanted &= Q(start_date__lte=datetime.combine(end, time.max, UTC))
    if start := _day(filters.start):
        wanted &= Q(end_date__gte=datetime.combine(start, time.min, UTC))
    return wanted


def _equals(column: str, value: str) -> Q:
    return Q(**{column: ""}) | Q(**{f"{column}__isnull": True}) if value == NONE else Q(**{column: value})


def _order(sort: str) -> Sequence[str | Combinable]:
    """Order of the table; unknown values come last in both directions, ties by name."""
    column = F(SORTS[sort.lstrip("-") or DEFAULT_SORT])
    first = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return (first, "instrument_id", "data_type", "timeframe", "pk")


def _facet(name: str, position: int, groups: Iterable[tuple[Any, ...]], filters: Filters) -> Facet:
    others = [(i, getattr(filters, other)) for i, other in enumerate(FACETS) if other != name]
    counts: Counter[str] = Counter()
    for *values, number in groups:
        if all(not wanted or (values[i] or NONE) == wanted for i, wanted in others):
            counts[values[position] or NONE] += number
    chosen = getattr(filters, name)
    labels = _labels(name)
    found = [
        FacetValue(value, labels.get(value, value), number, value == chosen) for value, number in counts.most_common()
    ]
    return Facet(name, name.replace("_", " ").capitalize(), found, labels.get(chosen, chosen))


def _labels(name: str) -> dict[str, str]:
    choices: Mapping[str, Mapping[str, str]] = {
        "data_type": dict(DataType.choices),
        "state": dict(IndexState.choices),
        "dialect": {dialect: f"{dialect} ({label})" for dialect, label in LABELS.items() if dialect != label},
    }
    return {NONE: "None", **choices.get(name, {})}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _share(text: str) -> Decimal | None:
    """A score as people write it, 0 to 100, as a share of 1."""
    try:
        value = Decimal(text) / 100
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= 1 else None


def _sort(text: str) -> str | None:
    return text if text.removeprefix("-") in SORTS else None
