"""Operations on gaps: listing them, one in full, scanning, and how complete days and months are."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from ninja.errors import HttpError

from catalog_app.api import cursors
from catalog_app.api.accepted import Accepted, accepted, queues_job
from catalog_app.api.auth import access, caller, idempotency_key
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.models import Dataset, Store
from quality_app.api import gap_schemas, gap_shapes
from quality_app.api.lookups import by_time, datasets_of, instrument_or_404, moment, moment_ns
from quality_app.models import Gap
from quality_app.services.gaps.expecting import expect, unexpect
from quality_app.services.gaps.fills import fills_of
from quality_app.services.gaps.filters import ANY, FILLED, STATE
from quality_app.services.gaps.periods import days_of, months_of
from quality_app.services.gaps.scanning import request_scan
from quality_app.services.gaps.session_days import expected_units

router = Router(tags=["Gaps"], by_alias=True)
datasets = Router(tags=["Gaps"], by_alias=True)

# Scopes of those who start work.
STARTS = ("export", "import")
READ = access("read", permission="quality_app.view_gap")
EXPECT = access(*STARTS, "admin", permission="quality_app.expect_gap")
_FORMS = {"day": "%Y-%m-%d", "month": "%Y-%m"}


@router.post("/scan", summary="Scan datasets for gaps", **queues_job("quality_app.scan_gaps", *STARTS))
def scan(request: HttpRequest, response: HttpResponse, body: gap_schemas.ScanBody) -> Accepted:
    """Queues a job; its result has a summary of each dataset, and the gaps are kept.

    With `start` or `end` what is missing at the ends of that time counts too; the result is reported and not kept.
    Honours `Idempotency-Key`.
    """
    start, end = moment_ns(body.start, "start"), moment_ns(body.end, "end", end=True)
    if start is not None and end is not None and start > end:
        raise HttpError(422, "start: the range ends before it begins.")
    found = _wanted(body)
    job = request_scan(
        found, caller(request), start_ns=start, end_ns=end, force=body.force, idempotency_key=idempotency_key(request)
    )
    return accepted(response, job)


@router.get("/{uuid:gap_id}", response=gap_schemas.GapDetail, summary="One gap", **READ)
def get_gap(request: HttpRequest, gap_id: UUID) -> gap_schemas.GapDetail:
    """A gap with what led to its cause, what it was before, and what was filled in."""
    row = get_object_or_404(_rows(), pk=gap_id)
    return gap_shapes.gap_detail(row, expected_units([row])[row.pk], fills_of(row))


@router.post("/{uuid:gap_id}/expected", response=gap_schemas.GapDetail, summary="Mark a gap as expected", **EXPECT)
def mark_expected(request: HttpRequest, gap_id: UUID, body: gap_schemas.ExpectedBody) -> gap_schemas.GapDetail:
    """There was nothing to have: the gap stays listed with the reason, and counts in no score. 409 once it is filled.

    A gap that is marked already takes the new reason.
    """
    _require_unfilled(gap_id)
    expect([gap_id], body.reason, caller(request))
    return get_gap(request, gap_id)


@router.delete("/{uuid:gap_id}/expected", response=gap_schemas.GapDetail, summary="Take an expectation back", **EXPECT)
def unmark_expected(request: HttpRequest, gap_id: UUID) -> gap_schemas.GapDetail:
    """The gap is open again and counts as before. 409 once it is filled."""
    _require_unfilled(gap_id)
    unexpect([gap_id], caller(request))
    return get_gap(request, gap_id)


@router.get("/{path:instrument}", response=gap_schemas.GapPage, summary="Gaps of an instrument", **READ)
def list_gaps(
    request: HttpRequest,
    instrument: str,
    query: Query[gap_schemas.GapQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> gap_schemas.GapPage:
    """Missing units inside trading sessions: open ones, or those of another `state`. A gap counts if it overlaps."""
    held = datasets_of(instrument_or_404(instrument), query)
    if query.store:
        store = get_object_or_404(Store, name=query.store)
        held = [row for row in held if row.store_id == store.pk]
    wanted = Q(dataset__in=[row.pk for row in held]) & _in_state(query)
    for name in ("severity", "cause", "unit"):
        if value := getattr(query, name):
            wanted &= Q((name, value))
    if (first := moment_ns(query.start, "start")) is not None:
        wanted &= Q(end_ns__gte=first)
    if (last := moment_ns(query.end, "end", end=True)) is not None:
        wanted &= Q(start_ns__lte=last)
    rows, following = by_time(_rows().filter(wanted).order_by("start_ns", "pk"), "start_ns", limit, cursor)
    expected = expected_units(rows)
    return gap_schemas.GapPage(gaps=[gap_shapes.gap(row, expected[row.pk]) for row in rows], next_cursor=following)


@datasets.get(
    "/{uuid:dataset_id}/completeness",
    response=gap_schemas.CompletenessPage,
    summary="Completeness by day or month",
    **READ,
)
def get_completeness(
    request: HttpRequest,
    dataset_id: UUID,
    query: Query[gap_schemas.CompletenessQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> gap_schemas.CompletenessPage:
    """What sessions expect of a dataset and what is missing, by session day or month, the oldest first.

    From the latest scan; empty before the first one, and where completeness is unknown.
    """
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    start, end = _day(query.start, "start"), _day(query.end, "end")
    if cursor:
        start = _day(str(cursors.decode(cursor, str)[0]), "cursor")
    found = (days_of if query.by == "day" else months_of)(dataset, start, end, limit + 1)
    periods = [gap_shapes.period(one, _FORMS[query.by]) for one in found[:limit]]
    following = cursors.encode(found[limit].first.isoformat()) if len(found) > limit else None
    return gap_shapes.completeness(dataset, periods, following)


def _in_state(query: gap_schemas.GapQuery) -> Q:
    if query.state == ANY:
        return Q()
    return STATE[query.state] | STATE[FILLED] if query.include_filled else STATE[query.state]


def _rows() -> QuerySet[Gap]:
    return Gap.objects.select_related("dataset__store", "dataset__definition", "expected_by").defer(
        "dataset__metadata", "dataset__definition__definition"
    )


def _require_unfilled(gap_id: UUID) -> None:
    if get_object_or_404(Gap, pk=gap_id).filled_at is not None:
        raise HttpError(409, "The gap is filled: there is nothing to expect any more.")


def _day(text: str, name: str) -> date | None:
    found = moment(text, name)
    return found.date() if found else None


def _wanted(body: gap_schemas.ScanBody) -> list[Dataset]:
    if not body.instrument_id and not body.dataset_ids:
        raise HttpError(422, "Name an instrumentId, datasetIds, or both.")
    found = {row.pk: row for row in Dataset.objects.select_related("store").filter(pk__in=body.dataset_ids)}
    if missing := [str(key) for key in body.dataset_ids if key not in found]:
        raise Http404(f"There is no dataset {', '.join(missing[:3])}.")
    if body.instrument_id:
        found |= {row.pk: row for row in instrument_or_404(body.instrument_id).datasets}
    wanted = [
        row for row in found.values() if body.data_type in {"", row.data_type} and body.timeframe in {"", row.timeframe}
    ]
    if not wanted:
        raise HttpError(422, "The stores hold no such data.")
    return wanted
