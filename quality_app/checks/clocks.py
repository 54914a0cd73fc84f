"""Times that came late, and times in the wrong unit."""

from fractions import Fraction
from typing import Final

import polars as pl

from quality_app.checks.check import EVERY_TYPE, Check, CheckContext
from quality_app.checks.param import Param

MILLISECOND_NS: Final = 1_000_000
DAY_NS: Final = 86_400_000 * MILLISECOND_NS
# Since 1970, within which every time after 2001-09-09 falls that was read in a unit a thousand times too fine.
_JANUARY_NS: Final = 31 * DAY_NS


def _late(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    limit = int(LATENCY.values(context)["limitMs"]) * MILLISECOND_NS
    return frame["ts_init"] - frame["ts_event"] > limit


def _wrong_unit(frame: pl.DataFrame, context: CheckContext) -> pl.Expr | None:
    earliest = (frame[name].min() for name in ("ts_event", "ts_init"))
    if all(isinstance(first, int) and first >= _JANUARY_NS for first in earliest):
        return None
    return pl.any_horizontal(pl.col(name).is_between(0, _JANUARY_NS, closed="left") for name in ("ts_event", "ts_init"))


def _unit_obstacle(context: CheckContext) -> str | None:
    if context.interval_ns is not None and context.interval_ns >= DAY_NS:
        return "Bars of a day and longer may reach back to 1970."
    return None


LATENCY: Final = Check(
    id="time.latency",
    version=1,
    data_types=("quote", "trade", "delta", "depth10"),
    dimension="timeliness",
    severity="major",
    limit=Fraction(1, 100),
    citation="NautilusTrader data concepts: ts_init - ts_event is the latency",
    explanation="The row was known long after it happened: a backtest trades on it as late as the recorder got it. "
    "Recorders that fell behind, backfills and clocks do this.",
    example="ts_event 14:30:00 with ts_init 14:31:30: 90 seconds.",
    rule=_late,
    params=(Param("limitMs", "Limit", 60_000, "ms", 0),),
)
UNIT: Final = Check(
    id="time.unit",
    version=1,
    data_types=EVERY_TYPE,
    dimension="accuracy",
    severity="critical",
    limit=Fraction(1, 1000),
    citation="Binance public data: timestamps are in microseconds from 2025-01-01, in milliseconds before",
    explanation="The time lies in January 1970. No such data is known; a time of this century falls there when "
    "milliseconds are read as microseconds, or microseconds as nanoseconds. time.future finds the reverse.",
    example="A file whose rows jump from 1970-01-21 to 2025-01-01: the vendor changed the unit of its times.",
    rule=_wrong_unit,
    obstacle=_unit_obstacle,
)
CHECKS: Final = (LATENCY, UNIT)
