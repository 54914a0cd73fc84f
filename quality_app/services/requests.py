"""Start quality jobs, for one dataset or for those that changed."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Dataset, Job
from catalog_app.models.dataset import IndexState
from catalog_app.models.job import JobState
from catalog_app.services import changes
from catalog_app.services.jobs import enqueue
from quality_app.gaps.found import SCANNED

_TITLES = {"validate": "Validate", "scan_gaps": "Scan gaps of"}


@transaction.atomic
def request_job(kind: str, dataset: Dataset, user: User | None) -> Job:
    """Enqueue a `validate` or `scan_gaps` job of one dataset, or return the one that is under way."""
    parameters = {"datasetIds": [str(dataset.pk)]}
    under_way = Job.objects.filter(
        kind=kind, parameters=parameters, state__in=(JobState.QUEUED, JobState.RUNNING)
    ).first()
    return under_way or enqueue(kind, parameters, title=f"{_TITLES[kind]} {dataset}", user=user)


@transaction.atomic
def request_many(kind: str, keys: Sequence[UUID], title: str, user: User | None) -> Job:
    """Enqueue one job over many datasets, or return the same one where it waits still."""
    parameters = {"datasetIds": [str(key) for key in keys]}
    # Not one that runs: it may have passed the datasets whose rules changed since.
    waiting = Job.objects.filter(kind=kind, parameters=parameters, state=JobState.QUEUED).first()
    return waiting or enqueue(kind, parameters, title=title, user=user)


@changes.follow
def check_changed(datasets: Sequence[UUID], user: User | None) -> None:
    """Enqueue one job that validates the changed datasets, and one that scans them for gaps."""
    rows = Dataset.objects.filter(pk__in=datasets).exclude(state=IndexState.UNSUPPORTED)
    _enqueue_many("validate", list(rows), user)
    _enqueue_many("scan_gaps", list(rows.filter(data_type__in=SCANNED, state=IndexState.OK)), user)


def _enqueue_many(kind: str, datasets: list[Dataset], user: User | None) -> None:
    if len(datasets) == 1:
        request_job(kind, datasets[0], user)
    elif datasets:
        keys = [str(dataset.pk) for dataset in datasets]
        enqueue(kind, {"datasetIds": keys}, title=f"{_TITLES[kind]} {len(keys)} changed datasets", user=user)
