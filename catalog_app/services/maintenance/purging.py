"""Emptying a store's trash: by age, as retention does every day, or operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from catalog_app.models import Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import operations
from catalog_app.services.errors import ServiceError
from catalog_app.services.jobs import Progress, enqueue
from catalog_app.services.maintenance.access import refuse_read_only, store_of, writable
from catalog_app.store.commit.recovery import recover
from catalog_app.store.commit.retention import purge

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PurgeRefused(ServiceError):
    """The trash cannot be purged as asked; the text says why."""


def request_purge(
    store: Store,
    user: User | None,
    *,
    older_than_days: int | None = None,
    operation_ids: Sequence[UUID] | None = None,
    idempotency_key: str | None = None,
) -> Job:
    """Queue the job that deletes what operations replaced, for good: give an age, or the operations.

    Raises:
        PurgeRefused: neither or both are given, or nothing of that age or name is in the trash.
        Conflict: the store is read-only.

    """
    refuse_read_only(store)
    if (older_than_days is None) == (operation_ids is None):
        raise PurgeRefused("Give an age in days, or operations.")
    parameters: dict[str, Any] = {"storeId": store.pk}
    if operation_ids is None:
        parameters["olderThanDays"] = older_than_days
        what = f"what is older than {older_than_days} days"
    else:
        parameters["operationIds"] = sorted(str(one) for one in operation_ids)
        what = f"{len(operation_ids):,} operations"
    if not idempotency_key and not _in_trash(store, parameters).exists():
        raise PurgeRefused(f"Nothing like that is in the trash of {store}.")
    return enqueue(
        "purge", parameters, title=f"Purge trash of {store}: {what}", user=user, idempotency_key=idempotency_key
    )


def run_purge(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete the trash of operations, and note who did; what is gone already is no news.

    Raises:
        JobFailed, StoreError: the store is gone, read-only, or refuses.

    """
    store = store_of(parameters["storeId"])
    root = writable(store, progress.claim, "purge of the trash")
    recover(root)
    operations.adopt(store)
    known = set(store.operations.values_list("pk", flat=True))
    progress.stage("Deleting from the trash")
    progress.check()
    if "operationIds" in parameters:
        purged = purge(root, operation_ids=parameters["operationIds"])
    else:
        before = timezone.now() - timedelta(days=parameters["olderThanDays"])
        # The journal says how old its operations are, whatever clocks did.
        purged = purge(root, older_than_ns=(before - EPOCH) // timedelta(microseconds=1) * 1000)
    operations.adopt(store)
    ours = store.operations.filter(kind="purge", job=None).exclude(pk__in=known)
    ours.update(job_id=progress.job_id, user=progress.user, parameters=parameters)
    return {"operations": len(purged.operations), "files": purged.files, "bytes": purged.bytes}


def purge_expired() -> int:
    """Queue a purge for each store that holds trash older than the retention; return how many."""
    days = settings.TRASH_RETENTION_DAYS
    if not days:
        return 0
    queued = 0
    for store in Store.objects.filter(read_only=False):
        parameters = {"storeId": store.pk, "olderThanDays": days}
        waiting = Job.objects.filter(kind="purge", parameters=parameters, state__in=(JobState.QUEUED, JobState.RUNNING))
        if _in_trash(store, parameters).exists() and not waiting.exists():
            request_purge(store, None, older_than_days=days)
            queued += 1
    return queued


def _in_trash(store: Store, parameters: dict[str, Any]) -> QuerySet[StoreOperation]:
    """The operations that a purge means, of those whose files are in the trash."""
    kept = store.operations.filter(purged_at=None, file_count_before__gt=0)
    if "operationIds" in parameters:
        return kept.filter(pk__in=parameters["operationIds"])
    return kept.filter(created_at__lt=timezone.now() - timedelta(days=parameters["olderThanDays"]))
