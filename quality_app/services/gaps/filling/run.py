"""The job that fills gaps: a preview, what a preview showed, or what a policy allows."""

from __future__ import annotations

from typing import Any

from catalog_app.models import Job
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.store.errors import StoreError
from quality_app.services.gaps.filling.applying import run_policy
from quality_app.services.gaps.filling.committing import commit, preview


def run_fill(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Preview a fill, or make it.

    Raises:
        JobFailed: with no row written, when it cannot be done.

    """
    try:
        if parameters["dryRun"]:
            return {**preview(progress, parameters), "datasetIds": []}
        if parameters.get("policyId"):
            return run_policy(progress, parameters)
        shown = Job.objects.filter(pk=parameters["previewId"]).first()
        if shown is None:
            raise JobFailed("The preview is no longer known. Make another one.")
        return commit(progress, parameters, shown.result)
    except StoreError as error:
        raise JobFailed(str(error)) from error
