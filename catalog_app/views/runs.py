"""Live and backtest runs whose streams stand in the stores."""

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog_app.models import RunFile, Store
from catalog_app.services.runs import as_runs, runs

RUNS_PER_PAGE = 50
FILES_PER_PAGE = 200


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def run_list(request: HttpRequest) -> HttpResponse:
    """The runs of all stores, or of `store` and `kind`, the last written first."""
    name, kind = request.GET.get("store", ""), request.GET.get("kind", "")
    store = get_object_or_404(Store, name=name) if name else None
    page = Paginator(runs(store, kind if kind in RunFile.Kind else ""), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "runs": as_runs(page.object_list), "store": store, "kind": kind}
    return render(request, "catalog/runs.html", context)


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def run_detail(request: HttpRequest, pk: int, kind: str, instance_id: str) -> HttpResponse:
    """The streams of one run of a store."""
    store = get_object_or_404(Store, pk=pk)
    found = store.run_files.filter(kind=kind, instance_id=instance_id).order_by("class_name", "identifier", "path")
    page = Paginator(found.filter(size_bytes__gt=0), FILES_PER_PAGE).get_page(request.GET.get("page"))
    empty = found.filter(size_bytes=0).values_list("class_name", flat=True)
    run = get_object_or_404(runs(store, kind), instance_id=instance_id)
    return render(request, "catalog/run.html", {"run": as_runs([run])[0], "page": page, "empty": empty})
