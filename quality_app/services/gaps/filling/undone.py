"""Follows what becomes of fills: an operation that is undone opens its gaps again, one that is redone closes them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from catalog_app.models import StoreOperation
from catalog_app.services import changes
from quality_app.models import GapFill


@changes.follow
def note_undone(datasets: Sequence[UUID], user: User | None) -> None:
    """Bring the fills of changed datasets in line with their operations; their gaps are scanned after every change."""
    fills = GapFill.objects.filter(dataset__in=datasets, operation_id__isnull=False)
    times = dict(
        StoreOperation.objects.filter(pk__in=fills.values("operation_id")).values_list("operation_id", "undone_at")
    )
    for fill in fills:
        undone_at = times.get(fill.operation_id) if fill.operation_id else None
        if undone_at == fill.undone_at:
            continue
        fill.undone_at = undone_at
        fill.save(update_fields=("undone_at",))
