"""Asking for reports, by hand or by schedule, and writing them as jobs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from catalog_app.models import Job
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import JobFailed, Progress, enqueue
from quality_app.models import QualityReport, Schedule
from quality_app.services.reports.content import build
from quality_app.services.reports.document import VERSION, Document
from quality_app.services.reports.mail import NotMailed, addresses, mail_is_set, send
from quality_app.services.reports.scope import Scope, ScopeUnknown, parts_of, scope_of
from quality_app.services.schedules import starts

Period = QualityReport.Period
LENGTHS: Final = {Period.DAILY.value: timedelta(days=1), Period.WEEKLY.value: timedelta(weeks=1)}
LONGEST: Final = timedelta(days=366)
# Reports that one schedule may write in a run.
AT_MOST: Final = 500


class PeriodRefused(Conflict):
    """The wanted period is none; the text says why."""


def request_report(
    scope: Scope, period: str, user: User | None, start: datetime | None = None, end: datetime | None = None
) -> Job:
    """Enqueue one report: of the last day or week, or of a custom period (start, end].

    Raises:
        PeriodRefused: a custom period is empty, longer than a year, or not over.

    """
    now = timezone.now().replace(microsecond=0)
    if period != Period.CUSTOM:
        start, end = now - LENGTHS[period], now
    if start is None or end is None or start >= end:
        raise PeriodRefused("The period must begin before it ends.")
    if end > timezone.now():
        raise PeriodRefused("The period must be over: choose an end up to now.")
    if end - start > LONGEST:
        raise PeriodRefused("A report covers at most 366 days.")
    title = f"{Period(period).label} report, {scope.label}"
    return enqueue("report", _parameters([scope], period, start, end), title=title, user=user, queue=Job.Queue.HEAVY)


def request_sending(kept: QualityReport, user: User | None) -> Job:
    """Enqueue mailing a kept report to the addresses that it did not reach yet.

    Raises:
        Conflict: there is no mail server, nobody to send to, or a job for it is under way.

    """
    if not mail_is_set():
        raise Conflict("The desk has no mail server: set EMAIL_URL first.")
    if not kept.unsent:
        raise Conflict("This report was mailed to all of its addresses already.")
    title = f"Mail {kept}"
    if Job.objects.filter(kind="report", title=title[:300], state__in=("queued", "running")).exists():
        raise Conflict("This report is being mailed just now.")
    scope = Scope(kept.scope, kept.key, kept.label)
    parameters = _parameters([scope], kept.period, kept.start, kept.end)
    parameters["reports"][0]["reportId"] = str(kept.pk)
    return enqueue("report", parameters, title=title, user=user, queue=Job.Queue.INTERACTIVE)


@starts("report")
def start_scheduled(schedule: Schedule) -> Job | None:
    """Start what a schedule asks for: its scope, or each venue or instrument in it (`each`); None without data.

    Raises:
        ScopeUnknown: its store, venue or instrument is no longer there.
        Conflict: its addresses are wrong, or it asks for too many reports at once.

    """
    wanted = schedule.scope
    scope = _scope_of(wanted)
    scopes = parts_of(scope, wanted["each"]) if wanted.get("each") else [scope]
    scopes = [one for one in scopes if one.datasets().exists()]
    if len(scopes) > AT_MOST:
        raise Conflict(f"{len(scopes):,} reports at once are too many: at most {AT_MOST}. Narrow the schedule.")
    if not scopes:
        return None
    try:
        recipients = addresses(wanted.get("recipients", ()))
    except ValidationError as error:
        raise Conflict(f"Mend the schedule's addresses: {'; '.join(error.messages)}") from None
    period = wanted.get("period", Period.DAILY)
    end = timezone.now().replace(microsecond=0)
    start = _follows(schedule, period, end)
    parameters = _parameters(scopes, period, start, end)
    parameters |= {"recipients": recipients, "scheduleId": str(schedule.pk)}
    return enqueue("report", parameters, title=f"{schedule.name}: {_number(scopes)}", user=None)


def write_reports(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Build, keep and mail the reports of a job; what is kept already is not built again.

    Raises:
        JobFailed: some could not be built or mailed; the others are done.

    """
    wanted = parameters["reports"]
    progress.stage("Writing reports", total=len(wanted), unit="reports")
    written: list[str] = []
    failed: list[str] = []
    for one in wanted:
        progress.check()
        try:
            kept = QualityReport.objects.filter(pk=one["reportId"]).first() or _write(progress, parameters, one)
            written.append(str(kept.pk))
            _mail(progress, kept)
        except (ScopeUnknown, NotMailed) as error:
            failed.append(f"{one['label']}: {error}")
            progress.log(failed[-1], "error")
        progress.advance(1)
    if failed:
        raise JobFailed("; ".join(failed[:3]))
    return {"reportIds": written}


