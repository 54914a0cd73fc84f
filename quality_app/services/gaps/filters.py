"""Which gaps, and gaps of which datasets, a page is about: as its address says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.browse import NONE
from quality_app.models import Gap

ANY = "all"
OPEN, EXPECTED, FILLED = "open", "expected", "filled"
STATES: Mapping[str, str] = {OPEN: "Open", EXPECTED: "Expected", FILLED: "Filled"}
# As conditions; a gap that was filled is filled, whatever was expected of it before.
STATE: Mapping[str, Q] = {
    OPEN: Q(filled_at=None, expected_at=None),
    EXPECTED: Q(filled_at=None, expected_at__isnull=False),
    FILLED: Q(filled_at__isnull=False),
}
# Parameter -> where it is found from a dataset, or from a gap.
OF_DATASET: Mapping[str, str] = {
    "store": "store__name",
    "venue": "venue",
    "instrument": "instrument_id",
    "data_type": "data_type",
    "timeframe": "timeframe",
}
OF_GAP: Mapping[str, str] = {"cause": "cause", "severity": "severity", "unit": "unit"}
SORTS: Mapping[str, tuple[str, ...]] = {
    "start": ("start_ns",),
    "length": ("lost_ns", "start_ns"),
    "missing": ("missing", "start_ns"),
    "instrument": ("instrument_id", "data_type", "timeframe", "start_ns"),
}
DEFAULT_SORT = "-start"
MOST_NS = 2**63 - 1
_LENGTH = re.compile(r"(\d{1,7})\s*(s|min|m|h|d)?", re.ASCII)
_SECONDS = {"s": 1, "": 60, "m": 60, "min": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty means no restriction, but for the state: open. "-" stands for those that have none."""

    store: str = ""
    venue: str = ""
    instrument: str = ""
    data_type: str = ""
    timeframe: str = ""
    dataset: str = ""
    q: str = ""
    cause: str = ""
    severity: str = ""
    unit: str = ""
    longer: str = ""
    day: str = ""
    start: str = ""
    end: str = ""
    state: str = OPEN
    sort: str = DEFAULT_SORT
    start_ns: int | None = None
    end_ns: int | None = None
    longer_ns: int | None = None
    problems: tuple[str, ...] = field(default=(), compare=False)

    def active(self) -> dict[str, str]:
        """The restrictions that are set, by parameter name, without the state."""
        return {name: value for name in _NAMES if name not in {"state", "sort"} and (value := getattr(self, name))}

    def scope(self) -> dict[str, str]:
        """Of these, the ones that choose datasets."""
        return {name: value for name, value in self.active().items() if name in {*OF_DATASET, "dataset", "q"}}

    def query(self, **changes: str) -> str:
        """The address's query with some parameters changed, or removed where they are empty."""
        wanted = self.active()
        if self.state != OPEN:
            wanted["state"] = self.state
        if self.sort != DEFAULT_SORT:
            wanted["sort"] = self.sort
        return _query(wanted | changes)

    def scope_query(self, **changes: str) -> str:
        """The same of the datasets alone."""
        return _query(self.scope() | changes)

    def of_datasets(self) -> Q:
        """What restricts datasets, as a condition on them."""
        wanted = self.named_datasets()
        for name, path in OF_DATASET.items():
            if value := getattr(self, name):
                wanted &= Q(**{path: "" if value == NONE else value})
        return wanted

    def named_datasets(self) -> Q:
        """The restrictions of datasets that no facet makes: one dataset, and the text."""
        wanted = Q(pk=UUID(self.dataset)) if self.dataset else Q()
        for word in self.q.split()[:8]:
            wanted &= Q(instrument_id__icontains=word) | Q(timeframe__icontains=word) | Q(path__icontains=word)
        return wanted

    def of_gaps(self, *, facets: bool = True) -> Q:
        """What restricts gaps themselves; without `facets` only times and the length."""
        wanted = Q()
        if self.start_ns is not None:
            wanted &= Q(end_ns__gte=self.start_ns)
        if self.end_ns is not None:
            wanted &= Q(start_ns__lte=self.end_ns)
        if self.longer_ns is not None:
            wanted &= Q(lost_ns__gte=self.longer_ns)
        if facets:
            for name, path in OF_GAP.items():
                if value := getattr(self, name):
                    wanted &= Q(**{path: value})
            wanted &= STATE.get(self.state, Q())
        return wanted

    def within(self, start_ns: int, end_ns: int) -> Filters:
        """The same, further restricted to a stretch of time (UNIX ns, inclusive)."""
        starts = [start_ns, *([] if self.start_ns is None else [self.start_ns])]
        ends = [end_ns, *([] if self.end_ns is None else [self.end_ns])]
        return replace(self, start_ns=max(starts), end_ns=min(ends))


