"""The list of wanted data: filters, order, counts, and what is overdue or missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from quality_app.models import WantedData
from quality_app.services.wanted_status import State, Status, statuses

_RANK: Final = {state: rank for rank, state in enumerate(State)}
# States that ask somebody to do something at once.
DUE: Final = frozenset({State.MISSING, State.OVERDUE})
SORTS: Final[Mapping[str, Callable[[Status], Any]]] = {
    "instrument": lambda status: (status.wanted.instrument_id, status.wanted.data_type, status.wanted.timeframe),
    "type": lambda status: (status.wanted.data_type, status.wanted.timeframe, status.wanted.instrument_id),
    "start": lambda status: status.wanted.start_ns,
    "end": lambda status: status.wanted.end_ns,
    "share": lambda status: status.share,
    "age": lambda status: status.age_ns,
    "state": lambda status: (_RANK[status.state], -(status.since_ns or 0), status.wanted.instrument_id),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list shows, as its address says; empty means no restriction."""

    q: str = ""
    state: str = ""
    data_type: str = ""
    store: str = ""
    sort: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Filters:
        """Take the filters from an address; a state or an order that there is none of is left out."""
        values = {part.name: query.get(part.name, "").strip()[:200].replace("\x00", "") for part in fields(cls)}
        if values["state"] not in State:
            values["state"] = ""
        if values["sort"].removeprefix("-") not in SORTS:
            values["sort"] = ""
        return cls(**values)

    def is_active(self) -> bool:
        """Whether any restriction is set."""
        return any((self.q, self.state, self.data_type, self.store))

    def query(self, **changed: str) -> str:
        """The address's query with other values; empty ones are left out."""
        values = {part.name: getattr(self, part.name) for part in fields(self)} | changed
        return f"?{urlencode({name: value for name, value in values.items() if value})}"


@dataclass(frozen=True, slots=True)
class Listing:
    """Declarations in order, and how many are in which state under the other filters."""

    statuses: list[Status]
    counts: list[tuple[State, int]]
    total: int


def listing(filters: Filters) -> Listing:
    """Return the declarations that the filters let through."""
    found = statuses(_restricted(filters))
    counts = Counter(status.state for status in found)
    shown = [status for status in found if not filters.state or status.state == filters.state]
    key, descending = SORTS[filters.sort.removeprefix("-") or "state"], filters.sort.startswith("-")
    known = [status for status in shown if key(status) is not None]
    unknown = [status for status in shown if key(status) is None]
    known.sort(key=key, reverse=descending)
    return Listing(known + unknown, [(state, counts[state]) for state in State if counts[state]], len(found))


def due() -> tuple[list[Status], int]:
    """Return what is overdue or missing, newest first, and how many declarations are active."""
    found = statuses(WantedData.objects.filter(is_active=True))
    late = [status for status in found if status.state in DUE]
    late.sort(key=lambda status: status.since_ns or 0, reverse=True)
    return late, len(found)


def _restricted(filters: Filters) -> QuerySet[WantedData]:
    wanted = Q()
    for word in filters.q.split()[:8]:
        key = word.replace("/", "")
        wanted &= Q(instrument_id__icontains=key) | Q(timeframe__icontains=key) | Q(note__icontains=word)
    if filters.data_type:
        wanted &= Q(data_type=filters.data_type)
    if filters.store:
        wanted &= Q(store__name=filters.store)
    return WantedData.objects.filter(wanted)
