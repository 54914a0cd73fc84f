"""The export wizard."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from catalog_app.forms.export import ExportForm
from catalog_app.models import Export
from catalog_app.services.exporting import has_decimals, request_export
from catalog_app.views.lookups import dataset_or_404
from catalog_app.views.users import user_of


@require_http_methods(["GET", "POST"])
@permission_required("catalog_app.add_export", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Choose range and format of one dataset's export; without a dataset, choose that first."""
    key = request.POST.get("dataset") or request.GET.get("dataset")
    if not key:
        recent = Export.objects.select_related("dataset", "job", "created_by")[:20]
        return render(request, "exports/choose.html", {"exports": recent})
    dataset = dataset_or_404(key)
    if request.method == "POST":
        form = ExportForm(request.POST)
        if form.is_valid():
            export = request_export(form.request, user_of(request))
            return redirect("jobs:detail", export.job_id)
    else:
        form = ExportForm(initial={**request.GET.dict(), "dataset": dataset})
    context = {"form": form, "dataset": dataset, "has_decimals": has_decimals(dataset)}
    return render(request, "exports/new.html", context, status=422 if form.errors else 200)
