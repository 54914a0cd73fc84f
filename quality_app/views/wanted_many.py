"""Many declarations of wanted data at once: pasted lines, and what the stores hold already."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset, Store
from catalog_app.services import browse
from catalog_app.views.users import user_of
from quality_app.forms.wanted import PasteForm, PresentForm
from quality_app.services.wanted import WANTED_TYPES
from quality_app.services.wanted_lines import COLUMNS, MOST_LINES, declare_present, keep, plan, undeclared

SHOWN: Final = 200
EXAMPLE: Final = "\n".join(
    (
        "EUR/USD.SIM, bar, 1-MINUTE-BID, 2024-01-01, now, 15 min",
        "BTCUSDT.BINANCE, trade, , 2024-01-01, 2024-06-30",
    )
)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.add_wanteddata", raise_exception=True)
def wanted_paste(request: HttpRequest) -> HttpResponse:
    """Lines to paste, then what they would make and which are refused; `keep` makes the good ones."""
    form = PasteForm(request.POST or None)
    found, status = None, 200
    if request.method == "POST":
        if form.is_valid():
            found = plan(form.cleaned_data["lines"], parse_moment)
            if found.rows and "keep" in request.POST:
                kept = keep(found.rows, user_of(request))
                _tell(request, kept, len(found.refused))
                return redirect("quality:wanted")
            if found.problem:
                form.add_error("lines", found.problem)
        status = 422 if form.errors or (found and not found.rows) else 200
    context = {
        "form": form,
        "plan": None if form.errors else found,
        "shown": f":{SHOWN}",
        "most": MOST_LINES,
        "columns": COLUMNS,
        "example": EXAMPLE,
    }
    return render(request, "quality/wanted_paste.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(("quality_app.add_wanteddata", "catalog_app.view_dataset"), raise_exception=True)
def wanted_present(request: HttpRequest) -> HttpResponse:
    """Datasets that no declaration means; on POST the chosen ones, or `all` that match, are wanted until now."""
    filters = browse.read_filters(request.GET)
    free = undeclared(browse.datasets(filters).defer("metadata"))
    form = PresentForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        chosen = free if "all" in request.POST else _chosen(request, free)
        if chosen:
            data = form.cleaned_data
            made = declare_present(chosen, data["max_age"], user_of(request), in_store=data["in_store"])
            _tell(request, made, 0)
            return HttpResponseRedirect(reverse("quality:wanted"))
        problem = "Choose at least one dataset."
    context = {
        "filters": filters,
        "form": form,
        "problem": problem,
        "datasets": free[:SHOWN],
        "number": len(free),
        "chosen": set(request.POST.getlist("dataset")),
        "types": WANTED_TYPES,
        "stores": Store.objects.values_list("name", flat=True),
    }
    status = 422 if problem or form.errors else 200
    return render(request, "quality/wanted_present.html", context, status=status)


def _chosen(request: HttpRequest, free: list[Dataset]) -> list[Dataset]:
    keys = set()
    for text in request.POST.getlist("dataset"):
        try:
            keys.add(UUID(text))
        except ValueError:
            continue
    return [dataset for dataset in free if dataset.pk in keys]


def _tell(request: HttpRequest, made: int, refused: int) -> None:
    left = f" {refused:,} line{'s were' if refused != 1 else ' was'} left out." if refused else ""
    messages.success(request, f"{made:,} declared as wanted.{left}")
