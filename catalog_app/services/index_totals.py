"""What files add up to for their datasets: range, rows, sizes, dialect, precision, state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, Max, Min, Q, Sum, When
from django.utils import timezone

from catalog_app.models import DataFile, Dataset, Store
from catalog_app.models.dataset import MIXED, IndexState
from catalog_app.services import bulk
from catalog_app.store.layout import locate

_CHUNK = 2000
_TOTAL_FIELDS = (
    "record_count", "size_bytes", "file_count", "listed_count", "start_ns", "end_ns", "dialect", "price_precision",
    "size_precision", "state", "problem",
)  # fmt: skip
_WRITTEN = (*_TOTAL_FIELDS, "start_date", "end_date", "indexed_at")


def refresh_datasets(store: Store, keys: Iterable[UUID]) -> None:
    """Recompute datasets from their files; those without any are removed. Call it within `writing_index`."""
    for chunk in batched(keys, _CHUNK):
        totals = {key: _totals(row) for key, row in _sums(chunk)}
        known = Dataset.objects.filter(store=store, pk__in=chunk).values_list("pk", "path", "timeframe", *_TOTAL_FIELDS)
        empty, rows, now = [], [], timezone.now()
        for key, path, timeframe, *facts in known:
            if key not in totals:
                empty.append(key)
                continue
            found = {**totals[key], "problem": "; ".join([*_nameless_bars(path, timeframe), *totals[key]["problem"]])}
            if list(found.values()) != facts:
                rows.append((*found.values(), moment(found["start_ns"]), moment(found["end_ns"]), now, key))
        Dataset.objects.filter(pk__in=empty).delete()
        bulk.update(Dataset, _WRITTEN, rows)


def moment(ns: int | None) -> datetime | None:
    """UTC to the microsecond; exact nanoseconds stand beside it."""
    if ns is None:
        return None
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1000 % 1_000_000)


def _sums(keys: Iterable[UUID]) -> Iterator[tuple[UUID, Mapping[str, Any]]]:
    listed = Q(state=IndexState.LISTED)
    # Where a file was not read yet, its name stands in for its rows.
    start, end = (Case(When(listed, then=F(f"name_{side}_ns")), default=F(f"{side}_ns")) for side in ("start", "end"))
    known_dialect = ~Q(dialect="")
    rows = DataFile.objects.filter(dataset__in=keys, role=DataFile.Role.DATA).order_by().values("dataset").annotate(
        files=Count("pk"), records=Sum("rows"), bytes=Sum("size_bytes"), first=Min(start), last=Max(end),
        listed=Count("pk", filter=listed),
        unreadable=Count("pk", filter=Q(state=IndexState.UNREADABLE)),
        unsupported=Count("pk", filter=Q(state=IndexState.UNSUPPORTED)),
        dialects=Count("dialect", filter=known_dialect, distinct=True), dialect=Max("dialect", filter=known_dialect),
        least_price=Min("price_precision"), most_price=Max("price_precision"),
        least_size=Min("size_precision"), most_size=Max("size_precision"),
    )  # fmt: skip
    for row in rows:
        yield row["dataset"], row


def _totals(row: Mapping[str, Any]) -> dict[str, Any]:
    """What _TOTAL_FIELDS should be, in their order; problems one by one."""
    dialect = MIXED if row["dialects"] > 1 else row["dialect"] or ""
    values = (
        row["records"], row["bytes"] or 0, row["files"], row["listed"], row["first"], row["last"], dialect,
        row["most_price"], row["most_size"], _state(row).value, list(_problems(row)),
    )  # fmt: skip
    return dict(zip(_TOTAL_FIELDS, values, strict=True))


def _state(row: Mapping[str, Any]) -> IndexState:
    files, listed, broken, unsupported = (row[name] for name in ("files", "listed", "unreadable", "unsupported"))
    if listed + broken + unsupported < files:
        return IndexState.OK
    if listed:
        return IndexState.LISTED
    return IndexState.UNREADABLE if broken == files else IndexState.UNSUPPORTED


def _problems(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the files of a dataset as a whole."""
    files = row["files"]
    if row["unreadable"]:
        yield f"{row['unreadable']} of {files} files cannot be read"
    if row["unsupported"]:
        yield f"{row['unsupported']} of {files} files cannot be interpreted"
    if row["dialects"] > 1:
        yield f"its files are in {row['dialects']} dialects, which no version of NautilusTrader reads together"
    for name in ("price", "size"):
        least, most = row[f"least_{name}"], row[f"most_{name}"]
        if least != most:
            yield f"its files declare {name} precisions from {least} to {most}, and an instrument has just one"


def _nameless_bars(path: str, timeframe: str) -> Iterator[str]:
    """Why bars have no timeframe, where they have none."""
    located = locate(f"{path}/bars.parquet")
    if located.data_type == "bar" and not timeframe:
        yield f"{located.identifier} is no bar type such as EURUSD.SIM-1-MINUTE-BID-EXTERNAL"
