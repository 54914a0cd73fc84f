"""Asking for fills: a preview that changes nothing, then the fill of exactly what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import enqueue
from catalog_app.services.maintenance.access import refuse_read_only
from quality_app.models import Gap
from quality_app.services.gaps.filling.spans import MAX_GAPS, FillRefused, spans_of

KIND = "fill_gaps"


def fillable(gap_ids: Sequence[UUID]) -> list[Gap]:
    """The gaps in order of dataset and time; they must be open.

    Raises:
        FillRefused: none, too many, or one that is filled already.

    """
    if not gap_ids:
        raise FillRefused("Choose at least one gap.")
    if len(set(gap_ids)) > MAX_GAPS:
        raise FillRefused(f"Fill at most {MAX_GAPS:,} gaps at a time; these are {len(set(gap_ids)):,}.")
    rows = Gap.objects.filter(pk__in=list(gap_ids)).select_related("dataset__store", "dataset__definition")
    found = list(rows.order_by("dataset__instrument_id", "dataset_id", "start_ns"))
    if not found:
        raise FillRefused("These gaps are no longer known: a scan has replaced them.")
    if left := [gap for gap in found if gap.filled_at is None]:
        return left
    raise FillRefused("The gap is filled already." if len(found) == 1 else "All of these gaps are filled already.")


def request_preview(gaps: Sequence[Gap], source: Dataset, user: User | None) -> Job:
    """Queue the preview of filling gaps of one dataset from a source; it changes nothing.

    Raises:
        FillRefused: gaps of several datasets, or that overlap.
        Conflict: the store is read-only.

    """
    dataset = gaps[0].dataset
    if len({gap.dataset_id for gap in gaps}) > 1:
        raise FillRefused("Each dataset is filled by an operation of its own: choose gaps of one.")
    refuse_read_only(dataset.store)
    spans_of(gaps)
    parameters = {
        "dryRun": True,
        "datasetId": str(dataset.pk),
        "sourceId": str(source.pk),
        "gapIds": [str(gap.pk) for gap in gaps],
    }
    title = f"Preview: {title_of(len(gaps), dataset)}"
    return enqueue(KIND, parameters, title=title, user=user, queue=Job.Queue.INTERACTIVE)


def request_fill(preview: Job, user: User | None) -> Job:
    """Queue exactly what a preview showed; a second call returns the job of the first.

    Raises:
        Conflict: the job is no finished preview, has nothing to write, or the store is read-only.

    """
    if preview.kind != KIND or not preview.parameters.get("dryRun") or preview.state != JobState.SUCCEEDED:
        raise Conflict("This is no finished preview.")
    present = Job.objects.filter(kind=KIND, parameters__previewId=str(preview.pk)).first()
    if present is not None:
        return present
    if not preview.result["rows"]:
        raise Conflict("There is no row that could be written.")
    dataset = Dataset.objects.select_related("store").filter(pk=preview.parameters["datasetId"]).first()
    if dataset is None:
        raise Conflict("The dataset is no longer in the index.")
    refuse_read_only(dataset.store)
    parameters = {
        **preview.parameters,
        "dryRun": False,
        "previewId": str(preview.pk),
        "runId": str(uuid4()),  # names the operation: a job that is tried again finds what it has done already
    }
    title = title_of(len(preview.parameters["gapIds"]), dataset)
    return enqueue(KIND, parameters, title=title, user=user, idempotency_key=f"fill:{preview.pk}")


def title_of(number: int, dataset: Dataset) -> str:
    """What a job that fills so many gaps is called."""
    return f"Fill {number:,} gap{'' if number == 1 else 's'} of {dataset}"


def run_of(preview: Job) -> Job | None:
    """The job that did what a preview showed."""
    return Job.objects.filter(kind=KIND, parameters__previewId=str(preview.pk)).first()


def facts_of(preview: dict[str, Any]) -> dict[str, Any]:
    """What the history of the store keeps of a fill."""
    source = preview["source"]
    return {
        "rows": preview["rows"],
        "gaps": len({part[0] for part in preview["plan"]["parts"]}),
        "from": source["dataset"],
        "fromStore": source["store"],
        "built": preview["kind"] == "built",
        "sourceFiles": len(source["files"]),
    }
