"""What a report is about: everything, a store, a venue, or an instrument."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset, Store
from catalog_app.services.errors import ServiceError
from quality_app.models import QualityReport

Kind = QualityReport.Scope


class ScopeUnknown(ServiceError):
    """There is no such store, venue or instrument."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A kind of scope and its key, with a name for people."""

    kind: str
    key: str
    label: str

    def datasets(self) -> QuerySet[Dataset]:
        """Return the datasets that it covers."""
        return _datasets(self.kind, self.key)


def scope_of(kind: str, key: str) -> Scope:
    """Return the scope of that kind and key.

    Raises:
        ScopeUnknown: when nothing has that key; the text says what.

    """
    if kind == Kind.CATALOG:
        return Scope(kind, "", "Whole catalog")
    if kind == Kind.STORE:
        store = Store.objects.filter(pk=key).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
        if store is None:
            raise ScopeUnknown("There is no such store: choose one of those that are registered.")
        return Scope(kind, key, f"Store {store.name}")
    if kind not in Kind.values:
        raise ScopeUnknown(f"{kind!r} is no scope of a report: it is catalog, store, venue or instrument.")
    key = _as_written(key) if kind == Kind.INSTRUMENT else key
    if not key or not _datasets(kind, key).exists():
        raise ScopeUnknown(f"No dataset has the {kind} {key or '(none given)'}: choose one of the catalog.")
    return Scope(kind, key, f"Venue {key}" if kind == Kind.VENUE else key)


def _as_written(key: str) -> str:
    """An instrument's id as its datasets have it: paths leave the slash out, and so may people."""
    plain = Dataset.objects.annotate(plain=Replace(F("instrument_id"), Value("/"), Value("")))
    alike = plain.filter(plain=key.replace("/", "")).order_by("instrument_id").values_list("instrument_id", flat=True)
    found = list(alike.distinct())
    return key if key in found or not found else found[0]


def parts_of(scope: Scope, kind: str) -> list[Scope]:
    """Return one scope for each venue or each instrument of a scope, in order of their names."""
    column = {Kind.VENUE.value: "venue", Kind.INSTRUMENT.value: "instrument_id"}[kind]
    keys = scope.datasets().exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()
    return [Scope(kind, key, f"Venue {key}" if kind == Kind.VENUE else key) for key in keys]


def _datasets(kind: str, key: str) -> QuerySet[Dataset]:
    if kind == Kind.CATALOG:
        return Dataset.objects.all()
    column = {Kind.STORE.value: "store_id", Kind.VENUE.value: "venue", Kind.INSTRUMENT.value: "instrument_id"}[kind]
    return Dataset.objects.filter(**{column: key})
