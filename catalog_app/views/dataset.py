"""One dataset: what it is, its chart, its rows, its files, its history."""

import json
import re
import uuid
from datetime import UTC, datetime

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog_app.models import Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services import operations, preview
from catalog_app.services.coverage import coverage
from catalog_app.services.series import build_series, can_draw, no_chart_reason
from catalog_app.store.errors import StoreError
from catalog_app.views.htmx import render_page

FILES_PER_PAGE = 50
OPERATIONS = 20
DIMENSIONS = ("completeness", "accuracy", "consistency", "timeliness")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?(?:Z|\+00:00| UTC)?")


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def dataset(request: HttpRequest, catalog_id: uuid.UUID) -> HttpResponse:
    """The dataset's page, or the table of its files for htmx."""
    found = _dataset(catalog_id)
    files = Paginator(found.files.all(), FILES_PER_PAGE).get_page(request.GET.get("page"))
    history = list(operations.history(found.store, path=found.path)[: OPERATIONS + 1])
    context = {
        "dataset": found,
        "can_draw": can_draw(found) and found.state == IndexState.OK,
        "no_chart": no_chart_reason(found),
        "coverage": coverage([found]),
        "dimensions": [(name.capitalize(), getattr(found, name)) for name in DIMENSIONS],
        "files": files,
        "operations": history[:OPERATIONS] if request.user.has_perm("catalog_app.view_storeoperation") else (),
        "more_operations": len(history) > OPERATIONS,
    }
    return render_page(request, "catalog/dataset.html", "files", context)


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def dataset_series(request: HttpRequest, catalog_id: uuid.UUID) -> HttpResponse:
    """JSON: the chart between `start` and `end` (ISO UTC or ns); `figure` is null when nothing is there."""
    found = _dataset(catalog_id)
    try:
        start, end = (read_time(request.GET.get(name, "")) for name in ("start", "end"))
        series = build_series(found, start, end)
    except ValueError as error:
        return JsonResponse({"problem": str(error)}, status=400)
    except StoreError as error:
        return JsonResponse({"problem": f"{error} Sync the store, then reload."}, status=422)
    if series is None:
        return JsonResponse({"figure": None})
    # Nanoseconds do not fit a JavaScript number: they travel as text.
    about = {
        "startNs": str(series.start_ns),
        "endNs": str(series.end_ns),
        "rows": series.rows,
        "bucketNs": str(series.bucket_ns),
        "cut": series.cut,
    }
    body = f'{{"figure":{series.figure.to_json()},{json.dumps(about)[1:]}'
    return HttpResponse(body, content_type="application/json")


@require_safe
@permission_required("catalog_app.view_dataset", raise_exception=True)
def dataset_rows(request: HttpRequest, catalog_id: uuid.UUID) -> HttpResponse:
    """Fifty rows from `position`, or from the first row at or after `at` (ISO UTC or ns)."""
    found = _dataset(catalog_id)
    context: dict[str, object] = {"dataset": found, "at": request.GET.get("at", "")}
    status = 200
    try:
        context["rows"] = preview.row_page(found, _position(request, found))
    except (StoreError, ValueError) as error:
        context["problem"], status = str(error), 422
    return render_page(request, "catalog/rows.html", "rows", context, status=status)


def read_time(text: str) -> int | None:
    """A UTC time as ns: whole nanoseconds, or ISO with up to nine decimals; None when empty.

    Raises:
        ValueError: when the text is neither.

    """
    text = text.strip()
    if not text:
        return None
    if re.fullmatch(r"-?\d{1,19}", text):
        return max(-(2**63), min(int(text), 2**63 - 1))
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]} is not a UTC time such as 2024-01-31 21:05:00.")
    day, clock, fraction = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{text} is not a time: {error}.") from error
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9 + int(
        (fraction or "").ljust(9, "0")
    )


def _position(request: HttpRequest, found: Dataset) -> int:
    if (at := read_time(request.GET.get("at", ""))) is not None:
        return preview.position_at(found, at)
    text = request.GET.get("position", "").strip() or "0"
    if text == "last":
        return max((found.record_count or 0) - preview.PAGE_ROWS, 0)
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{text[:60]} is not a row position: give a whole number from 0.")
    return int(text)


def _dataset(catalog_id: uuid.UUID) -> Dataset:
    return get_object_or_404(Dataset.objects.select_related("store", "definition"), pk=catalog_id)
