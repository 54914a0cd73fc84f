"""How declarations of wanted data stand: what they find, how much of it is there, how old its last row is."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from django.db import models
from django.db.models import CharField, F, FloatField, QuerySet
from django.db.models.functions import Cast

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from quality_app.calendars import SessionCalendar
from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.wanted import MONTHS, PAIRS, SECOND_NS, Wish, ages, covered, end_of, moment_before
from quality_app.models import MonthCompleteness, WantedData
from quality_app.services.calendars import Calendars, life_of
from quality_app.services.context import interval_of
from quality_app.services.wanted import Target, datasets_for, hours_of, is_meant, target_of, wish_of

_MINUTE_NS: Final = 60 * SECOND_NS
# How far from a wanted end the first or last row may lie: rows of these kinds do not come every moment.
_OFTEN: Final = frozenset({DataType.QUOTE, DataType.DELTA, DataType.DEPTH10})
_SLACK_NS: Final = (2 * _MINUTE_NS, 60 * _MINUTE_NS)


class State(models.TextChoices):
    """How a declaration stands, the worst first."""

    MISSING = "missing", "Missing"
    OVERDUE = "overdue", "Overdue"
    PARTIAL = "partial", "Partly there"
    UNKNOWN = "unknown", "Unknown"
    PENDING = "pending", "Not due yet"
    MET = "met", "Complete"
    PAUSED = "paused", "Paused"


@dataclass(slots=True)
class Status:
    """A declaration and what it finds; shares and ages are None where they are not known.

    Attributes:
        wanted: The declaration.
        state: How it stands.
        datasets: What it means, the one that covers most first.
        until_ns: Up to when data is wanted now, UNIX ns.
        share: Of the wanted trading time, what is there, from 0 to 1.
        age_ns: Trading time since the last row, where data is wanted until now.
        since_ns: Since when it is missing or overdue, UNIX ns.
        is_scanned: Whether holes inside count; else only first and last row do.
        knows_hours: Whether the trading hours are known; else closed hours count too.

    """

    wanted: WantedData
    state: State
    datasets: list[Dataset] = field(default_factory=list)
    until_ns: int | None = None
    share: float | None = None
    age_ns: int | None = None
    since_ns: int | None = None
    is_scanned: bool = False
    knows_hours: bool = True


@dataclass(frozen=True, slots=True)
class _Pair:
    """A declaration (by its place) and a dataset with rows that it means."""

    at: int
    dataset: Dataset
    wish: Wish
    until_ns: int
    now_ns: int


def statuses(declared: QuerySet[WantedData], now_ns: int | None = None) -> list[Status]:
    """Return how declarations stand, in their order, in four queries."""
    now = time.time_ns() if now_ns is None else now_ns
    rows = list(declared.select_related("store"))
    by_target: dict[Target, list[Dataset]] = defaultdict(list)
    for dataset in datasets_for(declared).defer("metadata", "definition__definition"):
        by_target[target_of(dataset)].append(dataset)
    found = []
    for row in rows:
        alike = by_target.get((row.instrument_id, row.data_type, row.timeframe), ())
        found.append(_without_rows(row, [dataset for dataset in alike if is_meant(row, dataset)], now))
    losses = _losses(declared)
    for calendar, pairs, hours in _by_hours(found, now):
        _judge(found, pairs, hours, losses)
        for pair in pairs:
            found[pair.at].knows_hours = not calendar.learned
    return found


def _without_rows(row: WantedData, datasets: list[Dataset], now_ns: int) -> Status:
    """What is known before any hours are looked at."""
    if not row.is_active:
        return Status(row, State.PAUSED, datasets)
    if row.start_ns > now_ns:
        return Status(row, State.PENDING, datasets)
    until = min(row.end_ns or now_ns, now_ns)
    since = max(row.start_ns, int(row.created_at.timestamp()) * SECOND_NS)
    if not datasets:
        return Status(row, State.MISSING, [], until, share=0.0, since_ns=since)
    return Status(row, State.UNKNOWN, datasets, until, since_ns=since)


def _by_hours(found: list[Status], now_ns: int) -> list[tuple[SessionCalendar, list[_Pair], TradingTime]]:
    """The pairs that are to be judged, by their trading hours; a contract's ends bound what is wanted."""
    calendars = Calendars.load()
    groups: dict[str, tuple[SessionCalendar, list[tuple[int, Dataset, Wish]]]] = {}
    for at, status in enumerate(found):
        for dataset in status.datasets if status.state == State.UNKNOWN else ():
            if dataset.start_ns is not None and dataset.end_ns is not None:
                calendar = calendars.of(dataset)
                _, held = groups.setdefault(calendar.digest, (calendar, []))
                held.append((at, dataset, wish_of(status.wanted, dataset)))
    judged = []
    for calendar, held in groups.values():
        earliest = min(min(wish.start_ns, dataset.end_ns or 0) for _, dataset, wish in held)
        hours = hours_of(calendar, earliest, now_ns)
        pairs = []
        for at, dataset, wish in held:
            now = min(now_ns, life_of(dataset)[1] or now_ns)
            until = end_of(wish, hours, now)
            if until is None:
                found[at].state = State.PENDING
            else:
                pairs.append(_Pair(at, dataset, wish, until, now))
        judged.append((calendar, pairs, hours))
    return judged


