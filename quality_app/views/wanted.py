"""Wanted data: the list with how each declaration stands, and one declaration to add, change or remove."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog_app.models import Dataset, Store
from catalog_app.views.htmx import render_page
from catalog_app.views.users import user_of
from quality_app.forms.wanted import WantedForm, moment_text
from quality_app.models import WantedData
from quality_app.services.wanted import WANTED_TYPES, change, declare, remove, target_of
from quality_app.services.wanted_listing import Filters, due, listing

PAGE_SIZE: Final = 100
DUE_SHOWN: Final = 10
# Name of the order, heading, classes.
_COLUMNS: Final = (
    ("instrument", "Instrument", ""),
    ("type", "Type", ""),
    ("start", "From, UTC", "num"),
    ("end", "To", "num"),
    ("state", "State", ""),
    ("share", "There", "num"),
    ("age", "Age", "num"),
    ("", "Found in", ""),
)


@require_safe
@permission_required("quality_app.view_wanteddata", raise_exception=True)
def wanted_list(request: HttpRequest) -> HttpResponse:
    """Every declaration; the address holds filters and order."""
    filters = Filters.read(request.GET)
    found = listing(filters)
    context = {
        "filters": filters,
        "page": Paginator(found.statuses, PAGE_SIZE).get_page(request.GET.get("page")),
        "states": [(state, number, filters.query(state=state)) for state, number in found.counts],
        "total": found.total,
        "all_query": filters.query(state=""),
        "columns": [_column(filters, *column) for column in _COLUMNS],
        "types": WANTED_TYPES,
        "stores": Store.objects.values_list("name", flat=True),
    }
    return render_page(request, "quality/wanted.html", "results", context)


@require_safe
@permission_required("quality_app.view_wanteddata", raise_exception=True)
def wanted_due(request: HttpRequest) -> HttpResponse:
    """What is overdue or missing, newest first: a part of the overview."""
    late, active = due()
    context = {"late": late[:DUE_SHOWN], "number": len(late), "active": active}
    return render(request, "quality/wanted_due.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.add_wanteddata", raise_exception=True)
def wanted_add(request: HttpRequest) -> HttpResponse:
    """The form; `dataset` begins with what that dataset holds."""
    form = WantedForm(request.POST or None, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        declare([form.instance], user_of(request))
        messages.success(request, f"Wanted from now on: {form.instance}.")
        return redirect("quality:wanted")
    return _form(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.change_wanteddata", raise_exception=True)
def wanted_edit(request: HttpRequest, wanted_id: UUID) -> HttpResponse:
    """The form of one that there is."""
    row = get_object_or_404(WantedData, pk=wanted_id)
    form = WantedForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        change(form.instance, user_of(request))
        messages.success(request, f"Changed: {form.instance}.")
        return redirect("quality:wanted")
    return _form(request, form)


@require_POST
@permission_required("quality_app.delete_wanteddata", raise_exception=True)
def wanted_remove(request: HttpRequest, wanted_id: UUID) -> HttpResponse:
    """Remove a declaration; no market data is touched."""
    row = get_object_or_404(WantedData, pk=wanted_id)
    remove(row, user_of(request))
    messages.success(request, f"Not wanted any more: {row}.")
    return redirect("quality:wanted")


def _form(request: HttpRequest, form: WantedForm) -> HttpResponse:
    saved = None if form.instance._state.adding else WantedData.objects.get(pk=form.instance.pk)
    context = {"form": form, "saved": saved}
    return render(request, "quality/wanted_edit.html", context, status=422 if form.errors else 200)


def _initial(request: HttpRequest) -> dict[str, Any]:
    key = request.GET.get("dataset", "")
    if not key:
        return {}
    if not request.user.has_perm("catalog_app.view_dataset"):
        raise PermissionDenied
    try:
        dataset = Dataset.objects.filter(pk=UUID(key)).first()
    except ValueError:
        dataset = None
    if dataset is None:
        return {}
    instrument, data_type, timeframe = target_of(dataset)
    start = {} if dataset.start_ns is None else {"start": moment_text(dataset.start_ns)}
    return {"instrument_id": instrument, "data_type": data_type, "timeframe": timeframe, **start}


def _column(filters: Filters, name: str, label: str, css: str) -> dict[str, str]:
    """A heading: where a click leads, and how the column is sorted now."""
    is_current = bool(name) and (filters.sort.removeprefix("-") or "state") == name
    descending = filters.sort.startswith("-")
    following = f"-{name}" if is_current and not descending else name
    state = ("descending" if descending else "ascending") if is_current else ""
    return {"label": label, "css": css, "sort": state, "query": filters.query(sort=following) if name else ""}
