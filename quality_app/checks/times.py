"""Checks of the two timestamps that every row carries."""

from fractions import Fraction
from typing import Any, Final

import polars as pl

from quality_app.checks.check import EVERY_TYPE, Check, CheckContext

SECOND_NS: Final = 1_000_000_000
EVENT_TOLERANCE_NS: Final = SECOND_NS
FUTURE_TOLERANCE_NS: Final = 60 * SECOND_NS


def _decreases(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("ts_init") < pl.col("ts_init").shift(1)


def _event_after_init(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("ts_event") - pl.col("ts_init") > EVENT_TOLERANCE_NS


def _in_future(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("ts_init") > context.now_ns + FUTURE_TOLERANCE_NS


def _event_params(context: CheckContext) -> dict[str, Any]:
    return {"toleranceNs": EVENT_TOLERANCE_NS}


def _future_params(context: CheckContext) -> dict[str, Any]:
    return {"nowNs": context.now_ns, "toleranceNs": FUTURE_TOLERANCE_NS}


CHECKS: Final = (
    Check(
        id="time.order",
        version=1,
        data_types=EVERY_TYPE,
        dimension="consistency",
        severity="critical",
        limit=Fraction(1, 1000),
        citation="NautilusTrader ParquetDataCatalog.write_data: rows must be monotonically increasing by ts_init",
        explanation="ts_init is smaller than in the row before. A backtest replays rows by ts_init, and "
        "NautilusTrader's writer refuses such rows.",
        example="A row known at 09:30:01 stands after a row known at 09:30:02.",
        rule=_decreases,
    ),
    Check(
        id="time.event_after_init",
        version=1,
        data_types=EVERY_TYPE,
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 100),
        citation="NautilusTrader data concepts: ts_init is when the data was known, so it cannot precede ts_event",
        explanation="ts_event lies more than the tolerance after ts_init: the row was known before it happened. "
        "Wrong clocks or a wrong time zone do this.",
        example="ts_event 14:30:00 with ts_init 09:30:00: local time was stored as UTC.",
        rule=_event_after_init,
        params=_event_params,
    ),
    Check(
        id="time.future",
        version=1,
        data_types=EVERY_TYPE,
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 1000),
        citation="Data desk rule",
        explanation="ts_init lies later than the time of this validation: a wrong unit or time zone.",
        example="Microseconds read as milliseconds put the year 2024 behind the year 50,000.",
        rule=_in_future,
        params=_future_params,
    ),
)
