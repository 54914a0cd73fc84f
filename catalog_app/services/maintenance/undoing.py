"""Taking an operation back, as a job."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from catalog_app.models import Job, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import leases, operations
from catalog_app.services.errors import Conflict, JobFailed
from catalog_app.services.jobs import Progress, enqueue
from catalog_app.services.maintenance.access import exclusive, refresh_index, store_of
from catalog_app.store.commit import journal, recovery
from catalog_app.store.commit.moves import Committed, committed_of


def request_undo(operation: StoreOperation, user: User | None, *, idempotency_key: str | None = None) -> Job:
    """Queue the job that takes an operation back, or return the one that is on its way.

    Raises:
        Conflict: when it cannot be undone; the text says why.

    """
    parameters = {"operationId": str(operation.pk)}
    on_its_way = Job.objects.filter(
        kind="undo", parameters=parameters, state__in=(JobState.QUEUED, JobState.RUNNING)
    ).first()
    if on_its_way is not None and not idempotency_key:  # a key asks for a job of its own
        return on_its_way
    if reason := operations.hindrance(operation):
        raise Conflict(reason)
    return enqueue("undo", parameters, title=f"Undo {operation}", user=user, idempotency_key=idempotency_key)


def run_undo(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take an operation back, and note who did.

    An attempt whose predecessor was killed after the commit finds that commit in the journal.

    Raises:
        JobFailed, StoreError: with nothing changed, when it cannot be undone.

    """
    operation = StoreOperation.objects.filter(pk=parameters["operationId"]).first()
    if operation is None:
        raise JobFailed("The operation is no longer known.")
    store = store_of(operation.store_id)
    with exclusive(store, [operation.path], progress.claim, f"undo of {operation}") as root:
        committed = _undone_before(operation)
        if committed is None:
            progress.stage("Bringing the former files back")
            progress.check()
            leases.assert_held(store, [operation.path], progress.claim)
            committed = recovery.undo(root, operation.pk)
        undoing = operations.record(
            store,
            committed,
            kind="undo",
            directory=operation.path,
            user=progress.user,
            job_id=progress.job_id,
            parameters=parameters,
        )
        operations.mark_undone(operation, undoing, progress.user)
    datasets = refresh_index(store, operations.directories_of(undoing), progress)
    return {"operationId": str(undoing.pk), "undoes": str(operation.pk), "datasetIds": datasets}


def _undone_before(operation: StoreOperation) -> Committed | None:
    """The commit that took it back already; only looked for when the journal says that there is one."""
    if journal.find_operation(operation.store.root, operation.pk) is not None:
        return None
    for found in journal.operations(operation.store.root):
        if found.undoes == str(operation.pk) and found.state == "committed":
            return committed_of(found)
    return None
