"""Which trading calendar a dataset follows: what people assigned, else what its venue, class and symbol say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, F, IntegerField, QuerySet, Value
from django.db.models.functions import Cast

from catalog_app.models import Dataset
from quality_app.calendar_names import canonical_name
from quality_app.calendars import LEARNED, SessionCalendar, built_in, calendar_for, futures_root
from quality_app.custom_hours import WEEKDAYS, BadHours, ChangedDay, CustomHours
from quality_app.exchange_hours import UnknownCalendar
from quality_app.models import CalendarAssignment, CalendarDay, TradingCalendar
from quality_app.sessions import check_changed

_CALENDAR, _DAY, _ASSIGNMENT = range(3)
_COLUMNS: Final = {
    TradingCalendar: ("name", "label", "zone", *WEEKDAYS, "holidays_of"),
    CalendarDay: ("built_in", "day", "hours"),
    CalendarAssignment: ("built_in", "dataset", "instrument_id", "venue", "product", "asset_class"),
}
_WIDTH: Final = max(map(len, _COLUMNS.values()))

# Kind, key, key of its calendar or None, then its columns as text.
_Row = tuple[Any, ...]
# Dataset, instrument, venue, product, asset class; empty means any.
_Scope = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Calendars:
    """Every calendar and assignment of the desk, as they were when loaded; asks the database nothing more."""

    assigned: Mapping[_Scope, SessionCalendar] = field(default_factory=dict)
    changed: Mapping[str, tuple[ChangedDay, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Calendars:
        """Return what holds now. One query; what it says is worked out once per process until a row changes."""
        return _understood(tuple(_rows()))

    def of(self, dataset: Dataset) -> SessionCalendar:
        """Return the calendar of a dataset: the narrowest assignment, else by its instrument.

        Its `definition` should be selected with it: it is a query else.
        """
        known = dataset.definition
        asset_class = known.asset_class if known else ""
        symbol = known.symbol if known else ""
        if self.assigned:
            for scope in _scopes(dataset, asset_class, symbol):
                if scope in self.assigned:
                    return self.assigned[scope]
        if known is None:
            return self._with_changes(calendar_for(dataset.venue))
        return self._with_changes(calendar_for(known.venue, asset_class, known.instrument_class, symbol))

    def _with_changes(self, calendar: SessionCalendar) -> SessionCalendar:
        changed = self.changed.get(calendar.name)
        return _usable(built_in(calendar.name, changed)) if changed else calendar


def calendar_of(dataset: Dataset) -> SessionCalendar:
    """Return the trading calendar of a dataset; one query. For many datasets load Calendars once."""
    return Calendars.load().of(dataset)


def life_of(dataset: Dataset) -> tuple[int | None, int | None]:
    """Return when a dataset's contract begins and ceases to trade, UNIX ns; None where its definition does not say."""
    known = dataset.definition
    return (known.activation_ns or None, known.expiration_ns or None) if known else (None, None)


def session_calendar(own: TradingCalendar, changed: tuple[ChangedDay, ...] = ()) -> SessionCalendar:
    """Return a calendar of people's own with its hours. Raises BadHours where they cannot be."""
    week = tuple(" ".join(getattr(own, name).split()) for name in WEEKDAYS)
    return SessionCalendar(own.name, own.label, CustomHours(own.zone, week, own.holidays_of), changed)


def _scopes(dataset: Dataset, asset_class: str, symbol: str) -> list[_Scope]:
    """What may be assigned for a dataset, the narrowest first."""
    venue, asset_class = dataset.venue.upper(), asset_class.upper()
    instrument_id = dataset.instrument_id.replace("/", "")
    product = futures_root((symbol or instrument_id.rpartition(".")[0]).upper())
    return [
        (str(dataset.pk), "", "", "", ""),
        *([("", instrument_id, "", "", "")] if instrument_id else []),
        *([("", "", venue, product, "")] if venue and product else []),
        *([("", "", venue, "", asset_class)] if venue and asset_class else []),
        *([("", "", venue, "", "")] if venue else []),
        *([("", "", "", "", asset_class)] if asset_class else []),
    ]


