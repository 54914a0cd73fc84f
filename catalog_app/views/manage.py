"""The historical data manager: choose datasets, choose an operation, see what it would do, run it."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog_app.forms.manage import FORMS, ConvertForm, PurgeForm
from catalog_app.models import Dataset, Store
from catalog_app.services import browse
from catalog_app.services.errors import ServiceError
from catalog_app.services.maintenance.conversion import request_conversion
from catalog_app.services.maintenance.problems import PROBLEMS, having, problems_of
from catalog_app.services.maintenance.purging import request_purge
from catalog_app.services.maintenance.requesting import LABELS, MAX_DATASETS, request_maintenance
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.manage_jobs import job_page
from catalog_app.views.users import user_of

LISTED = 20
COLUMNS = (
    ("instrument", "Dataset", ""),
    ("type", "Type", ""),
    ("timeframe", "Timeframe", ""),
    ("store", "Store", ""),
    ("", "Dialect", ""),
    ("rows", "Rows", "num"),
    ("files", "Files", "num"),
    ("size", "Size", "num"),
    ("", "Mean file", "num wide-only"),
    ("", "Problems", ""),
)
EXPLAINED = {
    "consolidate": "Joins neighbouring files into fewer, larger ones. Every row stays; row groups are copied byte for "
    "byte where the files agree.",
    "deduplicate": "Drops rows that are identical in every column to an earlier row. Files without such rows stay as "
    "they are.",
    "sort_rows": "Puts rows in the order of ts_init, within files and between them. Rows of the same time keep their "
    "order.",
    "split_overlaps": "Rewrites files whose intervals overlap into disjoint files of the same rows, as NautilusTrader "
    "needs them.",
    "rename_files": "Names each file by the first and last ts_init of its rows. No row is written anew.",
    "recompress": "Writes each file anew with a compression and row groups of one size: same rows, same order, same "
    "name.",
    "delete_range": "Takes the rows of a range out. Files wholly inside go to the trash as they are, others are cut "
    "exactly.",
    "archive": "Moves the rows of a range into the same dataset of another store.",
}


@require_safe
@permission_required(("catalog_app.maintain_store", "catalog_app.view_dataset"), raise_exception=True)
def datasets(request: HttpRequest) -> HttpResponse:
    """The datasets with what their files cost and what is wrong with them; the address holds the filters."""
    filters = browse.read_filters(request.GET)
    problem = request.GET.get("problem", "")
    found = _filtered(filters, problem)
    page = Paginator(found, browse.PAGE_ROWS).get_page(request.GET.get("page"))
    problems = problems_of(page.object_list)
    context = {
        "filters": filters,
        "active": filters.active(),
        "problem": problem,
        "problem_choices": PROBLEMS.items(),
        "facets": browse.facets(filters),
        "page": page,
        "lines": [_line(dataset, problems.get(dataset.pk, [])) for dataset in page.object_list],
        "columns": [_column(filters.sort, *column) for column in COLUMNS],
        "kinds": LABELS.items(),
        "most": MAX_DATASETS,
        "has_stores": browse.has_stores(),
    }
    response = render_page(request, "catalog/manage.html", "results", context)
    if wants_fragment(request):
        rest = {"problem": problem, "sort": filters.sort, "page": request.GET.get("page", "")}
        query = filters.active() | {name: value for name, value in rest.items() if value}
        response["HX-Push-Url"] = f"{request.path}?{urlencode(query)}".rstrip("?")
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("catalog_app.maintain_store", "catalog_app.view_dataset"), raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """The parameters of an operation on the chosen datasets; posting them makes a preview."""
    asked = request.POST if request.method == "POST" else request.GET
    kind = asked.get("kind", "consolidate")
    if kind not in FORMS:
        raise Http404("There is no such operation.")
    posted = request.method == "POST"
    form = FORMS[kind](request.POST if posted else None)
    is_valid = form.is_valid()
    chosen = _chosen(form.cleaned_data.get("datasets", [])) if posted else _asked_for(request)
    if posted and is_valid:
        try:
            job = request_maintenance(chosen, form.request, user_of(request), dry_run=True)
        except ServiceError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("manage:job", job.pk)
    context = {
        "form": form,
        "kind": kind,
        "label": LABELS[kind],
        "explained": EXPLAINED[kind],
        "kinds": LABELS.items(),
        "chosen": chosen[:LISTED],
        "stores": sorted({dataset.store.name for dataset in chosen}),
        "total": {
            "datasets": len(chosen),
            "files": sum(dataset.file_count for dataset in chosen),
            "rows": sum(dataset.record_count or 0 for dataset in chosen),
            "bytes": sum(dataset.size_bytes for dataset in chosen),
        },
        "keys": " ".join(str(dataset.pk) for dataset in chosen),
    }
    return render(request, "catalog/manage_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("catalog_app.convert_store", "catalog_app.view_dataset"), raise_exception=True)
def convert(request: HttpRequest) -> HttpResponse:
    """A new store in another format, from a store or the chosen datasets; posting makes a preview."""
    posted = request.method == "POST"
    asked = [] if posted else _asked_for(request)
    store = asked[0].store if asked else _named_store(request.GET.get("store", ""))
    initial = {
        "store": store,
        "datasets": " ".join(str(dataset.pk) for dataset in asked),
        "target": f"{store.root}-v2" if store else "",
    }
    form = ConvertForm(request.POST if posted else None, initial=initial)
    is_valid = form.is_valid()
    chosen = _chosen(form.cleaned_data.get("datasets", [])) if posted else asked
    if posted and is_valid:
        wish = form.cleaned_data
        try:
            job = request_conversion(
                wish["store"], wish["target"], wish["to"], user_of(request), datasets=chosen, dry_run=True
            )
        except ServiceError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("manage:job", job.pk)
    context = {"form": form, "chosen": chosen[:LISTED], "number": len(chosen)}
    return render(request, "catalog/manage_convert.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required("catalog_app.purge_trash", raise_exception=True)
def purge(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete old files of a store's trash, as a job."""
    store = get_object_or_404(Store, pk=pk)
    form = PurgeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Give the age in days, as a whole number from 0.")
        return redirect("manage:operations")
    try:
        started = request_purge(store, user_of(request), older_than_days=form.cleaned_data["older_than_days"])
    except ServiceError as refusal:
        messages.warning(request, str(refusal))
        return redirect("manage:operations")
    return redirect(job_page(request, started))


