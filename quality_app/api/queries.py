"""What the lists take in their query; everything is optional."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from catalog_app.api.schemas import Wire

MOMENT = "ISO 8601, UTC; a day alone is meant whole."


class InstrumentQuery(Wire):
    """Which of an instrument's datasets."""

    data_type: str = Field("", max_length=200, examples=["bar"])
    timeframe: str = Field("", max_length=200, examples=["1-MINUTE-BID"])


class RunQuery(Wire):
    """Which runs."""

    instrument_id: str = Field("", max_length=200)
    data_type: str = Field("", max_length=200, examples=["bar"])
    venue: str = Field("", max_length=200)
    store: str = Field("", max_length=200, description="Name of the store.")
    found: Literal["", "findings", "critical", "clean"] = Field("", description="What they found.")
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)


class ReportQuery(Wire):
    """Which reports."""

    scope: Literal["", "catalog", "store", "venue", "instrument"] = ""
    key: str = Field("", max_length=200, description="Store id, venue or instrument id.")
    period: Literal["", "daily", "weekly", "custom"] = ""


class TrendQuery(InstrumentQuery):
    """Which metrics of which datasets, over which time."""

    metric: list[str] = Field(["overall"], max_length=20, description="Repeat for several.")
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)
    max_points: int = Field(1000, ge=5, le=10_000, description="Of each line.")


class AnomalyQuery(InstrumentQuery):
    """Which anomalies."""

    type: Literal["", "spike", "outlier", "jump", "inconsistency", "stale", "gap"] = ""
    severity: Literal["", "critical", "major", "info"] = ""
    state: Literal["all", "open", "bad_data", "real_event", "ignored", "repaired", "gone"] = "open"
    start: str = Field("", max_length=40, description=MOMENT)
    end: str = Field("", max_length=40, description=MOMENT)


class ReconciliationQuery(Wire):
    """Which reconciliations."""

    instrument_id: str = Field("", max_length=200)
