"""Start checks and gap scans of a dataset."""

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from catalog_app.models import Dataset
from catalog_app.views.htmx import wants_fragment
from quality_app.services.requests import request_job


@require_POST
@permission_required("quality_app.add_validationrun", raise_exception=True)
def validate(request: HttpRequest, catalog_id: UUID) -> HttpResponse:
    """Run all checks over a dataset, as a job."""
    return _start(request, "validate", catalog_id)


@require_POST
@permission_required("quality_app.scan_gaps", raise_exception=True)
def scan_gaps(request: HttpRequest, catalog_id: UUID) -> HttpResponse:
    """Scan a dataset for gaps, as a job."""
    return _start(request, "scan_gaps", catalog_id)


def _start(request: HttpRequest, kind: str, catalog_id: UUID) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=catalog_id)
    user = request.user if isinstance(request.user, User) else None
    address = reverse("jobs:detail", args=[request_job(kind, dataset, user).pk])
    return HttpResponseClientRedirect(address) if wants_fragment(request) else redirect(address)