_NAMES = tuple(f.name for f in fields(Filters) if not f.name.endswith("_ns") and f.name != "problems")


def read_filters(query: Mapping[str, str], moment_ns: Callable[..., int]) -> Filters:
    """Take the filters from an address; values that mean nothing are dropped and named in `problems`.

    `moment_ns(text, end=…)` gives the ns of a UTC time as people write it, or raises ValueError.
    """
    values = {name: query.get(name, "").strip()[:200].replace("\x00", "") for name in _NAMES}
    readers: Mapping[str, tuple[Callable[[str], Any], str]] = {
        "dataset": (UUID, "a dataset's id"),
        "cause": (Gap.Cause, "a cause"),
        "severity": (Gap.Severity, "a severity"),
        "unit": (Gap.Unit, "a unit"),
        "state": (_state, "a state"),
        "sort": (_sort, "a column of the table"),
        "longer": (length_ns, "a length such as 90 s, 5 min, 2 h or 3 d"),
        "day": (_day, "a day such as 2024-01-31"),
        "start": (lambda text: _in_range(moment_ns(text)), "a time in UTC such as 2024-01-31 21:05"),
        "end": (lambda text: _in_range(moment_ns(text, end=True)), "a time in UTC such as 2024-01-31 21:05"),
    }
    numbers: dict[str, Any] = {}
    problems = []
    for name, (read, wanted) in readers.items():
        try:
            found = read(values[name]) if values[name] else None
        except (ValueError, OverflowError):
            problems.append(f"{name}: {values[name]} is not {wanted}; it was left out.")
            values[name] = ""
        else:
            if name in {"longer", "start", "end"} and found is not None:
                numbers[f"{name}_ns"] = found
    given: dict[str, Any] = {name: value for name, value in values.items() if value}
    return Filters(**given, **numbers, problems=tuple(problems))


def length_ns(text: str) -> int:
    """Read a length of time in ns: `90 s`, `5 min`, `2 h`, `3 d`; a bare number is of minutes. Raises ValueError."""
    match = _LENGTH.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f"{text!r} is not a length of time.")
    return int(match[1]) * _SECONDS[match[2] or ""] * 1_000_000_000


def chosen_dataset(filters: Filters) -> Dataset | None:
    """The one dataset that the filters name."""
    return Dataset.objects.select_related("store").filter(pk=filters.dataset).first() if filters.dataset else None


LABELS: Mapping[str, Mapping[str, str]] = {
    "data_type": dict(DataType.choices),
    "cause": dict(Gap.Cause.choices),
    "severity": dict(Gap.Severity.choices),
    "unit": {"bars": "Bars", "seconds": "Trading time", "rows": "Rows"},
}


def _query(wanted: Mapping[str, str]) -> str:
    given = {name: value for name, value in wanted.items() if value}
    return f"?{urlencode(given)}" if given else "?"


def _state(text: str) -> str:
    if text not in {*STATES, ANY}:
        raise ValueError(text)
    return text


def _sort(text: str) -> str:
    if text.removeprefix("-") not in SORTS:
        raise ValueError(text)
    return text


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if not 1700 <= found.year <= 2250:
        raise ValueError(text)
    return found


def _in_range(ns: int) -> int:
    if abs(ns) > MOST_NS:
        raise ValueError("Nanoseconds do not reach that far.")
    return ns
