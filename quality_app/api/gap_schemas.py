"""Shapes of gaps, of how complete days and months are, and what is asked of a scan."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from catalog_app.api.schemas import Wire
from quality_app.api.queries import MOMENT, InstrumentQuery

Unit = Literal["", "bars", "seconds", "rows"]
State = Literal["open", "filled", "expected", "all"]


class GapQuery(InstrumentQuery):
    """Which gaps: those that overlap a time."""

    severity: Literal["", "low", "medium", "high"] = ""
    cause: Literal["", "halt", "outage", "illiquid", "unexplained"] = ""
    unit: Unit = ""
    store: str = Field("", max_length=200, description="Name of the store.")
    state: State = Field("open", description="open: neither filled nor marked as expected.")
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)
    include_filled: bool = Field(False, description="Filled ones too, whatever `state` says.")


class GapInfo(Wire):
    """Missing units inside trading sessions, from the first to the last missing one."""

    id: str
    dataset_id: str
    store: str = Field(description="Name of the store.")
    instrument_id: str = Field(examples=["EUR/USD.SIM"])
    data_type: str = Field(examples=["bar"])
    timeframe: str = Field(examples=["1-MINUTE-BID"])
    unit: str = Field(description="What is counted: bars, seconds (of trading) or rows.", examples=["bars"])
    start: str = Field(
        description="Bars: close of the first missing one. Otherwise the last row before the gap.",
        examples=["2024-01-09T15:41:00.000000000Z"],
    )
    end: str = Field(
        description="Bars: close of the last missing one. Otherwise the first row after the gap.",
        examples=["2024-01-09T17:10:00.000000000Z"],
    )
    start_ns: str = Field(description="The same in UNIX nanoseconds.", examples=["1704814860000000000"])
    end_ns: str = Field(examples=["1704820200000000000"])
    severity: str = Field(examples=["high"])
    reason: str = Field(description="Cause: halt, outage, illiquid or unexplained.", examples=["unexplained"])
    missing: int = Field(description="Units that are missing.", examples=[90])
    expected: int | None = Field(
        description="Units that sessions expect on the session days that it touches; null where that is unknown, "
        "and for rows, of which nobody knows how many there should be.",
        examples=[1440],
    )
    lost_seconds: float = Field(description="Trading time that it covers.", examples=[5400.0])
    state: str = Field(description="open, filled or expected.", examples=["open"])
    detected_at: str
    filled_at: str | None
    expected_reason: str | None = Field(description="Why there was nothing to have, where somebody said so.")


class GapPage(Wire):
    """A page of gaps by their begin."""

    gaps: list[GapInfo]
    next_cursor: str | None = None


class FillInfo(Wire):
    """Rows that were put into a gap."""

    fill_id: str
    kind: str = Field(description="dataset, built or file.", examples=["dataset"])
    rows: int
    source: dict[str, Any] = Field(description="Which dataset, store and files, or which file.")
    operation_id: str | None = Field(description="The store operation, which can be undone.")
    by_policy: bool = Field(description="It was done without asking, as a policy allows.")
    job_id: str | None
    created_at: str
    created_by: str | None
    undone_at: str | None


class GapDetail(GapInfo):
    """One gap in full."""

    details: dict[str, Any] = Field(description="What led to its cause.")
    history: list[dict[str, Any]] = Field(description="What it was before rescans changed it, the oldest first.")
    expected_by: str | None
    expected_at: str | None
    fills: list[FillInfo] = Field(description="The newest first.")


class ExpectedBody(Wire):
    """Why there was nothing to have."""

    reason: str = Field(min_length=1, max_length=500, examples=["The venue was closed for maintenance."])


class ScanBody(Wire):
    """What to scan for gaps: give an instrument, datasets, or both."""

    instrument_id: str = Field("", max_length=200, examples=["EUR/USD.SIM"])
    dataset_ids: list[UUID] = Field([], max_length=1000)
    data_type: str = Field("", max_length=200, description="Only of this type.", examples=["bar"])
    timeframe: str = Field("", max_length=200, description="Only of this timeframe.", examples=["1-MINUTE-BID"])
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)
    force: bool = Field(False, description="Read also what has not changed.")


class CompletenessQuery(Wire):
    """Which days or months."""

    by: Literal["day", "month"] = "month"
    start: str = Field("", max_length=40, description="First session day: 2024-01-31.")
    end: str = Field("", max_length=40, description="Last session day.")


class CompletePeriod(Wire):
    """One session day or month."""

    period: str = Field(description="2024-01, or 2024-01-31.", examples=["2024-01"])
    expected: int = Field(description="Units that sessions expect.")
    missing: int = Field(description="Of these, missing for whatever cause.")
    explained: int = Field(description="Of the missing, explained by quiet trading, a halt or a decision.")
    completeness: float | None = Field(description="1 - (missing - explained) / expected.")


class CompletenessPage(Wire):
    """How complete a dataset is, by session day or month; days without a session are left out."""

    dataset_id: str
    unit: str = Field(description="What is counted: bars, or seconds of trading.", examples=["bars"])
    completeness: float | None = Field(description="Of the whole dataset; null is unknown.")
    last_scanned: str | None = Field(description="Null: never.")
    periods: list[CompletePeriod]
    next_cursor: str | None = None
