"""What does this app's jobs. Each takes datasets one after the other; one that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from catalog_app.models import Dataset
from catalog_app.services import changes
from catalog_app.services.errors import JobCancelled, JobInterrupted, JobLost, ServiceError
from catalog_app.services.jobs import JobFailed, Progress, handler

logger = logging.getLogger(__name__)


@handler("validate")
def validate(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run checks over the datasets `datasetIds`; optionally only `checks`, or all the same with `force`."""
    from quality_app.services.validation.run import validate as validate_dataset

    checks, force = parameters.get("checks"), bool(parameters.get("force"))

    def work(dataset: Dataset) -> dict[str, Any]:
        run = validate_dataset(dataset, progress, checks, force=force)
        score = None if dataset.quality_score is None else str(dataset.quality_score)
        return {"datasetId": str(dataset.pk), "runId": str(run.pk), "rows": run.rows, "score": score}

    return _each(progress, parameters, work)


@handler("repair")
def repair(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Preview or do the repair of the rows of the anomalies `anomalyIds`."""
    from quality_app.services.anomalies.repair import run_repair

    result = run_repair(progress, parameters)
    changes.tell([UUID(key) for key in result["datasetIds"]], progress.user)
    return result


@handler("fill_gaps")
def fill_gaps(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Preview or do the filling of the gaps `gapIds` of the dataset `datasetId`, or what a policy allows of it."""
    from quality_app.services.gaps.filling.run import run_fill

    result = run_fill(progress, parameters)
    changes.tell([UUID(key) for key in result["datasetIds"]], progress.user)
    return result


@handler("scan_gaps")
def scan_gaps(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Scan the datasets `datasetIds` for gaps; within `startNs` and `endNs` when given.

    Those whose kept scan still holds are only counted, unless `force` is set or a range is given.
    """
    from quality_app.services.gaps.filling.policies import apply_policies
    from quality_app.services.gaps.freshness import changed
    from quality_app.services.gaps.scan import scan

    start, end = (None if parameters.get(name) is None else int(parameters[name]) for name in ("startNs", "endNs"))
    force, keys = bool(parameters.get("force")), [UUID(key) for key in parameters["datasetIds"]]
    ranged = start is not None or end is not None
    stale, bases = changed(keys)
    pending = keys if force or ranged else stale

    def work(dataset: Dataset) -> dict[str, Any]:
        summary = scan(dataset, progress, start, end, force=force, bases=bases)
        if summary.get("reason"):
            progress.log(f"{dataset}: {summary['reason']}")
        if start is None and end is None:
            apply_policies(dataset)
        return {**summary, "gaps": summary["gaps"] if ranged else len(summary["gaps"])}

    unchanged = set(keys) - set(pending)
    return {**_each(progress, parameters, work, unchanged), "unchanged": len(unchanged)}


@handler("reconcile")
def reconcile(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Compare the sources of the reconciliation `reconciliationId`; within `startNs` and `endNs` when given."""
    from quality_app.models import Reconciliation
    from quality_app.services.reconciliation.run import run

    start, end = (None if parameters.get(name) is None else int(parameters[name]) for name in ("startNs", "endNs"))
    found = Reconciliation.objects.filter(pk=parameters["reconciliationId"]).first()
    if found is None:
        raise JobFailed("The reconciliation was deleted.")
    kept = run(found, progress, start, end)
    return {"runId": str(kept.pk), "reconciliationId": found.pk, "pairs": len(kept.pairs)}


@handler("report")
def report(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Write the `reports` on `period`, and mail them to their `recipients`."""
    from quality_app.services.reports.requests import write_reports

    return write_reports(progress, parameters)


def _each(
    progress: Progress,
    parameters: dict[str, Any],
    work: Callable[[Dataset], dict[str, Any]],
    unchanged: Collection[UUID] = (),
) -> dict[str, Any]:
    """Work on each of the datasets but the unchanged ones, whose rows count as done."""
    done: list[dict[str, Any]] = []
    failed: list[str] = []
    known = Dataset.objects.filter(pk__in=parameters["datasetIds"]).values_list("pk", "record_count")
    rows = {key: count or 0 for key, count in known}
    progress.stage("Starting", total=sum(rows.values()))
    passed = sum(rows.get(key, 0) for key in unchanged)
    progress.advance(passed)
    for key in parameters["datasetIds"]:
        if UUID(key) in unchanged:
            continue
        progress.check()
        dataset = Dataset.objects.select_related("store", "definition").filter(pk=key).first()
        try:
            if dataset is None:
                raise JobFailed(f"Dataset {key} is no longer in the index.")
            done.append(work(dataset))
        except (JobCancelled, JobInterrupted, JobLost):
            raise
        except ServiceError as error:
            failed.append(f"{dataset or key}: {error}")
            progress.log(failed[-1], "error")
        except Exception as error:  # whatever one dataset does, the others get their turn
            logger.exception("Job %s failed on dataset %s", progress.job_id, key)
            failed.append(f"{dataset or key}: {error}")
            progress.log(failed[-1], "error")
        # Unchanged datasets are not read, others twice: the count goes by what is behind us.
        passed += rows.get(UUID(key), 0)
        progress.advance(passed - progress.figures()["done"])
    if failed:
        shown = "; ".join(failed[:3])
        raise JobFailed(f"{len(failed)} of {len(parameters['datasetIds'])} datasets failed: {shown}")
    return {"datasets": done}
