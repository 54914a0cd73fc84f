"""Asking for maintenance: checked, then queued as a job. A preview is a job that plans and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict, ServiceError
from catalog_app.services.jobs import enqueue
from catalog_app.services.maintenance.access import refuse_read_only
from catalog_app.store.maintenance import Archive, Repair, Request

MAX_DATASETS = 1000
LABELS = {
    "consolidate": "Consolidate files",
    "deduplicate": "Remove duplicate rows",
    "sort_rows": "Sort rows",
    "split_overlaps": "Split overlapping files",
    "recompress": "Recompress",
    "rename_files": "Rename files to their intervals",
    "delete_range": "Delete a range",
    "archive": "Move a range to another store",
}


class MaintenanceRefused(ServiceError):
    """The operation cannot be done as asked; the text says why."""


def maintenance_parameters(datasets: Sequence[Dataset], request: Request, *, dry_run: bool) -> dict[str, Any]:
    """The parameters of a job that maintains these datasets, which must be of one store.

    Raises:
        MaintenanceRefused: no dataset, too many, or of several stores.
        Conflict: a store that would be changed is read-only.

    """
    if isinstance(request, Repair):
        raise MaintenanceRefused("Rows are repaired from the list of anomalies, where each has been looked at.")
    if not datasets:
        raise MaintenanceRefused("Choose at least one dataset.")
    if len(datasets) > MAX_DATASETS:
        raise MaintenanceRefused(f"Choose at most {MAX_DATASETS:,} datasets at a time; these are {len(datasets):,}.")
    stores = {dataset.store_id: dataset.store for dataset in datasets}
    if len(stores) > 1:
        names = ", ".join(sorted(store.name for store in stores.values()))
        raise MaintenanceRefused(f"Choose datasets of one store; these are of {names}.")
    (store,) = stores.values()
    if isinstance(request, Archive):
        archive_target(store, request)
    if not dry_run:
        refuse_read_only(store)
    return {
        "storeId": store.pk,
        "directories": sorted({dataset.path for dataset in datasets}),
        "request": request.to_json(),
        "dryRun": dry_run,
        # Names the operations: a job that is tried again finds what it has done already.
        "runId": str(uuid4()),
    }


def request_maintenance(
    datasets: Sequence[Dataset],
    request: Request,
    user: User | None,
    *,
    dry_run: bool,
    idempotency_key: str | None = None,
) -> Job:
    """Queue an operation on datasets of one store, or its preview.

    Raises:
        MaintenanceRefused, Conflict: as `maintenance_parameters`.

    """
    parameters = maintenance_parameters(datasets, request, dry_run=dry_run)
    what = str(datasets[0]) if len(datasets) == 1 else f"{len(datasets):,} datasets of {datasets[0].store}"
    title = f"{LABELS[request.kind]}: {what}"
    return enqueue(
        "maintain",
        parameters,
        title=f"Preview: {title}" if dry_run else title,
        user=user,
        queue=Job.Queue.INTERACTIVE if dry_run else Job.Queue.HEAVY,
        idempotency_key=idempotency_key,
    )


def request_run(preview: Job, user: User | None) -> Job:
    """Queue exactly what a preview showed; a second call returns the job of the first.

    The job refuses datasets whose files are no longer those of the preview, and leaves out
    those that the preview could not plan or had nothing to do for.

    Raises:
        Conflict: the job is no finished preview, has nothing to do, or the store is read-only.

    """
    parameters = preview.parameters
    if preview.kind != "maintain" or not parameters.get("dryRun") or preview.state != JobState.SUCCEEDED:
        raise Conflict("This is no finished preview.")
    store = Store.objects.filter(pk=parameters["storeId"]).first()
    if store is None:
        raise Conflict("The store is no longer registered.")
    refuse_read_only(store)
    plans = [plan for plan in preview.result["plans"] if "error" not in plan and not plan["isNoop"]]
    if not plans:
        raise Conflict("There is nothing to do.")
    return enqueue(
        "maintain",
        {
            **parameters,
            "dryRun": False,
            "directories": [plan["directory"] for plan in plans],
            "fingerprints": {plan["directory"]: plan["fingerprint"] for plan in plans},
            "previewId": str(preview.pk),
        },
        title=preview.title.removeprefix("Preview: "),
        user=user,
        idempotency_key=f"run:{preview.pk}",
    )


def archive_target(source: Store, request: Archive) -> Store:
    """The registered store that an archive moves rows into.

    Raises:
        MaintenanceRefused: not registered, read-only, or the source itself.

    """
    target = Store.objects.filter(root=request.target_root).first()
    if target is None:
        raise MaintenanceRefused(f"{request.target_root} is no registered store. Register it first.")
    if target.pk == source.pk:
        raise MaintenanceRefused("The target is the store itself. Choose another one.")
    refuse_read_only(target)
    return target
