"""One instrument of one store."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from catalog_app.models import Instrument
from catalog_app.services.coverage import coverage


@require_safe
@permission_required(("catalog_app.view_instrument", "catalog_app.view_dataset"), raise_exception=True)
def instrument(request: HttpRequest, pk: int) -> HttpResponse:
    """Definition, datasets, and where they have data."""
    found = get_object_or_404(Instrument.objects.select_related("store"), pk=pk)
    datasets = list(found.datasets.select_related("store").order_by("data_type", "timeframe"))
    elsewhere = Instrument.objects.filter(instrument_id=found.instrument_id).exclude(pk=pk).select_related("store")
    context = {
        "instrument": found,
        "datasets": datasets,
        "coverage": coverage(datasets),
        "fields": sorted(found.definition.items()),
        "elsewhere": elsewhere,
    }
    return render(request, "catalog/instrument.html", context)
