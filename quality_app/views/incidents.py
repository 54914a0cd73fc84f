"""Incidents of sources: the list, a new one, changing, ending and deleting one."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from catalog_app.models import Job
from catalog_app.services.errors import ServiceError
from catalog_app.views.htmx import render_page
from catalog_app.views.users import user_of
from quality_app.forms.incidents import EndForm, IncidentForm
from quality_app.models import SourceIncident
from quality_app.services.incidents import close_incident, delete_incident, keep_incident

PAGE_SIZE: Final = 50
_OPEN: Final = Q(end_ns__isnull=True)
_STATES: Final = {"": ("All", Q()), "open": ("Open", _OPEN), "ended": ("Ended", ~_OPEN)}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.view_sourceincident", raise_exception=True)
def incident_list(request: HttpRequest) -> HttpResponse:
    """The incidents, newest first; POST enters one."""
    form = IncidentForm(request.POST or None)
    if request.method == "POST":
        if not request.user.has_perm("quality_app.add_sourceincident"):
            raise PermissionDenied
        if form.is_valid():
            _tell(request, f"Entered: {form.instance}.", keep_incident(form.instance, user_of(request)))
            return redirect("quality:incidents")
    words, state = request.GET.get("q", "").strip()[:200].replace("\x00", ""), request.GET.get("state", "")
    state = state if state in _STATES else ""
    key = words.replace("/", "")
    matching = Q(title__icontains=words) | Q(venue__icontains=words) | Q(instrument_id__icontains=key)
    found = SourceIncident.objects.filter(matching | Q(store__name__icontains=words))
    counts = found.aggregate(total=Count("pk"), open=Count("pk", filter=_OPEN))
    numbers = {"": counts["total"], "open": counts["open"], "ended": counts["total"] - counts["open"]}
    rows = found.filter(_STATES[state][1]).select_related("store", "created_by")
    rows = rows.annotate(length_ns=F("end_ns") - F("start_ns"))
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "states": [(value, label, numbers[value]) for value, (label, _) in _STATES.items()],
        "state": state,
        "words": words,
        "form": form,
    }
    return render_page(request, "quality/incidents.html", "results", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.change_sourceincident", raise_exception=True)
def incident_edit(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """The form of one that there is."""
    saved = get_object_or_404(SourceIncident, pk=incident_id)
    form = IncidentForm(request.POST or None, instance=get_object_or_404(SourceIncident, pk=incident_id))
    if request.method == "POST" and form.is_valid():
        _tell(request, f"Changed: {form.instance}.", keep_incident(form.instance, user_of(request)))
        return redirect("quality:incidents")
    context = {"form": form, "saved": saved}
    return render(request, "quality/incident_edit.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required("quality_app.change_sourceincident", raise_exception=True)
def incident_end(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """End an open incident at `end`, or now."""
    row = get_object_or_404(SourceIncident, pk=incident_id)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["end"])))
        return redirect("quality:incidents")
    try:
        job = close_incident(row, form.cleaned_data["end"] or time.time_ns(), user_of(request))
    except ServiceError as refusal:
        messages.error(request, str(refusal))
    else:
        _tell(request, f"Ended: {row}.", job)
    return redirect("quality:incidents")


@require_POST
@permission_required("quality_app.delete_sourceincident", raise_exception=True)
def incident_delete(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Delete an incident; the admin's history keeps who did it."""
    row = get_object_or_404(SourceIncident, pk=incident_id)
    _tell(request, f"Deleted: {row}.", delete_incident(row, user_of(request)))
    return redirect("quality:incidents")


def _tell(request: HttpRequest, text: str, job: Job | None) -> None:
    follow = " A job scans the gaps of what it concerns anew." if job else ""
    messages.success(request, f"{text}{follow}")
