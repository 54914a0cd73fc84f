"""Find gaps: the list with its order, and facets with counts; a constant number of queries for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from catalog_app.models import Dataset
from catalog_app.services.browse import NONE, Facet, FacetValue
from quality_app.models import Gap
from quality_app.services.gaps.filters import (
    ANY,
    LABELS,
    OF_DATASET,
    OF_GAP,
    SORTS,
    STATE,
    STATES,
    Filters,
)

# Up to so many datasets are named one by one, which lets a database go by its index of them.
NAMED = 400
_TITLES = {"data_type": "Data type", "unit": "Measured in"}


@dataclass(frozen=True, slots=True)
class Facets:
    """Menus of the filters, tabs of the states, and how many pass."""

    menus: list[Facet]
    states: list[FacetValue]
    total: int


def gaps(filters: Filters) -> QuerySet[Gap]:
    """The gaps that the filters let through, in their order, each with its dataset and store."""
    descending = filters.sort.startswith("-")
    order = [f"-{name}" if descending else name for name in SORTS[filters.sort.removeprefix("-")]]
    found = restricted(filters).select_related("dataset__store", "expected_by")
    return found.defer("details", "dataset__metadata").order_by(*order, "-pk" if descending else "pk")


def restricted(filters: Filters) -> QuerySet[Gap]:
    """The same without order."""
    return Gap.objects.filter(filters.of_gaps(), in_scope(filters)).order_by()


def in_scope(filters: Filters) -> Q:
    """What restricts datasets, as a condition on what belongs to them."""
    if not filters.scope():
        return Q()
    chosen = Dataset.objects.filter(filters.of_datasets()).order_by()
    keys = list(chosen.values_list("pk", flat=True)[: NAMED + 1])
    return Q(dataset__in=keys if len(keys) <= NAMED else chosen.values("pk"))


def facets(filters: Filters) -> Facets:
    """Every facet of gaps with counts, from three grouped queries; a facet's counts leave out its own restriction."""
    names = tuple(OF_GAP)
    chosen = {name: str(getattr(filters, name)) for name in names}
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    states: Counter[str] = Counter()
    for values, by_state in _by_kind(filters):
        missed = _missed(values, names, chosen)
        number = sum(by_state.values()) if filters.state == ANY else by_state[filters.state]
        for name, value in zip(names, values, strict=True):
            if not missed or missed == [name]:
                counts[name][value] += number
        if not missed:
            states.update(by_state)
    total = states.total() if filters.state == ANY else states[filters.state]
    menus = [_facet(name, counts[name], chosen[name]) for name in names]
    return Facets([*_dataset_menus(filters, _by_dataset(filters)), *menus], _tabs(states, filters.state), total)


def dataset_facets(filters: Filters) -> list[Facet]:
    """Facets that count datasets, for pages about datasets."""
    return _dataset_menus(filters, None)


def _dataset_menus(filters: Filters, weights: Mapping[UUID, int] | None) -> list[Facet]:
    """Facets of datasets, each of which counts once or by its weight."""
    names = tuple(OF_DATASET)
    chosen = {name: str(getattr(filters, name)) for name in names}
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    rows = Dataset.objects.filter(filters.named_datasets()).order_by().values_list("pk", *OF_DATASET.values())
    for key, *values in rows:
        number = 1 if weights is None else weights.get(key, 0)
        missed = _missed(values, names, chosen) if number else names
        for at, name in enumerate(names):
            if not missed or missed == [name]:
                counts[name][values[at] or NONE] += number
    return [_facet(name, counts[name], chosen[name]) for name in names]


def _by_dataset(filters: Filters) -> dict[UUID, int]:
    """How many gaps each dataset has that pass the filters of gaps."""
    rows = Gap.objects.filter(filters.of_gaps()).order_by()
    return dict(rows.values_list("dataset_id").annotate(number=Count("*")))


def _by_kind(filters: Filters) -> Iterator[tuple[Sequence[str], Mapping[str, int]]]:
    """(value of each facet of gaps, number by state) of what the other filters let through."""
    rows = Gap.objects.filter(filters.of_gaps(facets=False), in_scope(filters)).order_by()
    # Of a column that the index holds: by its key each row would be looked up.
    numbers = {f"in_{name}": Count("unit", filter=condition) for name, condition in STATE.items()}
    for *values, opened, expected, filled in rows.values_list(*OF_GAP.values()).annotate(**numbers):
        yield values, dict(zip(STATE, (opened, expected, filled), strict=True))


def _missed(values: Sequence[str], names: Iterable[str], chosen: Mapping[str, str]) -> list[str]:
    """The facets whose restriction does not let these values through."""
    return [name for name, value in zip(names, values, strict=True) if chosen[name] and (value or NONE) != chosen[name]]


def _facet(name: str, counts: Counter[str], chosen: str) -> Facet:
    labels = {NONE: "None", **LABELS.get(name, {})}
    if chosen:
        counts.setdefault(chosen, 0)
    values = [
        FacetValue(value, str(labels.get(value, value)), number, value == chosen)
        for value, number in counts.most_common()
        if number or value == chosen
    ]
    title = _TITLES.get(name, name.capitalize())
    return Facet(name, title, values, str(labels.get(chosen, chosen)))


def _tabs(counts: Counter[str], chosen: str) -> list[FacetValue]:
    values = [FacetValue(name, label, counts[name], name == chosen) for name, label in STATES.items()]
    return [*values, FacetValue(ANY, "All", counts.total(), chosen == ANY)]
