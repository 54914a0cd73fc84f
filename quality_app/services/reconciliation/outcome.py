"""Reconciliations: starting them, by hand, by a schedule, by a change; and what they say of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Dataset, Job
from catalog_app.models.job import JobState
from catalog_app.services import changes
from catalog_app.services.errors import ServiceError
from catalog_app.services.jobs import enqueue
from quality_app.models import Reconciliation, ReconciliationShare, Schedule
from quality_app.services.context import data_files, identities
from quality_app.services.schedules import starts

# The name under which the consistency score lists it.
PSEUDO_CHECK: Final = "reconcile.price"
# The share of contradicted points at which a source is worthless.
LIMIT: Final = Fraction(1, 20)
# Shares that are looked at, newest first: enough to see every reconciliation that a dataset is in.
_RECENT = 200


@transaction.atomic
def request_run(
    reconciliation: Reconciliation, user: User | None, start_ns: int | None = None, end_ns: int | None = None
) -> Job:
    """Enqueue a run over all rows, or those from start to end (ns UTC); return the same one where it is under way."""
    parameters: dict[str, Any] = {"reconciliationId": reconciliation.pk}
    parameters |= {name: value for name, value in (("startNs", start_ns), ("endNs", end_ns)) if value is not None}
    under_way = Job.objects.filter(
        kind="reconcile", parameters=parameters, state__in=(JobState.QUEUED, JobState.RUNNING)
    ).first()
    job = under_way or enqueue("reconcile", parameters, title=f"Reconcile {reconciliation.name}", user=user)
    Reconciliation.objects.filter(pk=reconciliation.pk).update(last_job=job)
    return job


@starts("reconcile")
def start_scheduled(schedule: Schedule) -> Job | None:
    """Start the reconciliation `reconciliationId` of a schedule's scope; None while it is switched off."""
    found = Reconciliation.objects.filter(pk=schedule.scope.get("reconciliationId")).first()
    if found is None:
        raise ServiceError("The reconciliation of this schedule was deleted. Choose another, or delete the schedule.")
    return request_run(found, None) if found.enabled else None


@changes.follow
def run_changed(datasets: Sequence[UUID], user: User | None) -> None:
    """Start the reconciliations that want to follow changes of their sources."""
    followers = Reconciliation.objects.filter(on_change=True, enabled=True, sources__dataset__in=datasets)
    for reconciliation in followers.distinct():
        request_run(reconciliation, user)


def consistency_of(dataset: Dataset) -> tuple[int, int, Fraction] | None:
    """Return how a dataset fares against other sources: contradicted points, matched points, the limit.

    Of each reconciliation that counts in scores the latest run is taken, of these the worst. None where there is none,
    or where files that it read have changed since; files that came since do not matter.
    """
    shares = ReconciliationShare.objects.filter(dataset=dataset, run__reconciliation__counts_in_score=True)
    newest = shares.select_related("run").defer("run__pairs", "run__series", "run__votes", "run__sources")
    latest: dict[int, ReconciliationShare] = {}
    for share in newest.order_by("-run__finished_at")[:_RECENT]:
        latest.setdefault(share.run.reconciliation_id, share)
    if not latest:
        return None
    now = {_identity(file) for file in identities(data_files(dataset))}
    valid = [
        share
        for share in latest.values()
        if {_identity(file) for file in share.run.files.get(str(dataset.pk), [])} <= now
    ]
    worst = max(valid, key=lambda share: Fraction(share.violations, share.rows), default=None)
    return None if worst is None else (worst.violations, worst.rows, LIMIT)


def cross_validation(dataset: Dataset) -> list[dict[str, Any]]:
    """Return a dataset's latest comparisons with each other source, for an integrity report.

    `discrepancy` is the share of matched points beyond the limit; None where nothing matched.
    """
    found = []
    shares = ReconciliationShare.objects.filter(dataset=dataset).select_related("run__reconciliation")
    seen: set[int] = set()
    for share in shares.order_by("-run__finished_at")[:_RECENT]:
        if share.run.reconciliation_id in seen:
            continue
        seen.add(share.run.reconciliation_id)
        labels = share.run.sources
        own = {at for at, source in enumerate(labels) if source["datasetId"] == str(dataset.pk)}
        for pair in share.run.pairs:
            ends = {pair["left"], pair["right"]}
            for other in ends - own if ends & own else ():
                beyond = pair["beyond"] / pair["matched"] if pair["matched"] else None
                found.append(
                    {
                        "reconciliation": share.run.reconciliation.name,
                        "source": labels[other]["label"],
                        "sourceId": labels[other]["datasetId"],
                        "matched": pair["matched"],
                        "matchedShare": pair["share"],
                        "discrepancy": beyond,
                        "at": share.run.finished_at,
                    }
                )
    return found


def _identity(file: dict[str, Any]) -> tuple[Any, ...]:
    return file["path"], file["size"], file["mtimeNs"]
