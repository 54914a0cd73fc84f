"""Rows outside the hours in which their market is open."""

from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.calendars import LEARNED
from quality_app.checks.check import EVERY_TYPE, Check, CheckContext, session_facts
from quality_app.checks.param import Param
from quality_app.checks.prices import BNHLS
from quality_app.checks.trading_time import TradingTime

_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
_DAY_NS: Final = 1_440 * _MINUTE_NS
# Markets that open for less than this at a time may have extended hours before and after.
_DAY_SESSION_NS: Final = 12 * 60 * _MINUTE_NS
TOLERANCE: Final = Param("toleranceSeconds", "Tolerance at open and close", 1, "s", 0)
BEFORE: Final = Param("beforeMinutes", "Extended hours before the open", 330, "min", 0, 1_440)
AFTER: Final = Param("afterMinutes", "Extended hours after the close", 240, "min", 0, 1_440)
_TYPES: Final = tuple(name for name in EVERY_TYPE if name not in {"status", "close", "funding_rate"})


def _outside(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    inside, extended = _places(frame, context, OUTSIDE)
    return pl.Series(~inside & ~extended)


def _extended(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    inside, extended = _places(frame, context, EXTENDED)
    return pl.Series(~inside & extended)


def _places(
    frame: pl.DataFrame, context: CheckContext, check: Check
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which rows lie in sessions, and which in the extended hours around them."""
    values = check.values(context)
    blocks = TradingTime(context.sessions if context.sessions is not None else _NO_SESSIONS)
    ts = frame["ts_event"].to_numpy()
    closing = _close_stamped(context)
    early, late = _margins(context, closing, int(values["toleranceSeconds"]) * _SECOND_NS)
    inside = blocks.contains(ts, closing=closing, early_ns=early, late_ns=late)
    if inside.all():
        return inside, np.zeros(len(ts), np.bool_)
    before, after = (int(values[name]) * _MINUTE_NS for name in ("beforeMinutes", "afterMinutes"))
    short = _day_sessions(context.sessions if context.sessions is not None else _NO_SESSIONS)
    return inside, short.contains(ts, closing=closing, early_ns=before, late_ns=after)


def _margins(context: CheckContext, closing: bool, tolerance_ns: int) -> tuple[int, int]:
    """How far before the open and after the close a row may be stamped.

    A bar belongs to a session that its interval overlaps: an hour in which the market closes early ends after it.
    """
    if context.interval_ns is None:
        return tolerance_ns, tolerance_ns
    return (0, context.interval_ns - 1) if closing else (context.interval_ns - 1, 0)


def _close_stamped(context: CheckContext) -> bool:
    facts = context.profile.facts if context.profile else {}
    return context.interval_ns is not None and facts.get("event_stamp") != "open"


def _facts(context: CheckContext) -> dict[str, Any]:
    return {**session_facts(context), "stampedAtClose": _close_stamped(context)}


def _extended_obstacle(context: CheckContext) -> str | None:
    obstacle = _obstacle(context)
    if obstacle is None and context.sessions is not None and not len(_day_sessions(context.sessions).opens):
        return "Only markets that open for less than half a day have extended hours."
    return obstacle


def _day_sessions(sessions: pl.DataFrame) -> TradingTime:
    return TradingTime(sessions).shorter_than(_DAY_SESSION_NS)


def _obstacle(context: CheckContext) -> str | None:
    if context.sessions is None:
        return "The trading hours are unknown: no calendar covers this venue."
    if context.calendar == LEARNED:
        return "The trading hours were learned from the data itself, so no row can be outside them."
    if context.interval_ns is not None and context.interval_ns >= _DAY_NS:
        return "Bars of a day and longer are stamped by the venue's own days."
    return None


_NO_SESSIONS: Final = pl.DataFrame(schema={"open_ns": pl.Int64, "close_ns": pl.Int64})
OUTSIDE: Final = Check(
    id="session.outside",
    version=1,
    data_types=_TYPES,
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 100),
    citation=f"{BNHLS}, rule P1",
    explanation="The row lies outside the sessions of its market, and outside the extended hours of exchanges with a "
    "day session: a wrong time zone, a vendor that fills closed hours, or a calendar that does not fit. Bars that are "
    "stamped at their close belong to the session that ends then.",
    example="Flat bars with volume 0 all through Saturday; or quotes stored five hours early, EST as UTC.",
    rule=_outside,
    params=(TOLERANCE, BEFORE, AFTER),
    facts=_facts,
    obstacle=_obstacle,
)
EXTENDED: Final = Check(
    id="session.extended",
    version=1,
    data_types=_TYPES,
    dimension="",
    severity="info",
    limit=None,
    citation="Information; not scored",
    explanation="The row lies in the extended hours before the open or after the close of an exchange with a day "
    "session. Such trading is real, thin, and belongs in few backtests.",
    example="A trade of an American share at 07:30 in New York.",
    rule=_extended,
    params=(TOLERANCE, BEFORE, AFTER),
    facts=_facts,
    obstacle=_extended_obstacle,
)
CHECKS: Final = (OUTSIDE, EXTENDED)
