"""The catalogue of checks, and the suppression of a check's finding on a dataset."""

from contextlib import suppress as suppress_errors
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of
from quality_app.checks.registry import CHECKS
from quality_app.forms.suppressions import SuppressForm
from quality_app.models import Suppression
from quality_app.services.rules.catalogue import catalogue as catalogue_of
from quality_app.services.rules.catalogue import data_types
from quality_app.services.rules.suppressing import lift, suppress
from quality_app.services.rules.suppressions import active, history, may_lift


@require_safe
@permission_required("quality_app.view_checkresult", raise_exception=True)
def catalogue(request: HttpRequest) -> HttpResponse:
    """Every check; `type` shows those of one data type, `dataset` the values that hold for a dataset."""
    known = dict(data_types())
    data_type = request.GET.get("type", "")
    dataset = _asked_for(request)
    groups = catalogue_of(data_type if data_type in known else "", dataset)
    context = {
        "groups": groups,
        "count": sum(len(entries) for _, entries in groups),
        "data_types": known.items(),
        "data_type": data_type if data_type in known else "",
        "dataset": dataset,
    }
    return render_page(request, "quality/catalogue.html", "catalogue", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.view_suppression", raise_exception=True)
def suppress_finding(request: HttpRequest, catalog_id: UUID, check_id: str) -> HttpResponse:
    """The form and what was suppressed before; on POST the finding no longer counts."""
    if request.method == "POST" and not request.user.has_perm("quality_app.add_suppression"):
        raise PermissionDenied
    dataset = get_object_or_404(Dataset.objects.select_related("store"), pk=catalog_id)
    if check_id not in CHECKS:
        raise Http404
    form = SuppressForm(request.POST if request.method == "POST" else None, auto_id=f"suppress_{check_id}_%s")
    if request.method == "POST" and form.is_valid():
        try:
            suppress(dataset, check_id, form.cleaned_data["reason"], user_of(request), form.expires_at)
            return _done(request, dataset)
        except ServiceError as refusal:
            form.add_error(None, str(refusal))
    present = active(dataset, timezone.now()).get(check_id)
    context = {
        "dataset": dataset,
        "check": CHECKS[check_id],
        "form": form,
        "suppression": present,
        "may_lift": present is not None and may_lift(present, user_of(request)),
        "history": history(dataset, check_id),
        "is_part": wants_fragment(request),
    }
    return render_page(request, "quality/suppress_page.html", "form", context, status=422 if form.errors else 200)


@require_POST
@permission_required("quality_app.add_suppression", raise_exception=True)
def lift_suppression(request: HttpRequest, suppression_id: UUID) -> HttpResponse:
    """Have a finding count again: one's own, or any with the right to change them."""
    one = get_object_or_404(Suppression.objects.select_related("dataset"), pk=suppression_id)
    if not may_lift(one, user_of(request)):
        raise PermissionDenied
    with suppress_errors(ServiceError):  # it has ended meanwhile, which is what was wanted
        lift(one, user_of(request))
    return _done(request, one.dataset)


def _done(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    """Show the page anew: the score has changed, wherever it stands."""
    if wants_fragment(request):
        return HttpResponseClientRefresh()
    return redirect("quality:checks", dataset.pk)


def _asked_for(request: HttpRequest) -> Dataset | None:
    key = request.GET.get("dataset", "")
    if not key:
        return None
    if not request.user.has_perm("catalog_app.view_dataset"):
        raise PermissionDenied
    try:
        return get_object_or_404(Dataset.objects.select_related("store", "definition"), pk=UUID(key))
    except ValueError:
        raise Http404 from None
