"""What vendors do to bars: stamp them at the open, leave volume out, fill holes with flat bars."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.checks.check import Check, CheckContext, Values, session_facts
from quality_app.checks.param import Param
from quality_app.checks.trading_time import TradingTime

_PRICES: Final = ("open", "high", "low", "close")


def _fact(context: CheckContext, name: str) -> Any:
    return context.profile.facts.get(name) if context.profile else None


def _stamped_at_open(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.repeat(_fact(context, "stamp") == "open", pl.len(), dtype=pl.Boolean)


def _stamp_facts(context: CheckContext) -> dict[str, Any]:
    return {"stamp": _fact(context, "stamp")}


def _stamp_obstacle(context: CheckContext) -> str | None:
    if _fact(context, "stamp") is not None:
        return None
    return "No bars at the edges of sessions tell whether ts_init is the open or the close of a bar."


def _moves_without_volume(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    moves = (pl.col("high") != pl.col("low")) | (pl.col("open") != pl.col("close"))
    return ((pl.col("volume") == 0) & moves).fill_null(value=False)


def _volume_obstacle(context: CheckContext) -> str | None:
    share = _fact(context, "volume_share")
    if share is None:
        return "No sample tells whether these bars have volume at all."
    return "These bars have no volume at all: the vendor gives none." if share == 0 else None


def _volume_facts(context: CheckContext) -> dict[str, Any]:
    return {"hasVolume": bool(_fact(context, "volume_share"))}


def _flat_runs(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    least = int(FLAT.values(context)["bars"])
    marks = np.zeros(len(frame), np.bool_)
    if not len(frame) or context.sessions is None:
        return pl.Series(marks, dtype=pl.Boolean)
    flat = frame.select(
        pl.all_horizontal(pl.col("open").eq(pl.col(name)) for name in _PRICES[1:]).fill_null(value=False)
    )
    ts = frame["ts_event"].to_numpy()
    blocks = TradingTime(context.sessions)
    # At either edge, however bars are stamped.
    counts = flat.to_series().to_numpy() & (blocks.contains(ts) | blocks.contains(ts, closing=True))
    same = (frame["close"] == frame["close"].shift(1)).fill_null(value=False).to_numpy()
    goes_on = counts[1:] & counts[:-1] & same[1:]
    begins = np.flatnonzero(np.append(True, ~goes_on))
    lengths = np.diff(begins, append=len(frame))
    return pl.Series(np.repeat(lengths >= least, lengths) & counts)


def _flat_reach(values: Values) -> tuple[int, int]:
    return int(values["bars"]) - 1, int(values["bars"]) - 1


def _flat_obstacle(context: CheckContext) -> str | None:
    return "The trading hours are unknown: no calendar covers this venue." if context.sessions is None else None


STAMP: Final = Check(
    id="bar.stamp",
    version=1,
    data_types=("bar",),
    dimension="consistency",
    severity="critical",
    limit=Fraction(1, 100),
    citation="NautilusTrader data concepts: ts_init of a bar is its close, when it is known; adapters' "
    "bars_timestamp_on_close",
    explanation="ts_init is the open of the bar's interval, not its close: a backtest sees each bar before it has "
    "happened. Judged for the whole dataset by sampled sessions: bars stand at their very open and none at their "
    "very close. All rows violate then. Shift ts_init by the length of a bar.",
    example="One-minute bars of a share from 09:30 to 15:59 instead of 09:31 to 16:00.",
    rule=_stamped_at_open,
    facts=_stamp_facts,
    obstacle=_stamp_obstacle,
)
VOLUME: Final = Check(
    id="bar.zero_volume",
    version=1,
    data_types=("bar",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 100),
    citation="Definition of a bar: prices of a bar of trades move only when something trades",
    explanation="The price moves within the bar although its volume is 0. Not applied where the vendor gives no "
    "volume at all (FXCM, HistData).",
    example="open 610.2, high 611.0, low 610.1, close 610.9, volume 0.",
    rule=_moves_without_volume,
    facts=_volume_facts,
    obstacle=_volume_obstacle,
)
FLAT: Final = Check(
    id="bar.flat_run",
    version=1,
    data_types=("bar",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 100),
    citation="Data desk rule: the pattern with which vendors fill holes",
    explanation="So many bars in a row, within sessions, have one and the same price as open, high, low and close: "
    "the vendor carried the last price on over a hole. Flat bars in closed hours (Dukascopy) are for session.outside.",
    example="USD/CHF at 0.79230 for 45 one-minute bars of a Tuesday morning.",
    rule=_flat_runs,
    params=(Param("bars", "Bars in a row", 30, "bars", 2, 10_000),),
    facts=session_facts,
    obstacle=_flat_obstacle,
    reach=_flat_reach,
    looks_ahead=True,
)
CHECKS: Final = (STAMP, VOLUME, FLAT)
