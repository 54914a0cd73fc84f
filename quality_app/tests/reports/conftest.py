"""A store with a past: two datasets, one of them validated, scanned and measured before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.models import Dataset, Store
from catalog_app.services.jobs import run_job
from quality_app.models import CheckResult, Gap, QualityMetric, QualityReport, ValidationRun
from quality_app.services.reports.requests import request_report
from quality_app.services.reports.scope import scope_of

DAY = timedelta(days=1)
type MakeReport = Callable[..., QualityReport]


def moment(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(name="main", root="/srv/main")


def make_dataset(store: Store, number: int = 1, **fields: object) -> Dataset:
    instrument = f"EUR{number:03d}.SIM"
    values = {
        "path": f"data/quote_tick/{instrument}",
        "venue": "SIM",
        "instrument_id": instrument,
        "data_type": "quote",
        "record_count": 1000,
        "size_bytes": 4096,
    }
    return Dataset.objects.create(store=store, **{**values, **fields})


def measure(dataset: Dataset, at: datetime, **values: str | None) -> None:
    """Keep points of the history."""
    for name, value in values.items():
        QualityMetric.objects.create(
            dataset=dataset,
            instrument_id=dataset.instrument_id,
            metric_name=name,
            metric_value=None if value is None else Decimal(value),
            timestamp=at,
        )


def make_run(dataset: Dataset, at: datetime, **violations: int) -> ValidationRun:
    """Keep a run over 1000 rows, with these violations of the checks."""
    run = ValidationRun.objects.create(dataset=dataset, started_at=at, finished_at=at, rows=1000)
    for check, number in violations.items():
        CheckResult.objects.create(
            run=run,
            check_id=check.replace("_", "."),
            version=1,
            dimension="accuracy",
            severity="major",
            rows=1000,
            violations=number,
            score=Decimal("0.5"),
            message="",
        )
    return run


def make_gap(dataset: Dataset, found: datetime, number: int = 1, **fields: object) -> Gap:
    start = 1_772_000_000_000_000_000 + number * 3_600_000_000_000
    values = {"severity": "high", "cause": "unexplained", "missing": 60, "lost_ns": 3_600 * 10**9}
    gap = Gap.objects.create(
        dataset=dataset,
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        gap_start=datetime.fromtimestamp(start // 10**9, UTC),
        gap_end=datetime.fromtimestamp(start // 10**9 + 3540, UTC),
        start_ns=start,
        end_ns=start + 3540 * 10**9,
        **{**values, **fields},
    )
    Gap.objects.filter(pk=gap.pk).update(detected_at=found)
    return gap


@pytest.fixture
def past(store: Store) -> Dataset:
    """A dataset whose score fell from 0.98 to 0.9 within the last day, and that grew by 200 rows."""
    now = timezone.now()
    dataset = make_dataset(
        store, quality_score=Decimal("0.9"), accuracy=Decimal("0.9"), last_validated=now, last_scanned=now
    )
    measure(dataset, now - 3 * DAY, overall="0.98", accuracy="0.98", completeness="1", rows="800", size_bytes="3000")
    measure(dataset, now - DAY / 2, overall="0.9", accuracy="0.9", rows="1000", size_bytes="4096")
    make_run(dataset, now - DAY / 2, quote_crossed=7, time_order=0)
    make_gap(dataset, now - DAY / 2)
    return dataset


@pytest.fixture
def make_report(past: Dataset) -> MakeReport:
    """Ask for a report and run its job."""

    def make(kind: str = "catalog", key: str = "", period: str = "daily", user: User | None = None) -> QualityReport:
        job = request_report(scope_of(kind, key), period, user)
        run_job(job.pk)
        job.refresh_from_db()
        assert job.state == "succeeded", job.error
        return QualityReport.objects.get(job=job)

    return make
