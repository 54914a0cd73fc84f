"""Celery tasks: doorbells that call a service."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from catalog_app.services import jobs, uploads, watch
from catalog_app.services.jobs import shutdown
from catalog_app.services.maintenance.purging import purge_expired


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


@shared_task(name="catalog_app.tasks.watch_stores", ignore_result=True)
def watch_stores() -> None:
    """Look for what others wrote into the stores."""
    watch.watch_stores()


@shared_task(name="catalog_app.tasks.purge_trash", ignore_result=True)
def purge_trash() -> None:
    """Queue the purges that retention asks for."""
    purge_expired()


@worker_shutting_down.connect
def give_jobs_back(**_: Any) -> None:
    """Have running jobs go back to their queue, so that the worker can end."""
    shutdown.request()
