"""Operations on what should be there, wanted data, and on what kept it from coming, incidents."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router

from catalog_app.api import cursors
from catalog_app.api.auth import access
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.api.schemas import iso, iso_ns
from catalog_app.models import Store
from quality_app.api import promise_schemas
from quality_app.api.lookups import by_time, moment_ns
from quality_app.models import SourceIncident, WantedData
from quality_app.services.wanted import path_id
from quality_app.services.wanted_status import Status, statuses

wanted = Router(tags=["Gaps"], by_alias=True)
incidents = Router(tags=["Gaps"], by_alias=True)

WANTED = access("read", permission="quality_app.view_wanteddata")
INCIDENTS = access("read", permission="quality_app.view_sourceincident")
NANOSECONDS = 1_000_000_000


@wanted.get("", response=promise_schemas.WantedPage, summary="Wanted data and how it stands", **WANTED)
def list_wanted(
    request: HttpRequest,
    query: Query[promise_schemas.WantedQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> promise_schemas.WantedPage:
    """Declarations that data should exist, measured against what is there: what is missing, overdue, or complete."""
    found = WantedData.objects.order_by("instrument_id", "data_type", "timeframe", "pk")
    if query.instrument_id:
        found = found.filter(instrument_id=path_id(query.instrument_id))
    if query.data_type:
        found = found.filter(data_type=query.data_type)
    if query.store:
        found = found.filter(store=get_object_or_404(Store, name=query.store))
    begin = cursors.offset_of(cursor)
    until = begin + limit
    if query.state:
        standing = [one for one in statuses(found) if one.state == query.state]
        page, is_last = standing[begin:until], len(standing) <= until
    else:
        page, is_last = statuses(_slice(found, begin, until)), not found[until : until + 1].exists()
    return promise_schemas.WantedPage(
        wanted=[_wanted(one) for one in page], next_cursor=None if is_last else cursors.encode(until)
    )


@wanted.get("/{wanted_id}", response=promise_schemas.WantedInfo, summary="One declaration", **WANTED)
def get_wanted(request: HttpRequest, wanted_id: UUID) -> promise_schemas.WantedInfo:
    """A declaration that data should exist, measured against what is there."""
    get_object_or_404(WantedData, pk=wanted_id)
    (found,) = statuses(WantedData.objects.filter(pk=wanted_id))
    return _wanted(found)


@incidents.get("", response=promise_schemas.IncidentPage, summary="Incidents, newest first", **INCIDENTS)
def list_incidents(
    request: HttpRequest,
    query: Query[promise_schemas.IncidentQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> promise_schemas.IncidentPage:
    """Known interruptions of sources. What is missing meanwhile has the cause outage."""
    found = SourceIncident.objects.select_related("store", "created_by").order_by("-start_ns", "-pk")
    if query.venue:
        found = found.filter(venue=query.venue)
    if query.instrument_id:
        found = found.filter(instrument_id=path_id(query.instrument_id))
    if query.store:
        found = found.filter(store=get_object_or_404(Store, name=query.store))
    if query.is_open is not None:
        found = found.filter(end_ns__isnull=query.is_open)
    if (first := moment_ns(query.start, "start")) is not None:
        found = found.filter(Q(end_ns=None) | Q(end_ns__gte=first))
    if (last := moment_ns(query.end, "end", end=True)) is not None:
        found = found.filter(start_ns__lte=last)
    rows, following = by_time(found, "start_ns", limit, cursor, descending=True)
    return promise_schemas.IncidentPage(incidents=[_incident(row) for row in rows], next_cursor=following)


def _slice(found: QuerySet[WantedData], begin: int, until: int) -> QuerySet[WantedData]:
    """A page as a query that may still be narrowed."""
    keys = list(found.values_list("pk", flat=True)[begin:until])
    return found.filter(pk__in=keys)


def _wanted(status: Status) -> promise_schemas.WantedInfo:
    row = status.wanted
    return promise_schemas.WantedInfo(
        wanted_id=str(row.pk),
        store=row.store.name if row.store else None,
        instrument_id=row.instrument_id,
        data_type=row.data_type,
        timeframe=row.timeframe,
        start=iso_ns(row.start_ns) or "",
        end=iso_ns(row.end_ns),
        max_age_seconds=row.max_age_seconds,
        is_active=row.is_active,
        note=row.note,
        state=status.state,
        until=iso_ns(status.until_ns),
        completeness=status.share,
        age_seconds=None if status.age_ns is None else status.age_ns / NANOSECONDS,
        since=iso_ns(status.since_ns),
        is_scanned=status.is_scanned,
        knows_hours=status.knows_hours,
        dataset_ids=[str(dataset.pk) for dataset in status.datasets],
    )


def _incident(row: SourceIncident) -> promise_schemas.IncidentInfo:
    return promise_schemas.IncidentInfo(
        incident_id=str(row.pk),
        title=row.title,
        venue=row.venue,
        instrument_id=row.instrument_id,
        store=row.store.name if row.store else None,
        start=iso_ns(row.start_ns) or "",
        end=iso_ns(row.end_ns),
        origin=row.origin,
        url=row.url,
        created_by=row.created_by.username if row.created_by else None,
        created_at=iso(row.created_at) or "",
    )
