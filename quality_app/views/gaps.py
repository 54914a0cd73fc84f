"""Gaps: the list with its filters and its file, and pages that show how they lie. One gap has a page of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import permission_required
from django.core.handlers.asgi import ASGIRequest
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from catalog_app.forms.fields import parse_moment
from catalog_app.views.htmx import render_page, wants_fragment
from quality_app.models import Gap
from quality_app.services.anomalies.listing import CountedPaginator
from quality_app.services.gaps import completeness as months
from quality_app.services.gaps import heatmap as days
from quality_app.services.gaps import histogram as lengths
from quality_app.services.gaps import listing
from quality_app.services.gaps import timeline as strips
from quality_app.services.gaps.days import within_day
from quality_app.services.gaps.exporting import FORMATS
from quality_app.services.gaps.filters import OPEN, Filters, chosen_dataset, read_filters

TABLE_LINES = 200
COLUMNS = (
    ("start", "Start, UTC", "num"),
    ("", "End, UTC", "num middle-column"),
    ("instrument", "Instrument", ""),
    ("", "Type", ""),
    ("", "Store", "wide-column"),
    ("", "Cause", ""),
    ("", "Severity", ""),
    ("missing", "Missing", "num"),
    ("length", "Trading time", "num"),
)
# What the last column tells, by the state that is shown.
LAST_COLUMN = {
    "open": ("", "Found, UTC", "num wide-column"),
    "expected": ("", "Reason", ""),
    "filled": ("", "Filled, UTC", "num"),
    "all": ("", "State", ""),
}
NOTES = {
    "bars": "First and last missing close.",
    "seconds": "Last row before and first row after.",
    "rows": "Rows around a hole in the numbering.",
}
may_see = permission_required("quality_app.view_gap", raise_exception=True)


@require_safe
@may_see
def gap_list(request: HttpRequest) -> HttpResponse:
    """The list; the address holds all of its state. Without a state it shows what is open."""
    filters = _filters(request)
    found = within_day(filters)
    facets = listing.facets(found)
    page = CountedPaginator(listing.gaps(found), facets.total).get_page(request.GET.get("page"))
    context = _context(request, filters, "gap-list") | {
        "facets": facets.menus,
        "states": facets.states,
        "page": page,
        "columns": [_column(filters.sort, *column) for column in (*COLUMNS, LAST_COLUMN[filters.state])],
        "notes": NOTES,
        "is_empty": not facets.total and not facets.states[-1].count and not filters.active(),
        "can_fill": _exists("quality:fill-new") and request.user.has_perm("quality_app.fill_gap"),
        "formats": list(FORMATS),
    }
    return _answer(request, "quality/gaps_list.html", context)


@require_safe
@may_see
def gap_file(request: HttpRequest, format_name: str) -> StreamingHttpResponse:
    """All gaps that the filters let through, as a file."""
    if format_name not in FORMATS:
        raise Http404("Gaps are written as csv or json.")
    content_type, write = FORMATS[format_name]
    parts = write(within_day(_filters(request)))
    response = StreamingHttpResponse(
        _later(parts) if isinstance(request, ASGIRequest) else parts, content_type=content_type
    )
    name = f"gaps-{timezone.now():%Y%m%dT%H%M%SZ}.{format_name}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@may_see
def heatmap(request: HttpRequest) -> HttpResponse:
    """Days by the share that is there."""
    filters = _filters(request)
    context = _context(request, filters, "gap-heatmap") | {
        "facets": listing.dataset_facets(filters),
        "map": days.heatmap(filters, _number(request.GET.get("until", ""))),
        "legend": days.LEGEND,
        "shape": {"width": days.WIDTH, "height": days.HEIGHT, "cell": days.CELL - 2, "base": days.HEIGHT - 6},
        "weekdays": [
            (days.TOP + number * days.CELL + 9, name) for number, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
        ],
    }
    return _answer(request, "quality/gaps_heatmap.html", context)


@require_safe
@may_see
def timeline(request: HttpRequest) -> HttpResponse:
    """Holes of many datasets below each other."""
    filters = _filters(request)
    drawn = strips.timeline(filters)
    context = _context(request, filters, "gap-timeline") | {
        "facets": [*listing.dataset_facets(filters)],
        "drawn": drawn,
        "presets": strips.presets(drawn.end_ns) if drawn else [],
        "causes": Gap.Cause.choices,
        "shape": {
            "width": strips.WIDTH,
            "label": strips.LABEL,
            "right": strips.LABEL + strips.PLOT,
            "plot": strips.PLOT,
        },
    }
    return _answer(request, "quality/gaps_timeline.html", context)


@require_safe
@may_see
def histogram(request: HttpRequest) -> HttpResponse:
    """Gaps by their length."""
    filters = _filters(request)
    found = within_day(filters)
    facets = listing.facets(found)
    context = _context(request, filters, "gap-lengths") | {
        "facets": facets.menus,
        "states": facets.states,
        "bins": lengths.histogram(found),
        "total": facets.total,
        "causes": Gap.Cause.choices,
        "shape": {"width": len(lengths.LABELS) * lengths.STEP, "height": lengths.HEIGHT},
    }
    return _answer(request, "quality/gaps_lengths.html", context)


@require_safe
@may_see
def completeness(request: HttpRequest) -> HttpResponse:
    """Completeness by venue, dataset or month."""
    filters = _filters(request)
    by = request.GET.get("by", "venue")
    by = by if by in months.BY else "venue"
    page = Paginator(months.completeness(filters, by), TABLE_LINES).get_page(request.GET.get("page"))
    months.with_datasets(list(page.object_list))
    context = _context(request, filters, "gap-completeness") | {
        "facets": listing.dataset_facets(filters),
        "by": by,
        "choices": months.BY,
        "noun": f"{by}s",
        "page": page,
    }
    return _answer(request, "quality/gaps_completeness.html", context)


# The views of gaps: name of the address, label, whether all filters hold there or those of datasets alone.
PAGES = (
    ("gap-list", "List", True),
    ("gap-heatmap", "Calendar", False),
    ("gap-timeline", "Timeline", True),
    ("gap-lengths", "Lengths", True),
    ("gap-completeness", "Completeness", False),
)


def _filters(request: HttpRequest) -> Filters:
    return read_filters(request.GET, parse_moment)


def _context(request: HttpRequest, filters: Filters, name: str) -> dict[str, Any]:
    """What every page of gaps has: its filters, and the other pages with the same."""
    everything = next(whole for page, _, whole in PAGES if page == name)
    chosen = chosen_dataset(filters)
    active = filters.active() if everything else filters.scope() | _range(filters, name)
    pages = [
        (
            f"{reverse(f'quality:{page}')}{filters.query(sort='') if whole else filters.scope_query()}",
            label,
            page == name,
        )
        for page, label, whole in PAGES
    ]
    return {
        "filters": filters,
        "given": active,
        "active": active | ({"dataset": str(chosen or "unknown")} if filters.dataset else {}),
        "chosen": chosen,
        "here": reverse(f"quality:{name}"),
        "pages": pages,
        "page_name": name,
        "has_gap_page": _exists("quality:gap", "00000000-0000-0000-0000-000000000000"),
    }


def _range(filters: Filters, name: str) -> dict[str, str]:
    return {
        key: value for key in ("start", "end") if name == "gap-completeness" and (value := str(getattr(filters, key)))
    }


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render_page(request, template, "results", context)
    if wants_fragment(request):
        query = request.GET.copy()
        for name in [name for name, value in query.items() if not value or (name, value) == ("state", OPEN)]:
            del query[name]
        response["HX-Push-Url"] = f"{request.path}?{query.urlencode()}".rstrip("?")
    return response


def _column(sort: str, name: str, label: str, css: str) -> dict[str, str]:
    """A heading: where a click leads, and how the column is sorted now; without a name it cannot be sorted by."""
    current, descending = bool(name) and sort.removeprefix("-") == name, sort.startswith("-")
    following = (name if descending else f"-{name}") if current else (f"-{name}" if css else name)
    state = ("descending" if descending else "ascending") if current else ""
    return {"label": label, "css": css, "sort": state, "next": following if name else ""}


def _exists(name: str, *args: str) -> bool:
    try:
        reverse(name, args=args)
    except NoReverseMatch:
        return False
    return True


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else None


async def _later(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """For ASGI: Django would collect a plain iterator in memory there."""

    @sync_to_async
    def following() -> bytes | None:
        return next(parts, None)

    while (part := await following()) is not None:
        yield part