def _rows() -> list[_Row]:
    """All rows of the three tables in one query."""
    calendars, days, assignments = (_padded(model, kind, names) for kind, (model, names) in enumerate(_COLUMNS.items()))
    return sorted(calendars.union(days, assignments, all=True).order_by(), key=lambda row: row[:2])


def _padded(model: Any, kind: int, names: tuple[str, ...]) -> QuerySet[Any, _Row]:
    """Rows of a table in the columns that all of them share."""
    owner = F("calendar_id") if model is not TradingCalendar else Value(None, IntegerField())
    texts = {f"text_{n}": Cast(name, CharField()) for n, name in enumerate(names)}
    empty = {f"text_{n}": Value("", CharField()) for n in range(len(names), _WIDTH)}
    columns = {"kind": Value(kind), "key": Cast("pk", IntegerField()), "owner": Cast(owner, IntegerField())}
    rows = model.objects.order_by().annotate(**columns, **texts, **empty)
    found: QuerySet[Any, _Row] = rows.values_list(*columns, *texts, *empty)
    return found


@lru_cache(maxsize=4)
def _understood(rows: tuple[_Row, ...]) -> Calendars:
    changed = {name: tuple(days) for name, days in _built_in_days(rows).items()}
    own = _own_calendars(rows)
    assigned = {}
    for _, _, owner, name, dataset, instrument_id, venue, product, asset_class, *_ in _of_kind(rows, _ASSIGNMENT):
        instrument = (str(UUID(dataset)) if dataset else "", instrument_id.replace("/", ""))
        scope = (*instrument, venue.upper(), product.upper(), asset_class.upper())
        assigned[scope] = own[owner] if owner is not None else _built_in(name, changed)
    return Calendars(assigned, changed)


def _built_in_days(rows: tuple[_Row, ...]) -> Mapping[str, list[ChangedDay]]:
    found = defaultdict(list)
    for _, _, owner, name, day, hours, *_ in _of_kind(rows, _DAY):
        if owner is None:
            found[_known_as(name)].append(_changed_day(day, hours))
    return found


def _own_calendars(rows: tuple[_Row, ...]) -> dict[int, SessionCalendar]:
    days = defaultdict(list)
    for _, _, owner, _, day, hours, *_ in _of_kind(rows, _DAY):
        if owner is not None:
            days[owner].append(_changed_day(day, hours))
    names = _COLUMNS[TradingCalendar]
    return {
        key: _own(TradingCalendar(**dict(zip(names, texts, strict=False))), tuple(days[key]))
        for _, key, _, *texts in _of_kind(rows, _CALENDAR)
    }


def _own(calendar: TradingCalendar, changed: tuple[ChangedDay, ...]) -> SessionCalendar:
    try:
        if calendar.holidays_of:
            canonical_name(calendar.holidays_of)
        return _usable(session_calendar(calendar, changed))
    except (BadHours, UnknownCalendar) as problem:
        return _unusable(calendar.name, problem)


def _built_in(name: str, changed: Mapping[str, tuple[ChangedDay, ...]]) -> SessionCalendar:
    try:
        known = canonical_name(name)
    except UnknownCalendar as problem:
        return _unusable(name, problem)
    return _usable(built_in(known, changed.get(known, ())))


@lru_cache(maxsize=256)
def _usable(calendar: SessionCalendar) -> SessionCalendar:
    try:
        check_changed(calendar)
    except (BadHours, UnknownCalendar) as problem:
        return _unusable(calendar.name, problem)
    return calendar


def _unusable(name: str, problem: ValueError) -> SessionCalendar:
    """What stands for a calendar that a program wrote and the admin would have refused."""
    return SessionCalendar(LEARNED, f"learned, since the calendar {name} cannot be used: {problem}")


def _known_as(name: str) -> str:
    try:
        return canonical_name(name)
    except UnknownCalendar:
        return name  # nothing follows it


def _changed_day(day: str, hours: str) -> ChangedDay:
    return ChangedDay(date.fromisoformat(day), " ".join(hours.split()))


def _of_kind(rows: tuple[_Row, ...], kind: int) -> list[_Row]:
    return [row for row in rows if row[0] == kind]
