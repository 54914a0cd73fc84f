"""Converting a store, or some of its datasets, into a new store of another version, as a job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services import leases
from catalog_app.services.errors import Conflict, JobFailed, ServiceError
from catalog_app.services.jobs import Progress, enqueue
from catalog_app.services.maintenance.access import writable
from catalog_app.services.store_roots import is_private
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.conversion.convert import ConversionReport, convert, plan_conversion
from catalog_app.store.filesystem import StoreRoot

SKIPPED_LISTED = 200


class ConversionRefused(ServiceError):
    """The conversion cannot be done as asked; the text says why."""


def request_conversion(
    source: Store,
    target_root: str,
    to: str,
    user: User | None,
    *,
    datasets: Sequence[Dataset] = (),
    dry_run: bool,
    idempotency_key: str | None = None,
) -> Job:
    """Queue the conversion of a store, or of these of its datasets, or its preview.

    Raises:
        ConversionRefused: a target that cannot be used, or datasets of another store.

    """
    directories = [dataset.path for dataset in datasets if dataset.store_id == source.pk]
    if len(directories) < len(datasets):
        raise ConversionRefused(f"Choose datasets of the store {source} only.")
    parameters = conversion_parameters(source, target_root, to, directories, dry_run=dry_run)
    what = f"{len(datasets):,} datasets of {source}" if datasets else str(source)
    title = f"Convert {what} to {to} in {parameters['targetRoot']}"
    return enqueue(
        "convert",
        parameters,
        title=f"Preview: {title}" if dry_run else title,
        user=user,
        queue=Job.Queue.INTERACTIVE if dry_run else Job.Queue.HEAVY,
        idempotency_key=idempotency_key,
    )


def conversion_parameters(
    source: Store, target_root: str, to: str, directories: Sequence[str], *, dry_run: bool
) -> dict[str, Any]:
    """The parameters of a job that converts these dataset directories; without any, the whole store.

    Raises:
        ConversionRefused: a target that cannot be used, or a directory that the store does not have.

    """
    wanted = set(directories)
    known = set(source.datasets.filter(path__in=wanted).values_list("path", flat=True))
    if unknown := sorted(wanted - known):
        raise ConversionRefused(f"The store {source} has no dataset {unknown[0]}.")
    return {
        "storeId": source.pk,
        "targetRoot": check_target(source, target_root),
        "to": to,
        "directories": sorted(wanted) or None,
        "dryRun": dry_run,
    }


def request_conversion_of(preview: Job, user: User | None) -> Job:
    """Queue the conversion that a preview showed; a second call returns the job of the first.

    Raises:
        Conflict: the job is no finished preview, the source is gone, or the target cannot be used by now.

    """
    parameters = preview.parameters
    source = Store.objects.filter(pk=parameters["storeId"]).first()
    if preview.kind != "convert" or not parameters.get("dryRun") or preview.state != JobState.SUCCEEDED:
        raise Conflict("This is no finished preview.")
    if source is None:
        raise Conflict("The store is no longer registered.")
    try:
        check_target(source, parameters["targetRoot"])
    except ConversionRefused as refusal:
        raise Conflict(str(refusal)) from None
    return enqueue(
        "convert",
        {**parameters, "dryRun": False, "previewId": str(preview.pk)},
        title=preview.title.removeprefix("Preview: "),
        user=user,
        idempotency_key=f"run:{preview.pk}",
    )


def run_conversion(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Convert, verify, then register and index the new store.

    A repeated attempt goes on where the one before stopped: each dataset is one commit of the target.

    Raises:
        JobFailed, StoreError: the source is gone or unreadable, or the target refuses.

    """
    source = Store.objects.filter(pk=parameters["storeId"]).first()
    if source is None:
        raise JobFailed("The store is no longer registered.")
    check_target(source, parameters["targetRoot"])
    if parameters["dryRun"]:
        progress.stage("Planning")
        plan = plan_conversion(source.root, parameters["targetRoot"], parameters["to"], parameters["directories"])
        return {**_bounded(plan.to_json()), "datasetIds": []}
    report = _convert(progress, source, parameters)
    target = _register(progress, source, parameters)
    _claim_operations(progress, target, parameters)
    keys = target.datasets.values_list("pk", flat=True)
    return {
        **_bounded(report.to_json()),
        "storeId": target.pk,
        "store": target.name,
        "datasetIds": [str(key) for key in keys],
    }


def check_target(source: Store, text: str) -> str:
    """The root of the new store.

    Raises:
        ConversionRefused: it is or holds the source, is not writable, private, or another read-only store.

    """
    root = StoreRoot.at(text.strip())
    known = Store.objects.filter(root=root.uri).first()
    if known is not None and known.read_only:
        raise ConversionRefused(f"{root} is the store {known}, which is read-only.")
    inside = f"{root}/".startswith(f"{source.root}/") or f"{source.root}/".startswith(f"{root}/")
    if inside:
        raise ConversionRefused(f"{root} is the store itself, or one holds the other. Name a directory beside it.")
    if root.is_local:
        _check_directory(root.path)
    return root.uri


def _check_directory(path: Path) -> None:
    resolved = path.resolve()
    if is_private(resolved):
        raise ConversionRefused(f"{path} holds the desk's own files (secret key, database, uploads). Choose another.")
    present = resolved if resolved.exists() else resolved.parent
    if not present.is_dir():
        raise ConversionRefused(f"{present} is no directory. Make it first, or mend the path.")
    if not os.access(present, os.W_OK | os.X_OK):
        raise ConversionRefused(f"{present} cannot be written by the user that runs the desk. Mend its permissions.")


def _convert(progress: Progress, source: Store, parameters: dict[str, Any]) -> ConversionReport:
    counted = 0

    def report(done: int, total: int) -> None:
        nonlocal counted
        if not counted:
            progress.stage("Converting", total=total)
        progress.advance(done - counted)
        counted = done
        progress.check()

    target_root = parameters["targetRoot"]
    known = Store.objects.filter(root=target_root).first()
    # A target that is not registered yet has no leases of its own: the source's stand in.
    path = f"convert to {target_root}"[:600]
    with leases.hold(known or source, [path], progress.claim, "conversion"):
        root = writable(known or source, progress.claim, "conversion", target=target_root)
        return convert(
            source.root,
            root,
            parameters["to"],
            parameters["directories"],
            on_progress=report,
            verify=parameters.get("verify", True),
        )


def _register(progress: Progress, source: Store, parameters: dict[str, Any]) -> Store:
    progress.stage("Reading the new store")
    target = register_store(parameters["targetRoot"], is_demo=source.is_demo)
    sync_store(target)
    return target


def _claim_operations(progress: Progress, target: Store, parameters: dict[str, Any]) -> None:
    """Note who made the operations that the conversion left in the target's journal."""
    asked = {name: parameters[name] for name in ("to", "directories") if parameters[name]}
    target.operations.filter(kind="convert", job=None).update(
        job_id=progress.job_id, user=progress.user, parameters=asked
    )


def _bounded(facts: dict[str, Any]) -> dict[str, Any]:
    """A plan's or report's facts with the first skipped files, all counted."""
    skipped = facts["skipped"]
    return {**facts, "skipped": skipped[:SKIPPED_LISTED], "skippedCount": len(skipped)}
