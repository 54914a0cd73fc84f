"""One of each of the quality app's rows, all of the owner's dataset, and the keys that addresses have of them."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.models import (
    Anomaly,
    CalendarAssignment,
    CalendarDay,
    FillPolicy,
    Gap,
    GapFill,
    QualityReport,
    QualityRule,
    Reconciliation,
    Schedule,
    SourceIncident,
    Suppression,
    TradingCalendar,
    ValidationRun,
    WantedData,
)
from quality_app.services.reports.content import build
from quality_app.services.reports.document import VERSION
from quality_app.services.reports.scope import scope_of
from quality_app.services.rules.resolution import save_rule
from quality_app.services.rules.suppressing import suppress
from quality_app.services.schedules import save_schedule

# What a refused request must leave as it is.
MODELS = (
    QualityRule,
    Suppression,
    Schedule,
    ValidationRun,
    Anomaly,
    Reconciliation,
    QualityReport,
    Gap,
    GapFill,
    FillPolicy,
    SourceIncident,
    WantedData,
    TradingCalendar,
    CalendarDay,
    CalendarAssignment,
)


def make_quality_rows(dataset: Dataset, owner: User, mark: str) -> dict[str, Any]:
    """Make the rows; return keys by the name of the path's parameter, and by route where that is not enough."""
    now = timezone.now()
    save_rule(QualityRule(check_id="time.order", dataset=dataset, mode="off", note=f"{mark} note"), owner)
    suppression = suppress(dataset, "bar.ohlc", f"{mark} reason", owner, None)
    save_schedule(Schedule(name=f"{mark} schedule", kind="validate", time_utc=time(2)))
    run = ValidationRun.objects.create(dataset=dataset, started_at=now, finished_at=now, rows=0)
    anomaly = Anomaly.objects.create(
        dataset=dataset, data_type=dataset.data_type, check_id="bar.ohlc", check_version=1, type="spike",
        severity="major", file=f"{mark}.parquet", file_size=0, file_mtime_ns=0, row=0, ts_init_ns=0, timestamp=now,
        identity=mark,
    )  # fmt: skip
    pair = Reconciliation.objects.create(name=f"{mark} pair", instrument_id=dataset.instrument_id, created_by=owner)
    reconciliations = ("", "change/", "run/", "delete/")
    return {
        "check_id": "bar.ohlc",
        "suppression_id": suppression.pk,
        "run_id": run.pk,
        "anomaly_id": anomaly.pk,
        "reconciliation_id": pair.pk,
        **{f"quality/reconcile/<int:pk>/{end}": pair.pk for end in reconciliations},
        "report_id": _report(mark).pk,
        **_gap_rows(dataset, owner, mark),
        # A run of a reconciliation with its pairs is of its own tests.
        "format_name": "json",
        "number": 0,
    }


def _gap_rows(dataset: Dataset, owner: User, mark: str) -> dict[str, Any]:
    now = timezone.now()
    gap = Gap.objects.create(
        dataset=dataset, instrument_id=dataset.instrument_id, data_type=dataset.data_type, gap_start=now, gap_end=now,
        start_ns=1, end_ns=2, missing=1, severity="low", cause="unexplained",
    )  # fmt: skip
    GapFill.objects.create(dataset=dataset, kind="dataset", source={}, spans=[], gaps=[], rows=0, seams=[])
    FillPolicy.objects.create(name=f"{mark} policy", store=dataset.store, note=mark)
    incident = SourceIncident.objects.create(title=f"{mark} incident", venue=dataset.venue, start_ns=1, end_ns=2)
    wanted = WantedData.objects.create(
        instrument_id=f"{mark}.SIM", data_type="quote", start_ns=1, end_ns=2, created_by=owner
    )
    calendar = TradingCalendar.objects.create(name=f"{mark.lower()}-calendar", label=f"{mark} calendar")
    CalendarDay.objects.create(calendar=calendar, day=now.date(), reason=mark)
    CalendarAssignment.objects.create(venue=f"{mark}VENUE", calendar=calendar, note=mark)
    return {"gap_id": gap.pk, "incident_id": incident.pk, "wanted_id": wanted.pk}


def _report(mark: str) -> QualityReport:
    now = timezone.now()
    start = now - timedelta(days=1)
    return QualityReport.objects.create(
        scope="catalog",
        label=f"{mark} catalog",
        period="daily",
        start=start,
        end=now,
        content=build(scope_of("catalog", ""), "daily", start, now, now).to_json(),
        version=VERSION,
        recipients=[f"{mark}@example.com"],
    )
