"""How the quality of an instrument's data came to be what it is: any metric over any time."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from catalog_app.models import Dataset
from catalog_app.services.search import find_instrument
from catalog_app.views.htmx import render_page
from quality_app.services.history import trends


@require_safe
@permission_required("quality_app.view_qualitymetric", raise_exception=True)
def trend(request: HttpRequest, instrument: str) -> HttpResponse:
    """One `metric` over a `range`, or from `start` to `end`; of all datasets, or of one `dataset`."""
    found = find_instrument(instrument)
    if found is None:
        raise Http404(f"There is no instrument {instrument}.")
    wanted = request.GET.get("dataset", "")
    datasets = [row for row in found.datasets if wanted in {"", str(row.pk)}]
    period = trends.read_period(request.GET, timezone.now())
    context = {
        "instrument_id": found.instrument_id,
        "definition": found.definition,
        "datasets": found.datasets,
        "chosen": _one(datasets, wanted),
        "trend": trends.trend(datasets, request.GET.get("metric", ""), period),
        "ranges": trends.RANGES,
        "start": request.GET.get("start", ""),
        "end": request.GET.get("end", ""),
    }
    return render_page(request, "quality/trend.html", "body", context)


def _one(datasets: list[Dataset], wanted: str) -> Dataset | None:
    return datasets[0] if wanted and datasets else None
