"""Start quality jobs for a dataset."""

from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Dataset, Job
from catalog_app.models.job import JobState
from catalog_app.services.jobs import enqueue

_TITLES = {"validate": "Validate", "scan_gaps": "Scan gaps of"}


@transaction.atomic
def request_job(kind: str, dataset: Dataset, user: User | None) -> Job:
    """Enqueue a `validate` or `scan_gaps` job of one dataset, or return the one that is under way."""
    parameters = {"datasetIds": [str(dataset.pk)]}
    under_way = Job.objects.filter(
        kind=kind, parameters=parameters, state__in=(JobState.QUEUED, JobState.RUNNING)
    ).first()
    return under_way or enqueue(kind, parameters, title=f"{_TITLES[kind]} {dataset}", user=user)
