"""Datasets, gaps and months without files, for tests of pages and lists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from catalog_app.models import Dataset, Store
from quality_app.models import Gap, MonthCompleteness

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ns(text: str) -> int:
    """A UTC time such as 2024-01-08 10:00 as UNIX ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def make_dataset(instrument: str = "BTCUSDT.BINANCE", data_type: str = "bar", **given: Any) -> Dataset:
    """A dataset from 2023-12-01 to 2024-03-01."""
    store, _ = Store.objects.get_or_create(name="gapped", defaults={"root": "/nowhere/gapped"})
    start, end = ns("2023-12-01"), ns("2024-03-01")
    given = {
        "venue": instrument.rpartition(".")[2],
        "timeframe": "1-MINUTE-LAST" if data_type == "bar" else "",
        "path": f"data/{data_type}/{instrument}",
        "start_ns": start,
        "end_ns": end,
        "start_date": _EPOCH + timedelta(microseconds=start // 1000),
        "end_date": _EPOCH + timedelta(microseconds=end // 1000),
    } | given
    return Dataset.objects.create(store=store, instrument_id=instrument, data_type=data_type, **given)


def make_gap(dataset: Dataset, start: str, minutes: int = 10, **given: Any) -> Gap:
    """A gap of so many minutes; of bars unless the dataset has others."""
    first = ns(start)
    last = first + minutes * 60 * SECOND
    is_bar = dataset.data_type == "bar"
    given = {
        "unit": "bars" if is_bar else "seconds",
        "missing": minutes if is_bar else minutes * 60,
        "lost_ns": minutes * 60 * SECOND,
        "cause": "unexplained",
        "severity": "medium",
    } | given
    return Gap.objects.create(
        dataset=dataset,
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        timeframe=dataset.timeframe,
        start_ns=first,
        end_ns=last,
        gap_start=_EPOCH + timedelta(microseconds=first // 1000),
        gap_end=_EPOCH + timedelta(microseconds=last // 1000),
        **given,
    )


def make_month(dataset: Dataset, month: str, days: dict[int, tuple[int, int, int]]) -> MonthCompleteness:
    """A month of {day: (expected, missing, explained)}."""
    expected, missing, explained = (sum(day[at] for day in days.values()) for at in range(3))
    return MonthCompleteness.objects.create(
        dataset=dataset,
        month=date.fromisoformat(f"{month}-01"),
        expected=expected,
        missing=missing,
        explained=explained,
        days={str(number): list(day) for number, day in days.items()},
    )
