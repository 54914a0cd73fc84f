"""Checks of bars: the four prices fit together, and the times stand on the timeframe's grid."""

from fractions import Fraction
from typing import Any, Final

import polars as pl

from quality_app.checks.check import Check, CheckContext

DAY_NS: Final = 86_400 * 1_000_000_000


def _inconsistent(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    highest = pl.max_horizontal("open", "close", "low")
    lowest = pl.min_horizontal("open", "close", "high")
    return (pl.col("high") < highest) | (pl.col("low") > lowest)


def _off_grid(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("ts_event") % (context.interval_ns or 1) != 0


def _grid_params(context: CheckContext) -> dict[str, Any]:
    return {"intervalNs": context.interval_ns, "originNs": 0}


def _grid_obstacle(context: CheckContext) -> str | None:
    interval = context.interval_ns
    if interval is None:
        return "Bars of this aggregation have no fixed length."
    if interval >= DAY_NS or DAY_NS % interval:
        return "Bars of a day and longer, and steps that do not divide a day, are stamped by the venue's own days."
    return None


CHECKS: Final = (
    Check(
        id="bar.ohlc",
        version=1,
        data_types=("bar",),
        dimension="accuracy",
        severity="critical",
        limit=Fraction(1, 1000),
        citation="Definition of a bar; NautilusTrader's Bar constructor refuses such values",
        explanation="The high is below, or the low above, another price of the same bar: columns are swapped or a "
        "value is wrong.",
        example="open 1.10, high 1.09, low 1.08, close 1.09: the high is below the open.",
        rule=_inconsistent,
    ),
    Check(
        id="bar.align",
        version=1,
        data_types=("bar",),
        dimension="consistency",
        severity="major",
        limit=Fraction(1, 100),
        citation="NautilusTrader time bars close on multiples of the interval since midnight UTC",
        explanation="ts_event is no multiple of the timeframe's interval: seconds were kept, or bars of another "
        "timeframe are mixed in.",
        example="A one-minute bar at 09:31:07.",
        rule=_off_grid,
        facts=_grid_params,
        obstacle=_grid_obstacle,
    ),
)
