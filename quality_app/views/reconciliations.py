"""Reconciliation: the list, setting one up, and what its runs found."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from catalog_app.views.dataset import read_time
from catalog_app.views.htmx import render_page, wants_fragment
from catalog_app.views.users import user_of
from quality_app.forms.reconciliation import ReconciliationForm, chosen_sources, initial_of, seconds_text
from quality_app.models import Reconciliation, ReconciliationRun, Schedule
from quality_app.services.reconciliation.figure import difference_figure
from quality_app.services.reconciliation.outcome import request_run
from quality_app.services.reconciliation.setup import MOST_SOURCES, SetupRefused, save_reconciliation
from quality_app.services.reconciliation.sources import MOST_INSTRUMENTS, Candidate, find_instruments, propose
from quality_app.services.reconciliation.view import RunView, latest_runs

PER_PAGE = 50
RUNS_SHOWN = 20
SEE = ("quality_app.view_reconciliation", "quality_app.view_reconciliationrun")
DEFAULTS = {
    "tolerance": "0",
    "limit_ticks": "2",
    "limit_bp": "1",
    "vote_scale": "5",
    "vote_ticks": "5",
    "counts_in_score": True,
    "enabled": True,
}


@require_safe
@permission_required(SEE, raise_exception=True)
def reconciliations(request: HttpRequest) -> HttpResponse:
    """All reconciliations with their latest result; `q` restricts by name and instrument."""
    words = request.GET.get("q", "").strip()
    rows = Reconciliation.objects.select_related("last_job").prefetch_related("sources__dataset__store")
    found = rows.filter(name__icontains=words) | rows.filter(instrument_id__icontains=words)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    latest = latest_runs(shown)
    lines = [(row, RunView(latest[row.pk]) if row.pk in latest else None) for row in shown]
    context = {"page": page, "lines": lines, "words": words}
    return render_page(request, "quality/reconciliations.html", "results", context)


@require_http_methods(["GET", "POST"])
@permission_required("quality_app.add_reconciliation", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Choose an instrument, then its sources and the measures."""
    instrument = request.POST.get("instrument") or request.GET.get("instrument", "")
    if not instrument:
        words = request.GET.get("q", "").strip()
        context = {"words": words, "instruments": find_instruments(words), "most": MOST_INSTRUMENTS}
        return render_page(request, "quality/reconciliation_choose.html", "found", context)
    return _setup(request, instrument, None)


