"""Where quality stands now: every dataset, summed in one query by store, venue, data type, asset class and score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, FloatField, IntegerField, Min, Q, QuerySet, Sum
from django.db.models.functions import Cast, Floor

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.browse import NONE
from quality_app.models.metric import AVERAGED

# Bars of five points; 20 is exactly 1 and is shown with the last.
BUCKETS = 20
COLUMN: Mapping[str, str] = {name: name for name in AVERAGED} | {"overall": "quality_score"}
# The index entry changed, or a change was noticed, after the last validation.
STALE = Q(last_validated__isnull=False) & (Q(indexed_at__gt=F("last_validated")) | Q(changed_at__isnull=False))
_BUCKET = Cast(Floor(Cast("quality_score", FloatField()) * BUCKETS + 1e-9), IntegerField())


@dataclass(frozen=True, slots=True)
class Scope:
    """Which datasets are looked at, as the address says; empty means no restriction, "-" those that have none."""

    store: str = ""
    venue: str = ""
    data_type: str = ""
    asset_class: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Scope:
        """Take a scope from an address."""
        return cls(*(query.get(part.name, "").strip()[:200].replace("\x00", "") for part in fields(cls)))

    def params(self) -> dict[str, str]:
        """The restrictions that are set."""
        return {part.name: value for part in fields(self) if (value := getattr(self, part.name))}

    def query(self, **more: str) -> str:
        """The restrictions, and more, as the query of an address; the catalog's browser reads the same names."""
        wanted = self.params() | {name: value for name, value in more.items() if value}
        return f"?{urlencode(wanted)}" if wanted else ""

    def restriction(self, prefix: str = "") -> Q:
        """The scope as a condition on datasets, or on what belongs to them (`prefix` is "dataset__")."""
        wanted = Q()
        for name, value in self.params().items():
            path = f"{prefix}{_PATHS[name]}"
            wanted &= Q(**{path: ""}) | Q(**{f"{path}__isnull": True}) if value == NONE else Q(**{path: value})
        return wanted

    def within(self, of: Iterable[Group], but: str = "") -> list[Group]:
        """The groups that are within; `but` names a restriction that does not count."""
        wanted = [(name, value) for name, value in self.params().items() if name != but]
        return [group for group in of if all((getattr(group, name) or NONE) == value for name, value in wanted)]


_PATHS: Mapping[str, str] = {
    "store": "store__name",
    "venue": "venue",
    "data_type": "data_type",
    "asset_class": "definition__asset_class",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Datasets that agree in all of this; `bucket` is their score in steps of 0.05, None where it is unknown."""

    store_id: int
    store: str
    venue: str
    data_type: str
    asset_class: str
    bucket: int | None
    datasets: int
    validated: int
    stale: int
    gaps: int
    worst: float | None
    sums: Mapping[str, float]
    known: Mapping[str, int]


def groups(datasets: QuerySet[Dataset] | None = None) -> list[Group]:
    """Every dataset in groups, in one query."""
    sums = {f"{name}_sum": Sum(Cast(column, FloatField())) for name, column in COLUMN.items()}
    known = {f"{name}_known": Count(column) for name, column in COLUMN.items()}
    keys = ("store_id", "store__name", "venue", "data_type", "definition__asset_class", "bucket")
    found = (Dataset.objects.all() if datasets is None else datasets).order_by().annotate(bucket=_BUCKET)
    rows = found.values_list(*keys).annotate(
        Count("pk"),
        Count("last_validated"),
        stale=Count("pk", filter=STALE),
        open_gaps=Sum("open_gap_count"),
        worst=Min(Cast("quality_score", FloatField())),
        **sums,
        **known,
    )
    return [_group(row) for row in rows]


def _group(row: tuple[Any, ...]) -> Group:
    store_id, store, venue, data_type, asset_class, bucket, datasets, validated, stale, gaps, worst, *rest = row
    sums, known = rest[: len(AVERAGED)], rest[len(AVERAGED) :]
    return Group(
        store_id,
        store,
        venue,
        data_type,
        asset_class or "",
        None if bucket is None else min(bucket, BUCKETS - 1),
        datasets,
        validated,
        stale,
        gaps or 0,
        worst,
        {name: value or 0.0 for name, value in zip(AVERAGED, sums, strict=True)},
        dict(zip(AVERAGED, known, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """Groups summed: means are over the datasets whose score is known, each counts once."""

    datasets: int
    known: int
    validated: int
    stale: int
    gaps: int
    worst: float | None
    means: Mapping[str, float | None]
    known_by: Mapping[str, int]

    @property
    def unknown(self) -> int:
        """Datasets without a score."""
        return self.datasets - self.known


def total(of: Iterable[Group]) -> Standing:
    """Sum groups."""
    datasets = validated = stale = gaps = 0
    sums, known = dict.fromkeys(AVERAGED, 0.0), dict.fromkeys(AVERAGED, 0)
    worst: float | None = None
    for group in of:
        datasets += group.datasets
        validated += group.validated
        stale += group.stale
        gaps += group.gaps
        for name in AVERAGED:
            sums[name] += group.sums[name]
            known[name] += group.known[name]
        if group.worst is not None:
            worst = group.worst if worst is None else min(worst, group.worst)
    means = {name: sums[name] / known[name] if known[name] else None for name in AVERAGED}
    return Standing(datasets, known["overall"], validated, stale, gaps, worst, means, known)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter can take, and how many datasets have it under the other filters."""

    value: str
    label: str
    count: int
    chosen: bool


def choices(of: Iterable[Group], scope: Scope, name: str) -> list[Choice]:
    """The values of one filter by falling count; the chosen one is there also when nothing has it."""
    counts: Counter[str] = Counter()
    for group in scope.within(of, but=name):
        counts[getattr(group, name) or NONE] += group.datasets
    chosen = getattr(scope, name)
    if chosen:
        counts.setdefault(chosen, 0)
    labels = {NONE: "None", **(dict(DataType.choices) if name == "data_type" else {})}
    return [
        Choice(value, str(labels.get(value, value)), number, value == chosen) for value, number in counts.most_common()
    ]
