"""Find anomalies: filters, facets with counts, and marks for a chart; a constant number of queries for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Q, QuerySet, When
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.browse import NONE, Facet, FacetValue
from quality_app.models import Anomaly
from quality_app.services.anomalies.prices import price_of
from quality_app.services.anomalies.standing import Standing, with_standing

PAGE_ROWS = 100
MARKED = 500
ANY = "all"
# Facet -> the field of Anomaly that it filters; the state has tabs of its own.
FACETS: Mapping[str, str] = {
    "venue": "venue",
    "instrument": "instrument_id",
    "data_type": "data_type",
    "check": "check_id",
    "severity": "severity",
    "state": "standing",
}
SORTS: Mapping[str, tuple[str, ...]] = {
    "time": ("ts_init_ns",),
    "check": ("check_id", "ts_init_ns"),
    "instrument": ("instrument_id", "data_type", "ts_init_ns"),
    "seen": ("first_seen_at", "ts_init_ns"),
}
_TITLES = {"data_type": "Data type"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list shows, as its address says; empty means no restriction, but for the state: open."""

    venue: str = ""
    instrument: str = ""
    data_type: str = ""
    check: str = ""
    severity: str = ""
    state: str = Standing.OPEN
    dataset: str = ""
    start: str = ""
    end: str = ""
    sort: str = "-time"
    start_ns: int | None = None
    end_ns: int | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)

    def active(self) -> dict[str, str]:
        """The restrictions that are set, by parameter name, without the state."""
        return {name: value for name in _NAMES if name not in {"state", "sort"} and (value := getattr(self, name))}


_NAMES = tuple(f.name for f in fields(Filters) if f.name not in {"start_ns", "end_ns", "problems"})


def read_filters(query: Mapping[str, str], moment_ns: Callable[..., int]) -> Filters:
    """Take the filters from an address; values that mean nothing are dropped and named in `problems`.

    `moment_ns(text, end=…)` gives the ns of a UTC time as people write it, or raises ValueError.
    """
    values = {name: query.get(name, "").strip()[:200].replace("\x00", "") for name in _NAMES}
    times: dict[str, Any] = {}
    problems = []
    for name, (is_right, wanted) in _RULES.items():
        if values[name] and not is_right(values[name]):
            problems.append(f"{name}: {values[name]} is not {wanted}; it was left out.")
            values[name] = ""
    for name in ("start", "end"):
        try:
            if values[name]:
                times[f"{name}_ns"] = moment_ns(values[name], end=name == "end")
        except ValueError:
            problems.append(f"{name}: {values[name]} is not a time in UTC such as 2024-01-31 21:05; it was left out.")
            values[name] = ""
    given: dict[str, Any] = {name: value for name, value in values.items() if value}
    return Filters(**given, **times, problems=tuple(problems))


def anomalies(filters: Filters) -> QuerySet[Any]:
    """The anomalies that the filters let through, in their order, each with `standing` and its dataset and store."""
    found = _restricted(filters).select_related("dataset__store", "operation")
    descending = filters.sort.startswith("-")
    order = [f"-{name}" if descending else name for name in SORTS[filters.sort.removeprefix("-")]]
    return found.defer("values", "dataset__metadata").order_by(*order, "pk")


@dataclass(frozen=True, slots=True)
class Facets:
    """Menus of the filters, the tabs of the states, and how many anomalies pass."""

    menus: list[Facet]
    states: Facet
    total: int


def facets(filters: Filters) -> Facets:
    """Every facet with counts, from two grouped queries; a facet's counts leave out its own restriction."""
    groups = list(_groups(filters))
    found = {name: _facet(name, at, groups, filters) for at, name in enumerate(FACETS)}
    chosen = [(at, _chosen(filters, name)) for at, name in enumerate(FACETS)]
    total = sum(number for *values, number in groups if _fits(values, chosen))
    return Facets([facet for name, facet in found.items() if name != "state"], _tabs(found["state"], filters), total)


def _groups(filters: Filters) -> Iterator[tuple[Any, ...]]:
    """(a value of each facet, number) of what passes the filters that are no facets.

    Rows that no repair ever touched are counted in the order of the index, without a join and without sorting.
    """
    now = timezone.now()
    bare = replace(filters, venue="", instrument="", data_type="", check="", severity="", state=ANY)
    *columns, standing = FACETS.values()
    untouched = Q(operation=None, resolved_at=None)
    counted = (
        _given(bare)
        .order_by()
        .values_list(*columns, "state")
        .annotate(
            number=Count("*"),
            repaired=Count("operation"),
            gone=Count("resolved_at", filter=Q(operation=None)),
            over=Count("expires_at", filter=untouched & Q(state=Anomaly.State.IGNORED, expires_at__lte=now)),
        )
    )
    for *values, state, number, repaired, gone, over in counted:
        for name, count in ((state, number - repaired - gone - over), (Standing.GONE, gone), (Standing.OPEN, over)):
            if count:
                yield (*values, str(name), count)
    touched = with_standing(_given(bare).filter(operation__isnull=False), now)
    yield from touched.order_by().values_list(*columns, standing).annotate(number=Count("*"))


