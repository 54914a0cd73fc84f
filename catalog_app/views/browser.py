"""The catalog browser: a lazy tree beside a filtered table; the address holds all of its state."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog_app.services import browse
from catalog_app.views.htmx import render_page, wants_fragment

COLUMNS = (
    ("instrument", "Instrument", ""),
    ("type", "Type", ""),
    ("timeframe", "Timeframe", ""),
    ("store", "Store", ""),
    ("dialect", "Dialect", ""),
    ("start", "First, UTC", "num"),
    ("end", "Last, UTC", "num"),
    ("rows", "Rows", "num"),
    ("size", "Size", "num"),
    ("files", "Files", "num"),
    ("score", "Score", ""),
    ("gaps", "Gaps", "num"),
)
# Columns whose first click shows the largest first.
LARGEST_FIRST = frozenset({"end", "rows", "size", "files", "gaps"})


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def browser(request: HttpRequest) -> HttpResponse:
    """Tree and table, or only the table's part for htmx."""
    filters = browse.read_filters(request.GET)
    page = Paginator(browse.datasets(filters), browse.PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "filters": filters,
        "active": filters.active(),
        "facets": browse.facets(filters),
        "page": page,
        "columns": [_column(filters.sort, *column) for column in COLUMNS],
        "search_text": filters.q,
        "has_stores": browse.has_stores(),
    }
    if wants_fragment(request):
        response = render_page(request, "catalog/browser.html", "results", context)
        # Forms send empty fields too: the address keeps only what restricts.
        response["HX-Push-Url"] = f"{request.path}?{urlencode(_canonical(request, filters))}".rstrip("?")
        return response
    return render_page(request, "catalog/browser.html", "results", context | _open_tree(filters))


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def tree_children(request: HttpRequest) -> HttpResponse:
    """The instruments of `venue`, or the datasets of `instrument` at that venue."""
    if "venue" not in request.GET:
        raise Http404("name a venue")
    venue, instrument = request.GET["venue"], request.GET.get("instrument")
    if instrument is None:
        context = {"venue": venue, "instruments": browse.instruments_of(venue), "filters": browse.Filters()}
        return render(request, "catalog/tree.html#instruments", context)
    leaves = browse.leaves_of(venue, instrument)
    return render(request, "catalog/tree.html#leaves", {"leaves": leaves})


def _open_tree(filters: browse.Filters) -> dict[str, object]:
    """The tree as the address has it open, so that it works on reload and without scripts."""
    instruments = browse.instruments_of(filters.venue) if filters.venue else []
    leaves = browse.leaves_of(filters.venue, filters.instrument) if filters.venue and filters.instrument else []
    return {"venues": browse.venues(), "venue": filters.venue, "instruments": instruments, "leaves": leaves}


def _canonical(request: HttpRequest, filters: browse.Filters) -> dict[str, str]:
    rest = {"sort": filters.sort, "page": request.GET.get("page", "")}
    return filters.active() | {name: value for name, value in rest.items() if value}


def _column(sort: str, name: str, label: str, css: str) -> dict[str, str]:
    """A heading: where a click leads, and how the column is sorted now."""
    current, descending = sort.removeprefix("-") == name, sort.startswith("-")
    begins_descending = name in LARGEST_FIRST
    following = f"-{name}" if (not descending if current else begins_descending) else name
    state = ("descending" if descending else "ascending") if current else ""
    return {"label": label, "css": css, "sort": state, "next": following}
