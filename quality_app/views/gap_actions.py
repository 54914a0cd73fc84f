"""What people do with gaps that they chose: mark as expected, fill, scan again."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from catalog_app.views.users import user_of
from quality_app.services.gaps.expecting import expect, unexpect
from quality_app.services.requests import request_job, request_many

# As many as an address can hold.
FILLED_AT_ONCE = 100


@require_POST
@permission_required(("quality_app.view_gap", "quality_app.expect_gap"), raise_exception=True)
def expect_gaps(request: HttpRequest) -> HttpResponse:
    """Mark the chosen gaps as expected, or with `undo` open them again; back to where it was asked for."""
    try:
        if request.POST.get("undo"):
            done = unexpect(_chosen(request), user_of(request))
            said = "open again"
        else:
            done = expect(_chosen(request), request.POST.get("reason", ""), user_of(request))
            said = "marked as expected"
    except ServiceError as refusal:
        messages.error(request, str(refusal))
    else:
        left = f" {done.left:,} left as they are: filled, or so already." if done.left else ""
        messages.success(request, f"{done.changed:,} gap{'' if done.changed == 1 else 's'} {said}.{left}")
    return HttpResponseRedirect(_back(request))


@require_POST
@permission_required(("quality_app.view_gap", "quality_app.fill_gap"), raise_exception=True)
def fill_gaps(request: HttpRequest) -> HttpResponse:
    """Go to where the chosen gaps are filled."""
    keys = _chosen(request)
    if not 0 < len(keys) <= FILLED_AT_ONCE:
        messages.error(request, f"Choose from one to {FILLED_AT_ONCE} gaps to fill.")
        return HttpResponseRedirect(_back(request))
    try:
        address = reverse("quality:fill-new")
    except NoReverseMatch:
        raise Http404("Gaps cannot be filled here.") from None
    return HttpResponseRedirect(f"{address}?{urlencode([('gap', str(key)) for key in keys])}")


@require_POST
@permission_required(("quality_app.view_gap", "quality_app.scan_gaps"), raise_exception=True)
def rescan_gaps(request: HttpRequest) -> HttpResponse:
    """Scan the datasets of the chosen gaps again, as a job."""
    datasets = list(Dataset.objects.filter(gaps__in=_chosen(request)).distinct().order_by("pk"))
    if not datasets:
        messages.error(request, "Choose at least one gap.")
        return HttpResponseRedirect(_back(request))
    user = user_of(request)
    if len(datasets) == 1:
        job = request_job("scan_gaps", datasets[0], user)
    else:
        keys = [dataset.pk for dataset in datasets]
        job = request_many("scan_gaps", keys, f"Scan gaps of {len(keys)} datasets", user)
    return HttpResponseRedirect(reverse("jobs:detail", args=[job.pk]))


def _chosen(request: HttpRequest) -> list[UUID]:
    """The gaps that a form names; Http404 when one of them is no key."""
    try:
        return [UUID(key) for key in request.POST.getlist("gap")]
    except ValueError:
        raise Http404("That is no gap's id.") from None


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours else reverse("quality:gap-list")