@require_http_methods(["GET", "POST"])
@permission_required("quality_app.change_reconciliation", raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change sources and measures."""
    row = get_object_or_404(Reconciliation, pk=pk)
    return _setup(request, row.instrument_id, row)


@require_safe
@permission_required(SEE, raise_exception=True)
def reconciliation(request: HttpRequest, pk: int) -> HttpResponse:
    """One reconciliation: the latest run, or that of `run`; details of the pair `pair`."""
    row = get_object_or_404(Reconciliation.objects.select_related("last_job", "created_by"), pk=pk)
    run = _run_of(row, request.GET.get("run", ""))
    view = RunView(run) if run else None
    context: dict[str, Any] = {
        "reconciliation": row,
        "run": run,
        "view": view,
        "sources": row.sources.select_related("dataset__store"),
        "runs": row.runs.defer("series", "files", "pairs", "votes").select_related("job")[:RUNS_SHOWN],
        "tolerance": seconds_text(row.tolerance_ns),
        "schedules": Schedule.objects.filter(kind=Schedule.Kind.RECONCILE, scope__reconciliationId=row.pk),
    }
    if view is not None and run is not None:
        number = _number(request.GET.get("pair", "0"), len(run.pairs))
        context |= {
            "pair": view.pairs[number],
            "largest": view.largest(number),
            "parts": view.table(number),
            "fields": view.fields(number),
            "curve": view.curve(number),
            "missing": [
                (source, side, view.stretches(side["kept"]))
                for source, side in zip(
                    (view.pairs[number].left, view.pairs[number].right), run.pairs[number]["sides"], strict=True
                )
            ],
            "is_stale": view.is_stale() if not request.GET.get("run") else False,
        }
    return render_page(request, "quality/reconciliation.html", "detail", context)


@require_safe
@permission_required(SEE, raise_exception=True)
def series(request: HttpRequest, run_id: UUID, number: int) -> HttpResponse:
    """JSON: the chart of a pair of a run between `start` and `end`; `figure` is null where nothing matched."""
    run = get_object_or_404(ReconciliationRun.objects.defer("votes", "files"), pk=run_id)
    if number >= len(run.series):
        raise Http404("There is no such pair.")
    try:
        start, end = (read_time(request.GET.get(name, "")) for name in ("start", "end"))
    except ValueError as error:
        return JsonResponse({"problem": str(error)}, status=400)
    figure = difference_figure(run, number, start, end)
    if figure is None:
        return JsonResponse({"figure": None})
    return HttpResponse(
        f'{{"figure":{figure.to_json()},{json.dumps({"cut": False})[1:]}', content_type="application/json"
    )


@require_POST
@permission_required("quality_app.run_reconciliation", raise_exception=True)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a reconciliation, as a job."""
    row = get_object_or_404(Reconciliation, pk=pk)
    address = reverse("jobs:detail", args=[request_run(row, user_of(request)).pk])
    return HttpResponseClientRedirect(address) if wants_fragment(request) else redirect(address)


@require_POST
@permission_required("quality_app.delete_reconciliation", raise_exception=True)
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a reconciliation with its runs; no market data is touched."""
    get_object_or_404(Reconciliation, pk=pk).delete()
    return redirect("quality:reconciliations")


def _setup(request: HttpRequest, instrument: str, row: Reconciliation | None) -> HttpResponse:
    proposal = propose(instrument)
    lengths = tuple(length for length in (proposal.interval_ns, row.interval_ns if row else None) if length)
    present = {str(source.dataset_id): source for source in row.sources.all()} if row else {}
    problem, chosen = "", [str(key) for key in present]
    if request.method == "POST":
        form = ReconciliationForm(request.POST, lengths=lengths)
        chosen = request.POST.getlist("source")
        try:
            if form.is_valid():
                saved = save_reconciliation(form.setup(chosen_sources(request.POST)), user_of(request), row)
                return redirect("quality:reconciliation", saved.pk)
        except SetupRefused as refusal:
            problem = str(refusal)
    elif row is not None:
        form = ReconciliationForm(initial=initial_of(row), lengths=lengths)
    else:
        chosen = [str(proposal.candidates[at].dataset.pk) for at in proposal.chosen]
        interval = str(proposal.interval_ns) if proposal.interval_ns else "as-is"
        initial = {**DEFAULTS, "name": _free_name(instrument), "interval": interval}
        initial["counts_in_score"] = proposal.is_one_price
        form = ReconciliationForm(initial=initial, lengths=lengths)
    context = {
        "form": form,
        "problem": problem,
        "instrument": instrument,
        "reconciliation": row,
        "lines": [_line(candidate, request, present, chosen) for candidate in proposal.candidates],
        "most": MOST_SOURCES,
    }
    status = 422 if problem or form.errors else 200
    return render(request, "quality/reconciliation_edit.html", context, status=status)


def _line(candidate: Candidate, request: HttpRequest, present: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
    """A candidate as the form shows it: with what was sent, else what is kept, else what suits it."""
    key = str(candidate.dataset.pk)
    kept = present.get(key)
    price = request.POST.get(f"price-{key}") or (kept.price if kept else candidate.price)
    shift = request.POST.get(f"shift-{key}") or (seconds_text(kept.shift_ns) if kept else "0")
    return {"candidate": candidate, "is_chosen": key in chosen, "price": price, "shift": shift}


def _free_name(instrument: str) -> str:
    taken = set(Reconciliation.objects.filter(name__startswith=instrument).values_list("name", flat=True))
    names = (instrument if number == 1 else f"{instrument} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _run_of(row: Reconciliation, key: str) -> ReconciliationRun | None:
    if not key:
        return row.runs.first()
    try:
        return get_object_or_404(row.runs, pk=UUID(key))
    except ValueError:
        raise Http404("That is no run's id.") from None


def _number(text: str, count: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 and int(text) < count else 0
