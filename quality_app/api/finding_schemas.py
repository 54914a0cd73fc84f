"""Shapes of integrity and reconciliations on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from catalog_app.api.schemas import DateRange, Wire


class RangeIssue(Wire):
    """Values or times outside what they may be, in one dataset."""

    dataset_id: str
    check: str = Field(examples=["price.positive"])
    count: int
    message: str


class CrossValidation(Wire):
    """A dataset held against another source, at the latest reconciliation."""

    dataset_id: str
    source: str = Field(description="The other source.")
    reconciliation_id: str
    matched: int = Field(description="Points that both have.")
    discrepancy: float | None = Field(description="Share of them that differ by more than the limit.")
    at: str


class IntegrityReport(Wire):
    """What is known to be right and wrong in an instrument's rows, from the latest runs."""

    instrument_id: str
    total_records: int | None = Field(description="Rows in the index; null while no file was read.")
    checked_records: int = Field(description="Rows that the latest runs covered.")
    valid_records: int | None = Field(
        description="Checked rows that no check marks, a lower bound where `exact` is false; null: none checked."
    )
    invalid_records: int | None = Field(description="Marked rows: an upper bound where `exact` is false.")
    invalid_records_at_least: int | None
    exact: bool = Field(description="False where several checks of a dataset marked rows, which may be the same ones.")
    duplicate_records: int | None = Field(description="Null when the check has not run.")
    missing_records: int = Field(
        description="Bars and numbered rows missing in open gaps that trading does not explain."
    )
    missing_fields: list[str] = Field(description="What files lack of their dataset's schema.")
    data_range_issues: list[RangeIssue]
    cross_validation_results: list[CrossValidation]
    is_stale: bool = Field(description="Files of some dataset have changed since its latest run.")
    generated_at: str


class ReconciliationSourceInfo(Wire):
    """One source of a reconciliation."""

    dataset_id: str
    label: str
    price: str = Field(examples=["mid"])
    shift_ns: str


class ReconciliationInfo(Wire):
    """Sources that are held against each other, and their latest run."""

    reconciliation_id: str
    name: str
    instrument_id: str
    enabled: bool
    on_change: bool
    counts_in_score: bool
    interval_ns: str | None
    tolerance_ns: str
    limit_ticks: str
    limit_bp: str
    sources: list[ReconciliationSourceInfo]
    latest_run_id: str | None
    last_run_at: str | None


class ReconciliationPage(Wire):
    """A page of reconciliations by name."""

    reconciliations: list[ReconciliationInfo]
    next_cursor: str | None = None


class ReconciliationRunInfo(Wire):
    """One comparison: per pair of sources counts and distributions."""

    run_id: str
    started_at: str
    finished_at: str
    range: DateRange
    measures: dict[str, Any]
    sources: list[dict[str, Any]]
    pairs: list[dict[str, Any]]
    votes: dict[str, Any] | None


class ReconciliationDetail(ReconciliationInfo):
    """A reconciliation with its latest run in full."""

    latest_run: ReconciliationRunInfo | None
