"""Doing what a preview showed, whatever it was of."""

from __future__ import annotations

from django.contrib.auth.models import User

from catalog_app.models import Job
from catalog_app.services.maintenance.conversion import request_conversion_of
from catalog_app.services.maintenance.requesting import request_run


def request_run_of(preview: Job, user: User | None) -> Job:
    """Queue what a finished preview showed.

    Raises:
        Conflict: the job is no finished preview, has nothing to do, or a store is read-only.

    """
    return request_conversion_of(preview, user) if preview.kind == "convert" else request_run(preview, user)
