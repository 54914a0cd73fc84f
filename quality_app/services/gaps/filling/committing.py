"""Previews a fill, or writes what a preview showed, keeps where it came from, and scans the dataset again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from catalog_app.models import Dataset, StoreOperation
from catalog_app.services import leases, operations
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.services.maintenance.access import exclusive, refresh_index, store_of
from catalog_app.store.commit.journal import find_operation
from catalog_app.store.commit.moves import Committed
from quality_app.models import FillPolicy, Gap, GapFill
from quality_app.services.gaps.filling.plans import KIND, FillPlan
from quality_app.services.gaps.filling.preview import preview_fill, preview_json
from quality_app.services.gaps.filling.requests import facts_of
from quality_app.services.gaps.filling.sources import FillSource, recipe_for
from quality_app.services.gaps.filling.spans import spans_of
from quality_app.services.gaps.filling.target import Target
from quality_app.services.gaps.filling.writing import write_fill


def preview(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Work out what filling `gapIds` of `datasetId` from `sourceId` would write."""
    dataset, source = _datasets(parameters)
    gaps = list(Gap.objects.filter(pk__in=parameters["gapIds"], filled_at=None))
    if not gaps:
        raise JobFailed("These gaps are filled, or a scan has replaced them.")
    progress.stage(f"Reading {source.title} in {source.store}")
    return preview_json(preview_fill(dataset, source, spans_of(gaps), _counting(progress)))


def commit(
    progress: Progress, parameters: dict[str, Any], shown: dict[str, Any], *, policy: FillPolicy | None = None
) -> dict[str, Any]:
    """Write what a preview showed, as the operation `runId`; then index, note and scan the dataset.

    A repeated attempt finds what the one before committed, and only finishes the records.

    Raises:
        StoreError, JobFailed: with nothing written.

    """
    dataset, source = _datasets(parameters)
    store, plan = store_of(dataset.store_id), FillPlan.from_json(shown["plan"])
    operation_id = UUID(parameters["runId"])
    with exclusive(store, [dataset.path], progress.claim, f"filling gaps of {dataset}") as root:
        committed = find_operation(root, operation_id)
        if committed is None:
            grid_ns = int(shown["spans"][0]["startNs"])
            taken = FillSource(source, recipe_for(dataset, source, grid_ns))
            _write(progress, Target(dataset, root), taken, plan, operation_id)
            committed = find_operation(root, operation_id)
        if committed is None:
            raise JobFailed("The store has no record of the fill. Look at the store's operations before trying again.")
        operation = _record(progress, dataset, committed, shown, policy)
    keys = refresh_index(store, [dataset.path], progress)
    fill = _note(progress, dataset, operation, shown, policy)
    scanned = _scan(progress, dataset)
    return {
        "operationId": str(operation.pk),
        "fillId": str(fill.pk),
        "rows": plan.rows,
        "filledGaps": scanned,
        "gapIds": fill.gaps,
        "datasetIds": keys,
    }


def _write(progress: Progress, target: Target, source: FillSource, plan: FillPlan, operation_id: UUID) -> None:
    dataset = target.dataset
    if not plan.parts:
        raise JobFailed("There is no row that could be written.")
    known = {file.path: file.rows for file in target.files}
    progress.stage(f"Filling {dataset}", total=plan.rows + sum(known.get(file.path, 0) for file in plan.touched))

    def before_commit() -> None:
        progress.part(f"Committing {dataset}")
        progress.check()
        leases.assert_held(dataset.store, [dataset.path], progress.claim)

    write_fill(target, source, plan, operation_id, _counting(progress), before_commit)


def _record(
    progress: Progress, dataset: Dataset, committed: Committed, shown: dict[str, Any], policy: FillPolicy | None
) -> StoreOperation:
    return operations.record(
        dataset.store,
        committed,
        kind=KIND,
        directory=dataset.path,
        user=progress.user,
        job_id=progress.job_id,
        parameters=facts_of(shown) | ({"policy": policy.name} if policy else {}),
    )


def _note(
    progress: Progress, dataset: Dataset, operation: StoreOperation, shown: dict[str, Any], policy: FillPolicy | None
) -> GapFill:
    filled = {part[0] for part in shown["plan"]["parts"]}
    spans = [span for span in shown["spans"] if span["gapId"] in filled]
    fill, _ = GapFill.objects.get_or_create(
        operation_id=operation.pk,
        defaults={
            "dataset": dataset,
            "job_id": progress.job_id,
            "kind": shown["kind"],
            "source": shown["source"] | ({"policy": policy.name, "policyId": str(policy.pk)} if policy else {}),
            "spans": [[span["startNs"], span["endNs"]] for span in spans],
            "gaps": [span["gapId"] for span in spans],
            "rows": shown["rows"],
            "seams": [{"gapId": span["gapId"], "findings": span["findings"]} for span in spans],
            "by_policy": policy is not None,
            "created_by": progress.user,
        },
    )
    return fill


def _scan(progress: Progress, dataset: Dataset) -> int:
    """Scan the dataset as it is now; how many gaps that closed. What cannot be scanned is told, and is no failure."""
    from quality_app.services.gaps.scan import scan

    progress.stage(f"Scanning {dataset}")
    fresh = Dataset.objects.select_related("store", "definition").get(pk=dataset.pk)
    summary = scan(fresh, progress)
    if summary.get("reason"):
        progress.log(f"{dataset}: {summary['reason']}", "warning")
    return int(summary.get("filledGaps", 0))


def _datasets(parameters: dict[str, Any]) -> tuple[Dataset, Dataset]:
    rows = Dataset.objects.select_related("store", "definition")
    dataset = rows.filter(pk=parameters["datasetId"]).first()
    source = rows.filter(pk=parameters["sourceId"]).first()
    if dataset is None or source is None:
        raise JobFailed(f"The {'dataset' if dataset is None else 'source'} is no longer in the index.")
    return dataset, source


def _counting(progress: Progress) -> Callable[[int], None]:
    def seen(rows: int) -> None:
        progress.advance(rows)
        progress.check()

    return seen
