"""Shapes of quality on the wire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from catalog_app.api.schemas import DateRange, QualityMetrics, Wire


class DatasetQuality(Wire):
    """The scores of one dataset."""

    dataset_id: str
    store: str
    data_type: str = Field(examples=["bar"])
    timeframe: str = Field(examples=["1-MINUTE-BID"])
    metrics: QualityMetrics
    is_stale: bool = Field(description="The files have changed since the last validation.")
    latest_run_id: str | None
    open_gap_count: int | None


class InstrumentQuality(Wire):
    """The scores of an instrument's datasets, and their means over the datasets where they are known."""

    instrument_id: str = Field(examples=["EUR/USD.SIM"])
    metrics: QualityMetrics
    lowest: float | None = Field(description="The lowest known overall score of its datasets.")
    datasets: list[DatasetQuality]


class ValidateBody(Wire):
    """What to validate: give an instrument, datasets, or both."""

    instrument_id: str = Field("", max_length=200, examples=["EUR/USD.SIM"])
    dataset_ids: list[UUID] = Field([], max_length=1000)
    checks: list[str] | None = Field(None, max_length=100, description="Ids of checks; all when left out.")
    force: bool = Field(False, description="Run also what has not changed.")


class RefreshBody(Wire):
    """What to bring up to date; empty is everything."""

    instrument_id: str = Field("", max_length=200)
    store: str = Field("", description="Name of the store.")


class RefreshAccepted(Wire):
    """Validation of what was never validated or has changed since; `jobId` is null when nothing has."""

    job_id: str | None
    state: str | None = Field(examples=["queued"])
    refreshed_instruments: list[str]
    dataset_count: int


class ValidationResult(Wire):
    """What one check found in one run: exact counts."""

    check_name: str = Field(examples=["quote.crossed"])
    passed: bool = Field(description="It found nothing, or is information only.")
    message: str
    timestamp: str
    severity: str = Field(examples=["critical"])
    dimension: str | None = Field(examples=["accuracy"])
    violations: int
    rows: int
    score: float | None
    params: dict[str, Any]
    version: int
    suppressed: str | None = Field(description="Why it does not count in the score now; null where it does.")
    explained: int = Field(description="Violations that people explained: they do not count in the score.")
    change: str = Field(description="Against the run before: new, worse, better, fixed, added or same.")
    samples: list[dict[str, Any]] = Field(description="First violating rows: file, row, tsInitNs, values.")


class CheckLeftOut(Wire):
    """A check that did not run, and why."""

    check: str
    reason: str


class FileIdentity(Wire):
    """A file as a run saw it."""

    path: str
    size: int
    mtime_ns: str


class AnomalyInfo(Wire):
    """One row that a check found."""

    id: str
    dataset_id: str
    instrument_id: str
    data_type: str
    timeframe: str
    timestamp: str = Field(description="ts_init of the row, with nanoseconds.")
    type: str = Field(examples=["spike"])
    severity: str = Field(examples=["major"])
    description: str
    value: str | None = Field(description="What the check looked at, as decimal text.")
    expected_value: str | None
    check: str = Field(examples=["quote.outlier"])
    file: str
    row: int
    values: dict[str, Any] = Field(description="The row's columns as exact text.")
    state: str = Field(description="open, bad_data, real_event, ignored, repaired or gone.", examples=["open"])
    reason: str
    first_seen_at: str
    last_seen_at: str


class AnomalyPage(Wire):
    """A page of anomalies, the newest row first."""

    anomalies: list[AnomalyInfo]
    next_cursor: str | None = None


class RunInfo(Wire):
    """One validation run."""

    run_id: str
    dataset_id: str
    instrument_id: str
    data_type: str
    timeframe: str
    store: str
    job_id: str | None
    started_at: str
    finished_at: str
    rows: int
    check_count: int
    failing_checks: int = Field(description="Checks that found something; information left out.")
    critical_checks: int
    violations: int
    not_run_count: int


class RunPage(Wire):
    """A page of runs, newest first."""

    runs: list[RunInfo]
    next_cursor: str | None = None


class QualityReportInfo(RunInfo):
    """A run in full: what a validation reports."""

    metrics: QualityMetrics = Field(description="The scores after this run, until the next one.")
    anomalies: list[AnomalyInfo] = Field(description="At most 200 open ones that this run or a later one saw.")
    validation_results: list[ValidationResult]
    not_run: list[CheckLeftOut]
    files: list[FileIdentity]
    compared_with: str | None = Field(description="The run before it; null for the first.")
    no_longer_run: list[str] = Field(description="Checks that the run before had and this one has not.")
    generated_at: str


class TrendPoint(Wire):
    """A value that held from its time on; null is unknown."""

    time: str
    value: float | None
    details: dict[str, Any]


class TrendSeries(Wire):
    """One metric of one dataset."""

    dataset_id: str
    metric: str = Field(examples=["overall"])
    points: list[TrendPoint]
    total_points: int = Field(description="More than `points` where first, least, greatest and last were kept.")


class TrendAnswer(Wire):
    """Metrics of an instrument's datasets over time."""

    instrument_id: str
    range: DateRange
    metrics: list[str] = Field(description="Every metric that there are points of.")
    series: list[TrendSeries]


class ReportInfo(Wire):
    """One kept report."""

    report_id: str
    scope: str = Field(description="catalog, store, venue or instrument.", examples=["catalog"])
    key: str
    label: str
    period: str = Field(examples=["daily"])
    start: str
    end: str
    score: float | None
    created_at: str
    created_by: str | None
    job_id: str | None
    expires_at: str | None


class ReportDetail(ReportInfo):
    """One kept report with its content, as it was written."""

    version: int
    content: dict[str, Any]


class ReportPage(Wire):
    """A page of reports, the newest first."""

    reports: list[ReportInfo]
    next_cursor: str | None = None
