"""Wanted data: which datasets a declaration means, and up to when data is wanted of a dataset.

Everything here costs a few queries, however many datasets and declarations there are.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType, IndexState
from quality_app.calendars import SessionCalendar
from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.wanted import SECOND_NS, Wish, union
from quality_app.models import WantedData
from quality_app.services.calendars import Calendars, life_of
from quality_app.services.requests import request_many
from quality_app.sessions import DAY_NS, sessions

# What a declaration is matched by: instrument as in paths, data type, timeframe.
type Target = tuple[str, str, str]

# Custom data has no name of its own by which it could be wanted.
WANTED_TYPES: Final = tuple((value, str(label)) for value, label in DataType.choices if value != DataType.CUSTOM)
# Declarations that are asked for by their instruments; of more datasets all declarations are read.
_FEW: Final = 500


class Wanted:
    """The ranges that active declarations want of some datasets, in two queries."""

    def __init__(self, datasets: Sequence[Dataset], now_ns: int | None = None) -> None:
        self._now_ns = time.time_ns() if now_ns is None else now_ns
        rows = WantedData.objects.filter(is_active=True)
        if len(datasets) <= _FEW:
            rows = rows.filter(instrument_id__in={path_id(dataset.instrument_id) for dataset in datasets})
        self._rows: dict[Target, list[WantedData]] = defaultdict(list)
        for row in rows:
            self._rows[row.instrument_id, row.data_type, row.timeframe].append(row)
        self._calendars = Calendars.load()
        self._hours: dict[tuple[str, int], TradingTime] = {}

    def range_of(self, dataset: Dataset) -> tuple[int | None, int | None]:
        """Return the union of what is wanted of a dataset (UNIX ns, inclusive); (None, None) where nothing is.

        "Until now" ends with the trading time that lies the maximum age back, rounded down to the hour; the life of
        a contract bounds it.
        """
        wishes = [wish_of(row, dataset) for row in self._rows.get(target_of(dataset), ()) if is_meant(row, dataset)]
        if not wishes:
            return None, None
        until = min(self._now_ns, life_of(dataset)[1] or self._now_ns)
        return union(wishes, self._hours_since(dataset, min(wish.start_ns for wish in wishes)), until)

    def _hours_since(self, dataset: Dataset, start_ns: int) -> TradingTime:
        """The trading hours of a dataset from before a time until now; many datasets share them."""
        calendar, since = self._calendars.of(dataset), start_ns - start_ns % (365 * DAY_NS)
        key = (calendar.digest, since)
        if key not in self._hours:
            self._hours[key] = hours_of(calendar, since, self._now_ns)
        return self._hours[key]


def wanted_range(dataset: Dataset) -> tuple[int | None, int | None]:
    """Return the range that declarations want of one dataset; see `Wanted.range_of`."""
    return Wanted([dataset]).range_of(dataset)


def path_id(instrument_id: str) -> str:
    """Return an instrument's id as paths have it, and as declarations keep it: EURUSD.SIM."""
    return instrument_id.replace("/", "")


def target_of(dataset: Dataset) -> Target:
    """Return what declarations of a dataset have."""
    return path_id(dataset.instrument_id), dataset.data_type, dataset.timeframe


def is_meant(row: WantedData, dataset: Dataset) -> bool:
    """Whether a declaration with a dataset's target means its store too."""
    return row.store_id is None or row.store_id == dataset.store_id


def wish_of(row: WantedData, dataset: Dataset | None = None) -> Wish:
    """Return a declaration's range, within the life of the dataset's contract where that is known."""
    begins = life_of(dataset)[0] if dataset else None
    start = max(row.start_ns, begins or 0)
    return Wish(start, row.end_ns, None if row.max_age_seconds is None else row.max_age_seconds * SECOND_NS)


def hours_of(calendar: SessionCalendar, start_ns: int, end_ns: int) -> TradingTime:
    """Return the trading hours of a range; all of it where hours would have to be learned from the data."""
    if calendar.learned:
        return TradingTime(pl.DataFrame({"open_ns": [start_ns - DAY_NS], "close_ns": [max(start_ns, end_ns) + DAY_NS]}))
    return TradingTime(sessions(calendar, start_ns - DAY_NS, max(start_ns, end_ns) + DAY_NS))


def datasets_for(declared: QuerySet[WantedData]) -> QuerySet[Dataset]:
    """Return the datasets of the instruments that declarations name, with store and definition."""
    keyed = Dataset.objects.annotate(key=Replace(F("instrument_id"), Value("/"), Value("")))
    named = keyed.filter(key__in=declared.order_by().values("instrument_id"))
    return named.exclude(state=IndexState.UNSUPPORTED).select_related("store", "definition")


@transaction.atomic
def declare(rows: Sequence[WantedData], user: User | None) -> None:
    """Keep new declarations, which are valid, and have the datasets that they mean scanned anew."""
    for row in rows:
        row.created_by = user
    WantedData.objects.bulk_create(rows, batch_size=500)
    rescan(rows, user)


@transaction.atomic
def change(row: WantedData, user: User | None) -> None:
    """Keep a changed declaration, which is valid; what it meant before and what it means now is scanned anew."""
    before = WantedData.objects.select_for_update().get(pk=row.pk)
    row.save()
    rescan([before, row], user)


@transaction.atomic
def remove(row: WantedData, user: User | None) -> None:
    """Remove a declaration; no market data is touched."""
    WantedData.objects.filter(pk=row.pk).delete()
    rescan([row], user)


def rescan(rows: Iterable[WantedData], user: User | None) -> None:
    """Have those datasets scanned anew that declarations mean and that were scanned before."""
    by_target: dict[Target, list[WantedData]] = defaultdict(list)
    for row in rows:
        by_target[row.instrument_id, row.data_type, row.timeframe].append(row)
    keyed = Dataset.objects.annotate(key=Replace(F("instrument_id"), Value("/"), Value("")))
    scanned = keyed.filter(last_scanned__isnull=False, data_type__in={data_type for _, data_type, _ in by_target})
    if len(by_target) <= _FEW:
        scanned = scanned.filter(key__in={instrument for instrument, _, _ in by_target})
    found = [
        dataset
        for dataset in scanned.only("pk", "store_id", "instrument_id", "data_type", "timeframe")
        if any(is_meant(row, dataset) for row in by_target.get(target_of(dataset), ()))
    ]
    if found:
        text = (
            f"Scan gaps of {found[0]}" if len(found) == 1 else f"Scan gaps of {len(found):,} datasets wanted otherwise"
        )
        request_many("scan_gaps", sorted(dataset.pk for dataset in found), text, user)
