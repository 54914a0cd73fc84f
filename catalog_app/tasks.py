"""Celery tasks: doorbells that call a service."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from catalog_app.services import jobs, uploads
from catalog_app.services.jobs import shutdown


@shared_task(name="catalog_app.tasks.run_job", ignore_result=True)
def run_job(job_id: str) -> None:
    """Run one queued job."""
    jobs.run_job(job_id)


@shared_task(name="catalog_app.tasks.reap_jobs", ignore_result=True)
def reap_jobs() -> None:
    """Look for jobs whose worker died or whose doorbell was lost."""
    jobs.reap()


@shared_task(name="catalog_app.tasks.purge_uploads", ignore_result=True)
def purge_uploads() -> None:
    """Delete the files of old uploads."""
    uploads.purge_uploads()


@worker_shutting_down.connect
def give_jobs_back(**_: Any) -> None:
    """Have running jobs go back to their queue, so that the worker can end."""
    shutdown.request()