def purge_expired(now: datetime) -> int:
    """Delete reports whose time is over; return how many."""
    return QualityReport.objects.filter(expires_at__lte=now).delete()[0]


def _write(progress: Progress, parameters: dict[str, Any], one: dict[str, Any]) -> QualityReport:
    scope = scope_of(one["scope"], one["key"])
    start, end = (datetime.fromisoformat(parameters[name]) for name in ("start", "end"))
    progress.part(f"Writing the report on {scope.label}")
    document = build(scope, parameters["period"], start, end, timezone.now())
    schedule = Schedule.objects.filter(pk=parameters["scheduleId"]).first() if "scheduleId" in parameters else None
    progress.check()
    with transaction.atomic():
        kept, _ = QualityReport.objects.get_or_create(
            pk=uuid.UUID(one["reportId"]),
            defaults={
                **_columns(document),
                "scope": scope.kind,
                "key": scope.key,
                "label": scope.label,
                "period": parameters["period"],
                "start": start,
                "end": end,
                "job_id": progress.job_id,
                "created_by": progress.user,
                "schedule": schedule,
                "recipients": parameters.get("recipients", []),
                "expires_at": _expiry() if schedule else None,
            },
        )
    return kept


def _columns(document: Document) -> dict[str, Any]:
    overall = document.figure("scores", "overall")
    return {"content": document.to_json(), "version": VERSION, "score": overall.value if overall else None}


def _mail(progress: Progress, kept: QualityReport) -> None:
    if not kept.unsent:
        return
    if not mail_is_set():
        progress.log(f"{kept.label}: not mailed, since EMAIL_URL is not set.", "warning")
        return
    progress.part(f"Mailing the report on {kept.label}")
    reached = send(kept)
    progress.log(f"{kept.label}: mailed to {', '.join(reached)}.")


def _parameters(scopes: Iterable[Scope], period: str, start: datetime, end: datetime) -> dict[str, Any]:
    # Their keys are given here, so that a job that runs twice writes each report once.
    reports = [{"reportId": str(uuid.uuid4()), "scope": one.kind, "key": one.key, "label": one.label} for one in scopes]
    return {"reports": reports, "period": period, "start": start.isoformat(), "end": end.isoformat()}


def _scope_of(wanted: dict[str, Any]) -> Scope:
    for name, kind in (("instrumentId", "instrument"), ("venue", "venue"), ("storeId", "store")):
        if wanted.get(name):
            return scope_of(kind, str(wanted[name]))
    return scope_of("catalog", "")


def _follows(schedule: Schedule, period: str, end: datetime) -> datetime:
    """Begin where the schedule's last report ended, when that is about a period ago: nothing falls between two."""
    length = LENGTHS.get(period, LENGTHS[Period.DAILY.value])
    last = schedule.reports.order_by("-end").values_list("end", flat=True).first()
    return last if last is not None and length / 2 <= end - last <= length * 3 / 2 else end - length


def _expiry() -> datetime | None:
    days = settings.REPORT_RETENTION_DAYS
    return timezone.now() + timedelta(days=days) if days else None


def _number(scopes: list[Scope]) -> str:
    return scopes[0].label if len(scopes) == 1 else f"{len(scopes):,} reports"
