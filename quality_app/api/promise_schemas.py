"""Shapes of wanted data and of incidents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from catalog_app.api.schemas import Wire
from quality_app.api.queries import MOMENT

State = Literal["", "missing", "overdue", "partial", "unknown", "pending", "met", "paused"]


class WantedQuery(Wire):
    """Which declarations."""

    instrument_id: str = Field("", max_length=200, examples=["EUR/USD.SIM"])
    data_type: str = Field("", max_length=200, examples=["bar"])
    store: str = Field("", max_length=200, description="Name of the store; those of any store are not among them.")
    state: State = Field("", description="How it stands now.")


class WantedInfo(Wire):
    """A declaration that data should exist, and how it stands."""

    wanted_id: str
    store: str | None = Field(description="Null: in any store.")
    instrument_id: str = Field(description="As in paths.", examples=["EURUSD.SIM"])
    data_type: str = Field(examples=["bar"])
    timeframe: str = Field(examples=["1-MINUTE-BID"])
    start: str
    end: str | None = Field(description="Inclusive; null: until now.")
    max_age_seconds: int | None = Field(
        description="Of trading time that the last row may lie back before it is overdue.", examples=[3600]
    )
    is_active: bool
    note: str
    state: str = Field(
        description="missing, overdue, partial, unknown, pending (not due yet), met or paused.", examples=["overdue"]
    )
    until: str | None = Field(description="Up to when data is wanted now.")
    completeness: float | None = Field(description="Share of the wanted trading time that is there; null is unknown.")
    age_seconds: float | None = Field(description="Trading time since the last row, where data is wanted until now.")
    since: str | None = Field(description="Since when it is missing or overdue.")
    is_scanned: bool = Field(description="Holes inside count; else only the first and the last row do.")
    knows_hours: bool = Field(description="Trading hours are known; else closed hours count too.")
    dataset_ids: list[str] = Field(description="What it means, the one that covers most first.")


class WantedPage(Wire):
    """A page of declarations by instrument, data type and timeframe."""

    wanted: list[WantedInfo]
    next_cursor: str | None = None


class IncidentQuery(Wire):
    """Which incidents: those that overlap a time."""

    venue: str = Field("", max_length=200)
    instrument_id: str = Field("", max_length=200)
    store: str = Field("", max_length=200, description="Name of the store.")
    is_open: bool | None = Field(None, description="Only those that last, or only those that are over.")
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)


class IncidentInfo(Wire):
    """A known interruption of a source: what is missing meanwhile is an outage."""

    incident_id: str
    title: str = Field(examples=["Matching engine down"])
    venue: str = Field(description="Empty: of any venue.", examples=["BINANCE"])
    instrument_id: str = Field(description="As in paths; empty: every instrument.")
    store: str | None = Field(description="Null: of any store.")
    start: str
    end: str | None = Field(description="Null: it lasts.")
    origin: str = Field(description="user or feed.", examples=["user"])
    url: str
    created_by: str | None
    created_at: str


class IncidentPage(Wire):
    """A page of incidents, the newest first."""

    incidents: list[IncidentInfo]
    next_cursor: str | None = None
