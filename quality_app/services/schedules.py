"""Schedules: what the desk starts by itself. Each due run starts once, however many ticks come; missed ones once.

A kind of work registers with `@starts`; its module must be imported at start-up (`apps.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace
from django.utils import timezone

from catalog_app.models import Dataset, Job
from catalog_app.models.dataset import IndexState
from catalog_app.services.errors import ServiceError
from quality_app.gaps.found import SCANNED
from quality_app.models import Schedule
from quality_app.services.requests import request_many

logger = logging.getLogger(__name__)

type Start = Callable[[Schedule], Job | None]

_starts: dict[str, Start] = {}
_COLUMNS = {"storeId": "store_id", "venue": "venue", "assetClass": "definition__asset_class"}


def starts(kind: str) -> Callable[[Start], Start]:
    """Register the decorated function as the one that starts schedules of a kind; it returns the job, or None.

    It may raise ServiceError to say why nothing was started.
    """

    def register(function: Start) -> Start:
        _starts[kind] = function
        return function

    return register


def save_schedule(schedule: Schedule) -> None:
    """Save a schedule; its next run is counted from now when its times were changed or it was switched on.

    Raises:
        ValidationError: it has no rhythm or two, or another schedule has its name.

    """
    schedule.full_clean()
    before = Schedule.objects.filter(pk=schedule.pk).first()
    if not schedule.enabled:
        schedule.next_run_at = None
    elif before is None or before.next_run_at is None or before.cadence != schedule.cadence:
        schedule.next_run_at = schedule.cadence.next_after(timezone.now())
    schedule.save()


@transaction.atomic
def run_due(now: datetime) -> list[Job]:
    """Start what is due at a time; return the jobs. Only rows are written, so the transaction is short."""
    jobs = []
    for schedule in Schedule.objects.filter(enabled=True, next_run_at__lte=now).order_by("next_run_at", "pk"):
        claim = Schedule.objects.filter(pk=schedule.pk, enabled=True, next_run_at=schedule.next_run_at)
        # From now on, not from the due time: what was missed is run once. A second tick finds the row changed.
        if claim.update(next_run_at=schedule.cadence.next_after(now), last_run_at=now):
            job = _start(schedule)
            jobs += [job] if job else []
    return jobs


@transaction.atomic
def run_now(schedule: Schedule) -> Job | None:
    """Start a schedule's work at once, and leave its times alone; None when there was nothing to start."""
    row = Schedule.objects.select_for_update().get(pk=schedule.pk)
    Schedule.objects.filter(pk=row.pk).update(last_run_at=timezone.now())
    job = _start(row)
    schedule.refresh_from_db()
    return job


def dataset_ids(scope: Mapping[str, Any]) -> list[UUID]:
    """Return the datasets that a scope holds now: all that can be checked, narrowed by each key that is given."""
    return list(_in_scope(scope).order_by("venue", "instrument_id", "pk").values_list("pk", flat=True))


def holds(schedule: Schedule, dataset: Dataset) -> bool:
    """Whether a schedule's work is about a dataset."""
    if schedule.kind == Schedule.Kind.RECONCILE:
        return dataset.reconciled_in.filter(reconciliation=schedule.scope.get("reconciliationId")).exists()
    return _in_scope(schedule.scope).filter(pk=dataset.pk).exists()


def _in_scope(scope: Mapping[str, Any]) -> QuerySet[Dataset]:
    rows = Dataset.objects.exclude(state=IndexState.UNSUPPORTED)
    rows = rows.filter(**{column: scope[name] for name, column in _COLUMNS.items() if scope.get(name)})
    if scope.get("instrumentId"):
        rows = rows.annotate(key=Replace(F("instrument_id"), Value("/"), Value("")))
        rows = rows.filter(key=scope["instrumentId"].replace("/", ""))
    if scope.get("dataTypes"):
        rows = rows.filter(data_type__in=scope["dataTypes"])
    return rows.filter(pk__in=scope["datasetIds"]) if scope.get("datasetIds") else rows


def _start(schedule: Schedule) -> Job | None:
    """Start the work; what goes wrong is noted, and stops no other schedule."""
    job, note = None, ""
    start = _starts.get(schedule.kind)
    try:
        if start is None:
            note = f"Nothing starts schedules of kind {schedule.kind}."
        elif schedule.last_job is not None and not schedule.last_job.is_finished:
            note = "Left out: the job of the run before has not finished."
        else:
            with transaction.atomic():
                job = start(schedule)
            note = "" if job else "There was nothing to do."
    except ServiceError as refusal:
        note = str(refusal)
    except Exception as error:  # a broken kind must not hold up the others
        logger.exception("Schedule %s failed to start", schedule.pk)
        note = f"It could not be started: {error}"
    changes = {"last_note": note, **({"last_job": job} if job else {})}
    Schedule.objects.filter(pk=schedule.pk).update(**changes)
    return job


@starts("validate")
def _validate(schedule: Schedule) -> Job | None:
    return _request(schedule, dataset_ids(schedule.scope))


@starts("scan_gaps")
def _scan_gaps(schedule: Schedule) -> Job | None:
    wanted = Dataset.objects.filter(data_type__in=SCANNED, state=IndexState.OK).values_list("pk", flat=True)
    scannable = set(wanted)
    return _request(schedule, [key for key in dataset_ids(schedule.scope) if key in scannable])


def _request(schedule: Schedule, keys: list[UUID]) -> Job | None:
    title = f"{schedule.name}: {len(keys):,} dataset{'' if len(keys) == 1 else 's'}"
    return request_many(schedule.kind, keys, title, None) if keys else None
