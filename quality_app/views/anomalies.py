"""Anomalies: the list with its filters, one of them among its neighbours, decisions, and marks for a chart."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from catalog_app.services.series import can_draw
from catalog_app.views.dataset import read_time
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of
from quality_app.models import Anomaly
from quality_app.services.anomalies import listing as anomaly_list
from quality_app.services.anomalies.rows import found_by, neighbours
from quality_app.services.anomalies.standing import Standing, with_standing
from quality_app.services.anomalies.triage import triage

COLUMNS = (
    ("time", "ts_init, UTC", ""),
    ("instrument", "Instrument", ""),
    ("", "Type", ""),
    ("check", "Check", ""),
    ("", "Value", "num"),
    ("", "Expected", "num"),
    ("", "Deviation", "num"),
    ("", "State", ""),
    ("seen", "First seen", "num wide-column"),
)


@require_safe
@permission_required("quality_app.view_anomaly", raise_exception=True)
def anomalies(request: HttpRequest) -> HttpResponse:
    """The list; the address holds all of its state. Without a state it shows what is still open."""
    filters = anomaly_list.read_filters(request.GET, parse_moment)
    facets = anomaly_list.facets(filters)
    page = anomaly_list.CountedPaginator(anomaly_list.anomalies(filters), facets.total).get_page(
        request.GET.get("page")
    )
    chosen = Dataset.objects.filter(pk=filters.dataset).first() if filters.dataset else None
    context = {
        "filters": filters,
        "active": filters.active() | ({"dataset": str(chosen or "unknown")} if filters.dataset else {}),
        "facets": facets.menus,
        "states": facets.states,
        "page": page,
        "columns": [_column(filters.sort, *column) for column in COLUMNS],
        "decisions": Anomaly.State.choices,
        "is_empty": not facets.total and not facets.states.values[-1].count and not filters.active(),
    }
    response = render_page(request, "quality/anomalies.html", "results", context)
    if wants_fragment(request):
        response["HX-Push-Url"] = f"{request.path}?{urlencode(_canonical(request, filters))}".rstrip("?")
    return response


@require_safe
@permission_required("quality_app.view_anomaly", raise_exception=True)
def anomaly(request: HttpRequest, anomaly_id: UUID) -> HttpResponse:
    """One anomaly: its row among its neighbours, the check that found it, and what was decided."""
    related = ("dataset__store", "dataset__definition", "operation", "decided_by")
    found = get_object_or_404(with_standing(Anomaly.objects.select_related(*related)), pk=anomaly_id)
    context = {
        "anomaly": found,
        "dataset": found.dataset,
        "neighbours": neighbours(found),
        "found_by": found_by(found),
        "can_draw": can_draw(found.dataset),
        "history": found.decisions.select_related("user")[:50],
        "decisions": Anomaly.State.choices,
        "standing": Standing(found.standing),
        "others": Anomaly.objects.filter(dataset=found.dataset, ts_init_ns=found.ts_init_ns).exclude(pk=found.pk)[:10],
    }
    return render(request, "quality/anomaly.html", context)


@require_POST
@permission_required(("quality_app.view_anomaly", "quality_app.triage_anomaly"), raise_exception=True)
def decide(request: HttpRequest) -> HttpResponse:
    """Take a decision about the chosen anomalies; back to where it was asked for."""
    days = request.POST.get("days", "").strip()
    try:
        expires_at = timezone.now() + timedelta(days=int(days)) if days else None
        done = triage(
            chosen_keys(request),
            request.POST.get("decision", ""),
            request.POST.get("reason", ""),
            user_of(request),
            expires_at if request.POST.get("decision") == Anomaly.State.IGNORED else None,
        )
    except (ValueError, OverflowError):
        messages.error(request, "Give the days as a whole number, or leave them empty.")
    except ServiceError as refusal:
        messages.error(request, str(refusal))
    else:
        label = Anomaly.State(request.POST["decision"]).label.lower()
        left = f" {done.repaired:,} are repaired and stay so: undo the repair first." if done.repaired else ""
        messages.success(request, f"{done.decided:,} decided: {label}.{left}")
    return HttpResponseRedirect(_back(request))


@require_safe
@permission_required(("quality_app.view_anomaly", "catalog_app.view_dataset"), raise_exception=True)
def marks(request: HttpRequest, catalog_id: UUID) -> JsonResponse:
    """JSON: a dataset's anomalies between `start` and `end` (ISO UTC or ns) as points of its chart."""
    dataset = get_object_or_404(Dataset, pk=catalog_id)
    try:
        start, end = (read_time(request.GET.get(name, "")) for name in ("start", "end"))
    except ValueError as error:
        return JsonResponse({"problem": str(error)}, status=400)
    found = anomaly_list.marks(dataset, start, end)
    for mark in found:
        mark["url"] = reverse("quality:anomaly", args=[mark.pop("id")])
    return JsonResponse({"marks": found})


def chosen_keys(request: HttpRequest) -> list[UUID]:
    """The anomalies that a form or an address names.

    Raises:
        Http404: when one of them is no key.

    """
    given = request.POST if request.method == "POST" else request.GET
    try:
        return [UUID(key) for key in given.getlist("anomaly")]
    except ValueError:
        raise Http404("That is no anomaly's id.") from None


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours else reverse("quality:anomalies")


def _canonical(request: HttpRequest, filters: anomaly_list.Filters) -> dict[str, str]:
    rest = {
        "state": "" if filters.state == Standing.OPEN else filters.state,
        "sort": "" if filters.sort == "-time" else filters.sort,
        "page": request.GET.get("page", ""),
    }
    return filters.active() | {name: value for name, value in rest.items() if value}


def _column(sort: str, name: str, label: str, css: str) -> dict[str, str]:
    """A heading: where a click leads, and how the column is sorted now; without a name it cannot be sorted by."""
    current, descending = bool(name) and sort.removeprefix("-") == name, sort.startswith("-")
    following = (name if descending else f"-{name}") if current else (f"-{name}" if css else name)
    state = ("descending" if descending else "ascending") if current else ""
    return {"label": label, "css": css, "sort": state, "next": following if name else ""}
