"""Operations on what was found: anomalies, integrity, reconciliations. Gaps have a module of their own."""

from __future__ import annotations

from django.db.models import Max, Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router
from ninja.errors import HttpError

from catalog_app.api import cursors
from catalog_app.api.auth import access
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.api.schemas import iso
from quality_app.api import finding_schemas, queries, schemas, shapes
from quality_app.api.lookups import by_time, datasets_of, instrument_or_404, moment_ns
from quality_app.models import Anomaly, Reconciliation, ReconciliationRun
from quality_app.services.anomalies.standing import with_standing
from quality_app.services.integrity import integrity

anomalies = Router(tags=["Quality"], by_alias=True)
integrities = Router(tags=["Quality"], by_alias=True)
reconciliations = Router(tags=["Quality"], by_alias=True)

ANOMALIES = access("read", permission="quality_app.view_anomaly")
RESULTS = access("read", permission="quality_app.view_checkresult")
RECONCILED = access("read", permission="quality_app.view_reconciliation")


@anomalies.get("/{path:instrument}", response=schemas.AnomalyPage, summary="Anomalies of an instrument", **ANOMALIES)
def list_anomalies(
    request: HttpRequest,
    instrument: str,
    query: Query[queries.AnomalyQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.AnomalyPage:
    """Rows that checks found, the newest first: open ones, or those of another `state`."""
    found = Anomaly.objects.filter(instrument_id=instrument_or_404(instrument).instrument_id)
    wanted = {name: getattr(query, name) for name in ("data_type", "timeframe", "type", "severity")}
    found = with_standing(found.filter(**{name: value for name, value in wanted.items() if value}))
    if query.state != "all":
        found = found.filter(Q(("standing", query.state)))
    if (first := moment_ns(query.start, "start")) is not None:
        found = found.filter(ts_init_ns__gte=first)
    if (last := moment_ns(query.end, "end", end=True)) is not None:
        found = found.filter(ts_init_ns__lte=last)
    rows, following = by_time(found.order_by("-ts_init_ns", "-pk"), "ts_init_ns", limit, cursor, descending=True)
    return schemas.AnomalyPage(anomalies=[shapes.anomaly(row) for row in rows], next_cursor=following)


@integrities.get(
    "/{path:instrument}", response=finding_schemas.IntegrityReport, summary="Integrity of an instrument", **RESULTS
)
def get_integrity(
    request: HttpRequest,
    instrument: str,
    query: Query[queries.InstrumentQuery],
) -> finding_schemas.IntegrityReport:
    """Counts of right, wrong, doubled and missing rows from the latest runs; bounds where `exact` is false."""
    found = instrument_or_404(instrument)
    sums = integrity(datasets_of(found, query))
    return shapes.integrity(found.instrument_id, sums, iso(timezone.now()) or "")


@reconciliations.get("", response=finding_schemas.ReconciliationPage, summary="Reconciliations by name", **RECONCILED)
def list_reconciliations(
    request: HttpRequest,
    query: Query[queries.ReconciliationQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> finding_schemas.ReconciliationPage:
    """Which sources are held against each other; all, or those of an instrument."""
    found = Reconciliation.objects.order_by("name").prefetch_related("sources")
    if query.instrument_id:
        found = found.filter(instrument_id=instrument_or_404(query.instrument_id).instrument_id)
    if cursor:
        found = found.filter(name__gt=cursors.decode(cursor, str)[0])
    rows = list(found[: limit + 1])
    latest = _latest([row.pk for row in rows])
    return finding_schemas.ReconciliationPage(
        reconciliations=[shapes.reconciliation(row, latest.get(row.pk)) for row in rows[:limit]],
        next_cursor=cursors.encode(rows[limit - 1].name) if len(rows) > limit else None,
    )


@reconciliations.get(
    "/{reconciliation_id}", response=finding_schemas.ReconciliationDetail, summary="One reconciliation", **RECONCILED
)
def get_reconciliation(request: HttpRequest, reconciliation_id: int) -> finding_schemas.ReconciliationDetail:
    """A reconciliation with what its latest run found: per pair matched points, differences, lead or lag."""
    if reconciliation_id >= 2**63:
        raise HttpError(422, "reconciliation_id: it is too large.")
    row = get_object_or_404(Reconciliation.objects.prefetch_related("sources"), pk=reconciliation_id)
    latest = row.runs.defer("series", "files").first()
    return finding_schemas.ReconciliationDetail(
        **shapes.reconciliation(row, latest).model_dump(),
        latest_run=shapes.reconciliation_run(latest) if latest else None,
    )


def _latest(keys: list[int]) -> dict[int, ReconciliationRun]:
    """The latest run of each reconciliation, without what it found."""
    mine = ReconciliationRun.objects.filter(reconciliation__in=keys)
    wanted = Q(pk=None)
    for key, at in mine.order_by().values_list("reconciliation").annotate(Max("finished_at")):
        wanted |= Q(reconciliation=key, finished_at=at)
    return {run.reconciliation_id: run for run in mine.filter(wanted).only("reconciliation_id", "finished_at")}
