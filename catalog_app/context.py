"""What every page's shell shows."""

from typing import Any

from django.http import HttpRequest

from catalog_app.models import Job, Store
from catalog_app.models.job import JobState


def shell(request: HttpRequest) -> dict[str, Any]:
    """Running jobs for the header's badge, and whether any store holds synthetic data."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "running_jobs": Job.objects.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).count(),
        "demo_stores": list(Store.objects.filter(is_demo=True).values_list("name", flat=True)),
    }
