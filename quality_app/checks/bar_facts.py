"""What a sample of bars tells: whether they have volume, and whether they are stamped at their open or close."""

from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.checks.check import CheckContext
from quality_app.checks.trading_time import TradingTime

# Bars that stand at one kind of a session's edges, before anything is concluded.
LEAST_EDGES: Final = 2
# Of the other kind there may be one in so many: a stray row, an early close.
_TOLERATED: Final = 10


def bar_facts(frame: pl.DataFrame, context: CheckContext) -> dict[str, Any]:
    """Return facts of sampled bars.

    `volume_share` is the share of bars with a volume above 0. `stamp` says what ts_init is, `event_stamp` what
    ts_event is: "open" or "close" of the bar, None when sessions are unknown or their edges do not tell.
    """
    return {
        "volume_share": int((frame["volume"] > 0).sum()) / len(frame) if len(frame) else None,
        "stamp": _stamp(frame["ts_init"], context),
        "event_stamp": _stamp(frame["ts_event"], context),
    }


def _stamp(ts: pl.Series, context: CheckContext) -> str | None:
    """A bar at the very open of a session has begun there; one at the very close has ended there."""
    if context.sessions is None or context.interval_ns is None or context.interval_ns >= 86_400_000_000_000:
        return None
    blocks = TradingTime(context.sessions)
    at_open = int(np.isin(ts.to_numpy(), blocks.opens).sum())
    at_close = int(np.isin(ts.to_numpy(), blocks.closes).sum())
    if at_open >= LEAST_EDGES and at_close * _TOLERATED <= at_open:
        return "open"
    if at_close >= LEAST_EDGES and at_open * _TOLERATED <= at_close:
        return "close"
    return None
