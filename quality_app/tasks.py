"""Celery tasks: doorbells that call a service."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from quality_app.services import schedules
from quality_app.services.history import metrics, snapshots
from quality_app.services.reports import requests as report_requests
from quality_app.services.rules import suppressing
from quality_app.services.validation import helping


@shared_task(name="quality_app.tasks.help_validate", ignore_result=True)
def help_validate(dataset_id: str, job_id: str, check_ids: list[str]) -> None:
    """Check files of a large dataset beside the job that validates it."""
    helping.help_validate(UUID(dataset_id), UUID(job_id), check_ids)


@shared_task(name="quality_app.tasks.run_schedules", ignore_result=True)
def run_schedules() -> None:
    """Start what is due."""
    schedules.run_due(timezone.now())


@shared_task(name="quality_app.tasks.end_suppressions", ignore_result=True)
def end_suppressions() -> None:
    """Have findings count again whose suppression ran out."""
    suppressing.end_expired(timezone.now())


@shared_task(name="quality_app.tasks.take_snapshot", ignore_result=True)
def take_snapshot() -> None:
    """Keep where quality stands in this hour and day."""
    snapshots.take(timezone.now())


@shared_task(name="quality_app.tasks.record_storage", ignore_result=True)
def record_storage() -> None:
    """Keep rows and sizes of the datasets where they changed."""
    metrics.record_storage(timezone.now())


@shared_task(name="quality_app.tasks.purge_reports", ignore_result=True)
def purge_reports() -> None:
    """Delete reports that were kept long enough."""
    report_requests.purge_expired(timezone.now())
