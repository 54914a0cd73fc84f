"""Operations on quality: scores, their history, validation, runs, kept reports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router, Status
from ninja.errors import HttpError

from catalog_app.api import cursors
from catalog_app.api import shapes as catalog_shapes
from catalog_app.api.accepted import Accepted, accepted, queues_job
from catalog_app.api.auth import access, caller, idempotency_key
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.api.schemas import DateRange, iso
from catalog_app.models import Dataset, Store
from catalog_app.services.search import DIMENSIONS
from quality_app.api import queries, schemas, shapes
from quality_app.api.lookups import datasets_of, instrument_or_404, moment
from quality_app.checks.registry import CHECKS
from quality_app.models import QualityReport, ValidationRun
from quality_app.models.metric import AVERAGED
from quality_app.services import quality_report as reports
from quality_app.services.history import metrics
from quality_app.services.standing import STALE, Scope, groups, total
from quality_app.services.validation import listing as run_list
from quality_app.services.validation import validating
from quality_app.services.validation.changes import RunChanges, run_changes

router = Router(tags=["Quality"], by_alias=True)

SCORES = access("read", permission="quality_app.view_qualitymetric")
RESULTS = access("read", permission="quality_app.view_checkresult")
REPORTS = access("read", permission="quality_app.view_qualityreport")
VALIDATE = "quality_app.add_validationrun"
# Scopes of those who start work.
STARTS = ("export", "import")


@router.get(
    "/runs", url_name="list_validations", response=schemas.RunPage, summary="Validation runs, newest first", **RESULTS
)
def list_runs(
    request: HttpRequest,
    query: Query[queries.RunQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.RunPage:
    """What was validated when, with the sums of what was found; without the results."""
    for name in ("start", "end"):
        moment(getattr(query, name), name)
    scope = Scope(store=query.store, venue=query.venue, data_type=query.data_type)
    rows = run_list.runs(run_list.RunFilters(scope, found=query.found, start=query.start, end=query.end))
    if query.instrument_id:
        rows = rows.filter(dataset__instrument_id=instrument_or_404(query.instrument_id).instrument_id)
    page, following = cursors.newest_first(rows, limit, cursor, by="finished_at")
    return schemas.RunPage(runs=[shapes.run_info(line) for line in run_list.lines(page)], next_cursor=following)


@router.get(
    "/runs/{run_id}",
    url_name="get_validation",
    response=schemas.QualityReportInfo,
    summary="One validation run",
    **RESULTS,
)
def get_run(request: HttpRequest, run_id: UUID) -> schemas.QualityReportInfo:
    """The quality report of a run: every check with its exact counts and first rows, and what changed."""
    rows = ValidationRun.objects.select_related("dataset__store", "job").prefetch_related("results")
    run = get_object_or_404(rows, pk=run_id)
    changes = run_changes(run)
    seen = [row for row in reports.open_anomalies(run.dataset) if row.last_seen_at >= run.started_at]
    may_see = caller(request).has_perm("quality_app.view_anomaly")
    return shapes.report_of_run(run_list.lines([run])[0], changes, _scores_after(changes), seen if may_see else [])


@router.get("/reports", response=schemas.ReportPage, summary="Kept reports, newest first", **REPORTS)
def list_reports(
    request: HttpRequest,
    query: Query[queries.ReportQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.ReportPage:
    """Reports as they were written; without their content."""
    wanted = {name: value for name, value in query.model_dump().items() if value}
    rows = QualityReport.objects.filter(**wanted).select_related("created_by").defer("content")
    page, following = cursors.newest_first(rows.order_by("-created_at", "-pk"), limit, cursor)
    return schemas.ReportPage(reports=[shapes.report_info(row) for row in page], next_cursor=following)


@router.get("/reports/{report_id}", response=schemas.ReportDetail, summary="One kept report", **REPORTS)
def get_report(request: HttpRequest, report_id: UUID) -> schemas.ReportDetail:
    """A report with its content, which is never computed anew."""
    row = get_object_or_404(QualityReport.objects.select_related("created_by"), pk=report_id)
    return schemas.ReportDetail(**shapes.report_info(row).model_dump(), version=row.version, content=row.content)


@router.post("/validate", summary="Validate datasets", **queues_job(VALIDATE, *STARTS))
def validate(request: HttpRequest, response: HttpResponse, body: schemas.ValidateBody) -> Accepted:
    """Queues a job; its result names the runs (`runId`), whose reports are at `/quality/runs/{runId}`.

    Honours `Idempotency-Key`.
    """
    if unknown := sorted(set(body.checks or ()) - set(CHECKS)):
        raise HttpError(422, f"checks: there is no {', '.join(unknown)}. See the catalogue at /quality/checks/.")
    datasets = _wanted(body)
    job = validating.request_validation(
        datasets, caller(request), checks=body.checks, force=body.force, idempotency_key=idempotency_key(request)
    )
    return accepted(response, job)


@router.post(
    "/refresh",
    response={202: schemas.RefreshAccepted},
    summary="Validate what has changed",
    **access(*STARTS, "admin", permission=VALIDATE),
)
def refresh(request: HttpRequest, response: HttpResponse, body: schemas.RefreshBody) -> Status[schemas.RefreshAccepted]:
    """Queues a job over the datasets that were never validated or whose files have changed since."""
    rows = Dataset.objects.filter(validating.DUE)
    if body.store:
        rows = rows.filter(store=get_object_or_404(Store, name=body.store))
    if body.instrument_id:
        rows = rows.filter(instrument_id=instrument_or_404(body.instrument_id).instrument_id)
    datasets = list(rows.order_by("instrument_id", "pk"))
    job = None
    if datasets:
        job = validating.request_validation(datasets, caller(request), idempotency_key=idempotency_key(request))
        response["Location"] = reverse("api:get_job", args=(job.pk,))
    answer = schemas.RefreshAccepted(
        job_id=str(job.pk) if job else None,
        state=job.state if job else None,
        refreshed_instruments=sorted({row.instrument_id for row in datasets}),
        dataset_count=len(datasets),
    )
    return Status(202, answer)


@router.get("/trend/{path:instrument}", response=schemas.TrendAnswer, summary="Metrics over time", **SCORES)
def get_trend(
    request: HttpRequest,
    instrument: str,
    query: Query[queries.TrendQuery],
) -> schemas.TrendAnswer:
    """Points where a value changed; each holds until the next. The first is what held at `start`.

    Of longer lines the first, least, greatest and last point of equal stretches of time are kept as measured.
    """
    found = instrument_or_404(instrument)
    keys = [row.pk for row in datasets_of(found, query)]
    begin, finish = moment(query.start, "start"), moment(query.end, "end", end=True) or timezone.now()
    if begin is not None and begin >= finish:
        raise HttpError(422, "start: the range ends before it begins.")
    lines = metrics.series(keys, query.metric, begin, finish, query.max_points)
    return schemas.TrendAnswer(
        instrument_id=found.instrument_id,
        range=DateRange(start=iso(begin), end=iso(finish)),
        metrics=metrics.names_of(keys),
        series=[shapes.trend_series(line) for line in lines],
    )


@router.get("/{path:instrument}", response=schemas.InstrumentQuality, summary="Scores of an instrument", **SCORES)
def get_quality(
    request: HttpRequest,
    instrument: str,
    query: Query[queries.InstrumentQuery],
) -> schemas.InstrumentQuality:
    """Scores of each dataset, and their means over the datasets where they are known, each counted once."""
    found = instrument_or_404(instrument)
    held = datasets_of(found, query)
    mine = Dataset.objects.filter(pk__in=[row.pk for row in held])
    standing = total(groups(mine))
    newest = ValidationRun.objects.filter(dataset=OuterRef("pk")).order_by("-finished_at").values("pk")[:1]
    runs = dict(mine.order_by().values_list("pk", Subquery(newest)))
    stale = set(mine.filter(STALE).values_list("pk", flat=True))
    last = max((row.last_validated for row in held if row.last_validated), default=None)
    return schemas.InstrumentQuality(
        instrument_id=found.instrument_id,
        metrics=catalog_shapes.metrics(standing.means, iso(last)),
        lowest=standing.worst,
        datasets=[shapes.dataset_quality(row, runs.get(row.pk), is_stale=row.pk in stale) for row in held],
    )


def _wanted(body: schemas.ValidateBody) -> list[Dataset]:
    if not body.instrument_id and not body.dataset_ids:
        raise HttpError(422, "Name an instrumentId, datasetIds, or both.")
    found = {row.pk: row for row in Dataset.objects.select_related("store").filter(pk__in=body.dataset_ids)}
    if missing := [str(key) for key in body.dataset_ids if key not in found]:
        raise Http404(f"There is no dataset {', '.join(missing[:3])}.")
    if body.instrument_id:
        found |= {row.pk: row for row in instrument_or_404(body.instrument_id).datasets}
    if not found:
        raise HttpError(422, f"The stores hold no data of {body.instrument_id}.")
    return list(found.values())


def _scores_after(changes: RunChanges) -> dict[str, Decimal | None]:
    """The scores that held from a run until the next one began."""
    dataset = changes.run.dataset
    if changes.following is None:
        return {name: getattr(dataset, name) for name in DIMENSIONS} | {"overall": dataset.quality_score}
    until = changes.following.started_at
    held: dict[str, Any] = {
        line.name: line.points[-1].value for line in metrics.series([dataset.pk], AVERAGED, until, until)
    }
    return {name: held.get(name) for name in AVERAGED}