def _filtered(filters: browse.Filters, problem: str) -> Any:
    found = browse.datasets(filters)
    return found.filter(pk__in=having(problem)) if problem else found


def _chosen(keys: list[uuid.UUID]) -> list[Dataset]:
    return list(Dataset.objects.select_related("store").filter(pk__in=keys).order_by("path"))


def _asked_for(request: HttpRequest) -> list[Dataset]:
    """The datasets that the address names: key by key, or all that pass its filters."""
    if request.GET.get("all"):
        return list(_filtered(browse.read_filters(request.GET), request.GET.get("problem", ""))[: MAX_DATASETS + 1])
    return _chosen([uuid.UUID(key) for key in request.GET.getlist("dataset") if _is_key(key)])


def _named_store(name: str) -> Store | None:
    """The store of that name; without a name the only one there is."""
    if name:
        return Store.objects.filter(name=name).first()
    stores = list(Store.objects.all()[:2])
    return stores[0] if len(stores) == 1 else None


def _is_key(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _line(dataset: Dataset, problems: list[Any]) -> dict[str, Any]:
    mean = dataset.size_bytes // dataset.file_count if dataset.file_count else None
    return {"dataset": dataset, "mean": mean, "problems": problems}


def _column(sort: str, name: str, label: str, css: str) -> dict[str, str]:
    """A heading: where a click leads, and how the column is sorted now; without a name it cannot be sorted by."""
    current, descending = bool(name) and sort.removeprefix("-") == name, sort.startswith("-")
    following = (f"-{name}" if not descending else name) if current else (f"-{name}" if css else name)
    state = ("descending" if descending else "ascending") if current else ""
    return {"label": label, "css": css, "sort": state, "next": following if name else ""}
