"""Checks of the two timestamps that every row carries."""

from fractions import Fraction
from typing import Any, Final

import polars as pl

from quality_app.checks.check import EVERY_TYPE, Check, CheckContext, row_before
from quality_app.checks.param import Param

MILLISECOND_NS: Final = 1_000_000
EVENT_TOLERANCE: Final = Param("toleranceMs", "Tolerance", 1_000, "ms", 0)
FUTURE_TOLERANCE: Final = Param("toleranceMs", "Tolerance", 60_000, "ms", 0)


def _decreases(frame: pl.DataFrame, context: CheckContext) -> pl.Series | None:
    ts = frame["ts_init"]
    return None if ts.is_sorted() else ts < ts.shift(1)


def _event_after_init(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    tolerance = int(EVENT_AFTER_INIT.values(context)["toleranceMs"]) * MILLISECOND_NS
    return frame["ts_event"] - frame["ts_init"] > tolerance


def _in_future(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    tolerance = int(IN_FUTURE.values(context)["toleranceMs"]) * MILLISECOND_NS
    return frame["ts_init"] > context.now_ns + tolerance


def _now(context: CheckContext) -> dict[str, Any]:
    return {"nowNs": context.now_ns}


DECREASES: Final = Check(
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
    reach=row_before,
)
EVENT_AFTER_INIT: Final = Check(
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
    params=(EVENT_TOLERANCE,),
)
IN_FUTURE: Final = Check(
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
    params=(FUTURE_TOLERANCE,),
    facts=_now,
)
CHECKS: Final = (DECREASES, EVENT_AFTER_INIT, IN_FUTURE)
