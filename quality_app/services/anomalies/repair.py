"""Repair rows that are bad data: a preview that shows each row, then one operation on the store that can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict, JobFailed, ServiceError
from catalog_app.services.jobs import Progress, enqueue
from catalog_app.services.maintenance.access import refuse_read_only
from catalog_app.services.maintenance.running import run_maintenance
from catalog_app.store.maintenance import MAX_REPAIRS
from quality_app.models import Anomaly
from quality_app.services.anomalies.repair_preview import preview_repair
from quality_app.services.anomalies.standing import Standing, with_standing

METHODS = {"drop": "Drop the rows", "replace": "Replace them by rows of another store"}
MAX_TOLERANCE_NS = 3_600 * 10**9


class RepairRefused(ServiceError):
    """The rows cannot be repaired as asked; the text says why."""


def repairable(anomaly_ids: Sequence[UUID]) -> list[Anomaly]:
    """The anomalies, which must be bad data of one dataset in a store that may be changed.

    Raises:
        RepairRefused, Conflict: what stands against it.

    """
    if not anomaly_ids:
        raise RepairRefused("Choose at least one anomaly.")
    if len(anomaly_ids) > MAX_REPAIRS:
        raise RepairRefused(f"Repair at most {MAX_REPAIRS:,} rows at a time; these are {len(anomaly_ids):,}.")
    rows = with_standing(Anomaly.objects.filter(pk__in=list(anomaly_ids))).select_related("dataset__store")
    found = list(rows.order_by("ts_init_ns", "pk"))
    if not found:
        raise RepairRefused("These anomalies are no longer known.")
    if others := [row for row in found if row.standing != Standing.BAD_DATA]:
        label = Standing(others[0].standing).label.lower()
        raise RepairRefused(
            f"Only rows that were decided to be bad data are repaired; {len(others):,} of these "
            f"{'is' if len(others) == 1 else 'are'} not ({others[0].check_id}: {label}). Decide first."
        )
    if len({row.dataset_id for row in found}) > 1:
        raise RepairRefused("Choose anomalies of one dataset: each is repaired by an operation of its own.")
    refuse_read_only(found[0].dataset.store)
    return found


def request_preview(
    found: Sequence[Anomaly], method: str, user: User, *, source: Dataset | None = None, tolerance_ns: int = 0
) -> Job:
    """Queue the preview of a repair of anomalies that `repairable` gave; it changes nothing.

    `tolerance_ns` is how far the ts_event of a replacing row may be from that of the bad one.

    Raises:
        RepairRefused: no such method, or a source that does not fit.

    """
    dataset = found[0].dataset
    if method not in METHODS:
        raise RepairRefused("Say how: drop the rows, or replace them.")
    if method == "replace" and source is None:
        raise RepairRefused("Choose the dataset that has the right rows.")
    if source is not None and not _fits(source, dataset):
        raise RepairRefused(f"{source} in {source.store} is not the same instrument and kind of data in another store.")
    if not 0 <= tolerance_ns <= MAX_TOLERANCE_NS:
        raise RepairRefused("The tolerance must be from 0 to one hour.")
    parameters = {
        "dryRun": True,
        "datasetId": str(dataset.pk),
        "anomalyIds": [str(row.pk) for row in found],
        "sourceId": str(source.pk) if source is not None and method == "replace" else None,
        "toleranceNs": tolerance_ns,
    }
    title = f"Preview: {_title(len(found), dataset)}"
    return enqueue("repair", parameters, title=title, user=user, queue=Job.Queue.INTERACTIVE)


def request_repair(preview: Job, user: User) -> Job:
    """Queue exactly what a preview showed; a second call returns the job of the first.

    Raises:
        Conflict: the job is no finished preview, its anomalies were decided otherwise, or the store is read-only.

    """
    if preview.kind != "repair" or not preview.parameters.get("dryRun") or preview.state != JobState.SUCCEEDED:
        raise Conflict("This is no finished preview.")
    present = Job.objects.filter(kind="repair", parameters__previewId=str(preview.pk)).first()
    if present is not None:
        return present
    shown = preview.result
    try:
        found = repairable([UUID(key) for key in shown["anomalyIds"]])
    except RepairRefused as refusal:
        raise Conflict(str(refusal)) from None
    dataset, [plan] = found[0].dataset, shown["plans"]
    parameters = {
        "dryRun": False,
        "storeId": dataset.store_id,
        "datasetId": str(dataset.pk),
        "directories": [plan["directory"]],
        "request": shown["request"],
        "fingerprints": {plan["directory"]: plan["fingerprint"]},
        "anomalyIds": shown["anomalyIds"],
        "previewId": str(preview.pk),
        # Names the operation: a job that is tried again finds what it has done already.
        "runId": str(uuid4()),
    }
    title = _title(shown["number"], dataset)
    return enqueue("repair", parameters, title=title, user=user, idempotency_key=f"repair:{preview.pk}")


def run_repair(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Preview a repair, or make it and link its operation with the anomalies.

    Raises:
        JobFailed: with no row changed, when it cannot be done.

    """
    if parameters["dryRun"]:
        return preview_repair(progress, parameters)
    keys = parameters["anomalyIds"]
    try:
        result = run_maintenance(progress, parameters)
    except JobFailed as error:
        raise JobFailed(f"No row was changed. {error}") from error
    for operation in result["operations"]:
        Anomaly.objects.filter(pk__in=keys).update(operation=operation["operationId"])
    return {**result, "anomalies": len(keys)}


def _title(number: int, dataset: Dataset) -> str:
    return f"Repair {number:,} row{'' if number == 1 else 's'} of {dataset}"


def _fits(source: Dataset, dataset: Dataset) -> bool:
    same = all(getattr(source, name) == getattr(dataset, name) for name in ("instrument_id", "data_type", "timeframe"))
    return same and bool(source.instrument_id) and source.store_id != dataset.store_id