def _judge(found: list[Status], pairs: list[_Pair], hours: TradingTime, losses: pl.DataFrame) -> None:
    """Fill in share, age and state; of several datasets the one that covers most counts."""
    if not pairs:
        return
    ends = [(pair.dataset.start_ns or 0, pair.dataset.end_ns or 0, _slack(pair.dataset)) for pair in pairs]
    frame = pl.DataFrame(
        {
            "start_ns": [pair.wish.start_ns for pair in pairs],
            "end_ns": [pair.until_ns for pair in pairs],
            "first_ns": [first - slack for first, _, slack in ends],
            "last_ns": [last + slack for _, last, slack in ends],
        },
        schema=PAIRS,
    )
    keys = pl.DataFrame({"dataset": [pair.dataset.pk.hex for pair in pairs]}, schema={"dataset": pl.String})
    months = keys.with_row_index("pair").with_columns(pl.col("pair").cast(pl.Int64)).join(losses, on="dataset")
    there, wanted = covered(frame, months.select(*MONTHS), hours)
    last = np.array([last for _, last, _ in ends], np.int64)
    best: dict[int, int] = {}
    for place, pair in enumerate(pairs):
        if pair.at not in best or (there[place], last[place]) > (there[best[pair.at]], last[best[pair.at]]):
            best[pair.at] = place
    age = ages(hours, last, np.array([pair.now_ns for pair in pairs], np.int64))
    for at, place in best.items():
        _fill(found[at], pairs[place], (int(there[place]), int(wanted[place])), int(age[place]), hours)


def _fill(status: Status, pair: _Pair, time_ns: tuple[int, int], age_ns: int, hours: TradingTime) -> None:
    there, wanted = time_ns
    status.datasets.sort(key=lambda dataset: dataset.pk != pair.dataset.pk)
    status.until_ns, status.is_scanned = pair.until_ns, pair.dataset.last_scanned is not None
    status.share = there / wanted if wanted else None
    limit = pair.wish.max_age_ns
    if pair.wish.end_ns is None:
        status.age_ns = age_ns
    if not wanted:
        status.state, status.since_ns = State.PENDING, None
    elif not there:
        status.state = State.MISSING
    elif pair.wish.end_ns is None and limit is not None and age_ns > limit:
        status.state = State.OVERDUE
        status.since_ns = moment_before(hours, pair.dataset.end_ns or 0, -limit)
    else:
        status.state = State.MET if there == wanted else State.PARTIAL
        status.since_ns = None


def _slack(dataset: Dataset) -> int:
    often, seldom = _SLACK_NS
    return interval_of(dataset) or (often if dataset.data_type in _OFTEN else seldom)


def _losses(declared: QuerySet[WantedData]) -> pl.DataFrame:
    """The scanned months in which something is missing that nothing explains, of all datasets that are meant."""
    months = MonthCompleteness.objects.filter(dataset__in=datasets_for(declared).values("pk"), expected__gt=0)
    lossy = months.filter(missing__gt=F("explained")).order_by()
    lost = (F("expected") - F("missing") + F("explained")) * 1.0 / F("expected")
    rows = lossy.annotate(key=Cast("dataset_id", CharField()), share=Cast(lost, FloatField()))
    columns = list(zip(*rows.values_list("key", "month", "share").iterator(chunk_size=5000), strict=True))
    schema = {"dataset": pl.String, "month": pl.Date, "share": pl.Float64}
    found = pl.DataFrame(dict(zip(schema, columns or ((), (), ()), strict=True)), schema=schema)
    start, following = (
        pl.col("month").cast(pl.Datetime("ns")),
        pl.col("month").dt.offset_by("1mo").cast(pl.Datetime("ns")),
    )
    return found.select(
        pl.col("dataset").str.replace_all("-", "", literal=True),
        start.cast(pl.Int64).alias("month_ns"),
        following.cast(pl.Int64).alias("next_ns"),
        "share",
    )
