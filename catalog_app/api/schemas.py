"""Shapes on the wire: camelCase, times in ISO 8601 UTC with nanoseconds, ids as strings."""

from datetime import UTC, datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel


class Wire(Schema):
    """Base of every shape."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    @field_validator("*")
    @classmethod
    def _refuse_nul(cls, value: Any) -> Any:
        if isinstance(value, str | list) and any("\x00" in item for item in value if isinstance(item, str)):
            raise ValueError("must not contain NUL characters")  # PostgreSQL has no text with it
        return value


class Problem(Wire):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


class DateRange(Wire):
    """First and last ts_init; null while unknown."""

    start: str | None = Field(None, examples=["2024-01-01T22:00:00.000000000Z"])
    end: str | None = Field(None, examples=["2024-01-31T21:59:59.999999999Z"])


class QualityMetrics(Wire):
    """Scores from 0 to 1; null where unknown, and then named in `unknown`."""

    completeness: float | None = None
    accuracy: float | None = None
    timeliness: float | None = None
    consistency: float | None = None
    overall: float | None = None
    last_updated: str | None = None
    unknown: list[str] = []


class DatasetMetadata(Wire):
    """One dataset: a data type of an instrument, or a bar type."""

    dataset_id: str
    store: str
    path: str
    instrument_id: str = Field(examples=["EUR/USD.SIM"])
    venue: str
    data_type: str = Field(examples=["bar"])
    timeframe: str = Field(examples=["1-MINUTE-BID"])
    bar_type: str = Field(examples=["EUR/USD.SIM-1-MINUTE-BID-EXTERNAL"])
    dialect: str = Field(description="v1-16, v1-8, rc4, v2, or mixed.", examples=["v1-16"])
    state: str = Field(description="ok, listed (not read yet), unreadable or unsupported.", examples=["ok"])
    problem: str
    date_range: DateRange
    record_count: int | None = Field(description="Of the files that were read; null while none was.")
    unread_files: int = Field(description="Files that are listed and not read yet; their rows are not counted.")
    file_size: int
    file_count: int
    price_precision: int | None
    size_precision: int | None
    quality: QualityMetrics
    open_gap_count: int | None
    last_validated: str | None
    last_scanned: str | None
    last_updated: str | None


class InstrumentMetadata(Wire):
    """One instrument over all stores, with its datasets."""

    instrument_id: str = Field(examples=["EUR/USD.SIM"])
    venue: str = Field(examples=["SIM"])
    symbol: str = Field(examples=["EUR/USD"])
    description: str | None = None
    asset_class: str = Field(examples=["FX"])
    currency: str = Field(examples=["USD"])
    data_type: str = Field(description="The type of most of its records.", examples=["bar"])
    data_types: list[str]
    timeframes: list[str]
    date_range: DateRange
    record_count: int | None
    unread_files: int
    quality_score: float | None = Field(None, description="The lowest known score of its datasets.")
    last_updated: str | None
    file_size: int
    datasets: list[DatasetMetadata]


class InstrumentSummary(Wire):
    """One line of the whole catalog."""

    instrument_id: str = Field(examples=["EUR/USD.SIM"])
    venue: str
    dataset_count: int
    record_count: int | None
    file_size: int
    quality_score: float | None
    date_range: DateRange


class VenueMetadata(Wire):
    """A venue and what there is of it."""

    id: str = Field(examples=["SIM"])
    name: str
    instrument_count: int
    data_types: list[str]
    quality_score: float | None = Field(None, description="Mean of the known scores of its datasets.")


class DataSourceInfo(Wire):
    """Where data comes from: a store of files is a historical source."""

    id: str
    name: str
    type: str = Field(examples=["historical"])
    status: str = Field(description="active, inactive (never read) or error.", examples=["active"])
    last_update: str | None


class DataCatalog(Wire):
    """The catalog as a whole; instruments come in pages."""

    instruments: list[InstrumentSummary]
    venues: list[VenueMetadata]
    data_sources: list[DataSourceInfo]
    quality_metrics: QualityMetrics
    last_updated: str | None
    total_instruments: int
    total_records: int | None = Field(description="Of the files that were read; null while none was.")
    unread_files: int = Field(description="Files that are listed and not read yet.")
    storage_size: int
    next_cursor: str | None = None


class SearchResult(Wire):
    """A page of the instruments that fit."""

    instruments: list[InstrumentMetadata]
    total_count: int
    page_size: int
    current_page: int
    filters: dict[str, Any] = Field(description="The filters that were applied.")
    next_cursor: str | None = None


class DataFileInfo(Wire):
    """One file of a dataset."""

    path: str
    role: str
    size_bytes: int
    rows: int | None
    row_groups: int | None
    date_range: DateRange = Field(description="By its rows; null while it was not read.")
    dialect: str
    price_precision: int | None
    size_precision: int | None
    state: str = Field(description="ok, listed (not read yet), unreadable or unsupported.")
    problem: str


class FilePage(Wire):
    """A page of a dataset's files."""

    files: list[DataFileInfo]
    next_cursor: str | None = None


class RowPage(Wire):
    """Rows as the files hold them: prices and sizes as exact decimal text, times in ns UTC."""

    dataset_id: str
    columns: list[str]
    rows: list[dict[str, Any]]
    position: int
    total_count: int
    next_cursor: str | None = None


class JobInfo(Wire):
    """One job."""

    job_id: str
    kind: str = Field(examples=["sync"])
    title: str
    state: str = Field(examples=["running"])
    stage: str
    done: int
    total: int | None
    unit: str
    rate: float | None = Field(description="Units a second.")
    seconds_left: float | None
    attempt: int
    max_attempts: int
    cancel_requested: bool
    parameters: dict[str, Any]
    result: dict[str, Any]
    error: str
    user: str | None
    retry_of: str | None
    created_at: str
    started_at: str | None
    heartbeat_at: str | None
    finished_at: str | None


class JobPage(Wire):
    """A page of jobs, newest first."""

    jobs: list[JobInfo]
    next_cursor: str | None = None


class LogLine(Wire):
    """One line of a job's log."""

    at: str
    level: str = Field(examples=["info"])
    text: str


class LogPage(Wire):
    """A page of a job's log, oldest first."""

    lines: list[LogLine]
    next_cursor: str | None = None


class JobAccepted(Wire):
    """Work that was taken; follow it at `Location`."""

    job_id: str
    state: str = Field(examples=["queued"])


def iso(moment: datetime | None) -> str | None:
    """A database time as ISO 8601 UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def iso_ns(nanoseconds: int | None) -> str | None:
    """UNIX nanoseconds as ISO 8601 UTC with nine decimals."""
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