class CountedPaginator(Paginator):
    """A paginator that was told how many rows there are."""

    def __init__(self, rows: QuerySet[Any], total: int) -> None:
        super().__init__(rows, PAGE_ROWS)
        self._total = total

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return self._total


def marks(dataset: Dataset, start_ns: int | None = None, end_ns: int | None = None) -> list[dict[str, Any]]:
    """Anomalies of a dataset as points of its chart, at most MARKED: the gravest, then the newest.

    Within ts_init (ns, UTC), inclusive. Those that are repaired or gone are not in the data any more; ignored ones are
    left out too. Nanoseconds as text.
    """
    rank = Case(
        When(severity="critical", then=0), When(severity="major", then=1), default=2, output_field=IntegerField()
    )
    found = with_standing(Anomaly.objects.filter(dataset=dataset)).exclude(
        standing__in=(Standing.REPAIRED, Standing.GONE, Standing.IGNORED)
    )
    found = found.filter(_between(start_ns, end_ns)).order_by(rank, "-ts_init_ns", "pk")[:MARKED]
    points = [(row, price_of(row.data_type, row.values)) for row in found]
    return [
        {
            "id": str(row.pk),
            "tsNs": str(row.ts_init_ns),
            "price": price,
            "check": row.check_id,
            "severity": row.severity,
            "state": row.standing,
            "value": row.value,
            "expected": row.expected,
        }
        for row, price in sorted(points, key=lambda point: point[0].ts_init_ns)
        if price is not None
    ]


def _given(filters: Filters) -> QuerySet[Anomaly]:
    """What passes the filters that are no facets."""
    found = Anomaly.objects.filter(_between(filters.start_ns, filters.end_ns))
    return found.filter(dataset=UUID(filters.dataset)) if filters.dataset else found


def _restricted(filters: Filters) -> QuerySet[Any]:
    found = with_standing(_given(filters))
    for name, column in FACETS.items():
        if value := _chosen(filters, name):
            found = found.filter(**{column: "" if value == NONE else value})
    return found


def _between(start_ns: int | None, end_ns: int | None) -> Q:
    wanted = Q()
    if start_ns is not None:
        wanted &= Q(ts_init_ns__gte=start_ns)
    if end_ns is not None:
        wanted &= Q(ts_init_ns__lte=end_ns)
    return wanted


def _chosen(filters: Filters, name: str) -> str:
    value = str(getattr(filters, name))
    return "" if name == "state" and value == ANY else value


def _fits(values: list[Any], wanted: Iterable[tuple[int, str]]) -> bool:
    return all(not value or (values[at] or NONE) == value for at, value in wanted)


def _facet(name: str, position: int, groups: Iterable[tuple[Any, ...]], filters: Filters) -> Facet:
    others = [(at, _chosen(filters, other)) for at, other in enumerate(FACETS) if other != name]
    counts: Counter[str] = Counter()
    for *values, number in groups:
        if _fits(values, others):
            counts[values[position] or NONE] += number
    labels = {NONE: "None", **_LABELS.get(name, {})}
    chosen = _chosen(filters, name)
    values = [
        FacetValue(value, labels.get(value, value), number, value == chosen) for value, number in counts.most_common()
    ]
    return Facet(name, _TITLES.get(name, name.capitalize()), values, labels.get(chosen, chosen))


def _tabs(states: Facet, filters: Filters) -> Facet:
    """All states in their order, also those that no anomaly has, and all of them together."""
    counts = {value.value: value.count for value in states.values}
    values = [
        FacetValue(value, label, counts.get(value, 0), value == filters.state) for value, label in Standing.choices
    ]
    values.append(FacetValue(ANY, "All", sum(counts.values()), filters.state == ANY))
    return Facet("state", "State", values, filters.state)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


_LABELS: Mapping[str, Mapping[str, str]] = {
    "data_type": dict(DataType.choices),
    "severity": dict(Anomaly.Severity.choices),
}
_RULES: Mapping[str, tuple[Any, str]] = {
    "dataset": (_is_uuid, "a dataset's id"),
    "state": (lambda text: text in {*Standing.values, ANY}, "a state"),
    "sort": (lambda text: text.removeprefix("-") in SORTS, "a column of the table"),
}
