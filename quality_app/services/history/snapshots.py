"""The history of the whole: what `standing` said, kept hour by hour for three days and day by day for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from catalog_app.services.browse import NONE
from quality_app.models import QualitySnapshot
from quality_app.models.metric import AVERAGED
from quality_app.services import standing
from quality_app.services.standing import Group, Scope

HOURS_KEPT = timedelta(days=3)
_KEYS = ("period", "at", "store", "venue", "data_type", "asset_class")
_SUMS = tuple(f"{name}_{part}" for name in AVERAGED for part in ("sum", "known"))
_FIELDS = ("datasets", "validated", *_SUMS)


def take(now: datetime) -> int:
    """Keep where quality stands, as the present hour and day; return how many rows that are.

    A later look in the same hour and day replaces the earlier one. Hours older than three days go.
    """
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    periods = ((QualitySnapshot.Period.HOUR, hour), (QualitySnapshot.Period.DAY, hour.replace(hour=0)))
    cells = _cells(standing.groups())
    rows = [QualitySnapshot(period=period, at=at, **cell) for period, at in periods for cell in cells]
    with transaction.atomic():
        for period, at in periods:
            QualitySnapshot.objects.filter(period=period, at=at).delete()
        QualitySnapshot.objects.bulk_create(
            rows, batch_size=500, update_conflicts=True, unique_fields=_KEYS, update_fields=_FIELDS
        )
        hours = QualitySnapshot.objects.filter(period=QualitySnapshot.Period.HOUR)
        hours.filter(at__lt=hour - HOURS_KEPT).delete()
    return len(rows)


@dataclass(frozen=True, slots=True)
class Moment:
    """The means of an hour or a day over `datasets`, and over how many of them each score was known."""

    at: datetime
    datasets: int
    means: dict[str, float | None]
    known: dict[str, int]


def history(scope: Scope, start: datetime | None, period: str) -> list[Moment]:
    """The means over the datasets of a scope by hour or day, oldest first, in one query."""
    restriction = {name if name != "store" else "store__name": value for name, value in scope.params().items()}
    wanted = {name: "" if value == NONE else value for name, value in restriction.items()}
    kept = QualitySnapshot.objects.filter(period=period, **wanted)
    if start is not None:
        kept = kept.filter(at__gte=start)
    sums = {f"all_{name}": Sum(name) for name in ("datasets", *_SUMS)}
    return [_moment(row) for row in kept.order_by("at").values("at").annotate(**sums)]


def _moment(row: Mapping[str, Any]) -> Moment:
    known = {name: row[f"all_{name}_known"] for name in AVERAGED}
    means = {name: float(row[f"all_{name}_sum"]) / known[name] if known[name] else None for name in AVERAGED}
    return Moment(row["at"], row["all_datasets"], means, known)


def _cells(of: Iterable[Group]) -> list[dict[str, Any]]:
    cells: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: dict.fromkeys(_FIELDS, 0))
    for group in of:
        cell = cells[group.store_id, group.venue, group.data_type, group.asset_class]
        cell["datasets"] += group.datasets
        cell["validated"] += group.validated
        for name in AVERAGED:
            cell[f"{name}_sum"] += Decimal(str(round(group.sums[name], 4)))
            cell[f"{name}_known"] += group.known[name]
    names = ("store_id", "venue", "data_type", "asset_class")
    return [dict(zip(names, key, strict=True)) | values for key, values in cells.items()]
