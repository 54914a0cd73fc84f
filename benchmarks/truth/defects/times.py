"""Wrong times: out of order, known before they happened, in the future, late, and in the wrong unit."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Site, edit
from quality_app.checks.check import EVERY_TYPE

_SECOND_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * _SECOND_NS
_TICKS: Final = ("quote", "trade", "delta", "depth10")
# A wrong ts_event moves the row to another moment of its market, and with it how long the quotes around it stood.
_MOVED: Final = ("bar.align", "price.stale", "session.outside", "session.extended")
_STOOD: Final = ("price.stale",)


def _disordered(site: Site) -> Broken | None:
    """A row is stamped up to half a second before the row above it."""
    rows = site.places()
    if not len(rows):
        return None
    earlier = site.frame["ts_init"].to_numpy()[rows - 1] - site.random.integers(1, _SECOND_NS // 2, len(rows))
    event = np.minimum(site.frame["ts_event"].to_numpy()[rows], earlier)
    frame = edit(site.frame, rows, {"ts_init": pl.Series(earlier), "ts_event": pl.Series(event)})
    return Broken(frame, rows)


def _early(site: Site) -> Broken | None:
    """ts_event lies one second and a nanosecond to four hours after ts_init."""
    rows = site.places()
    late = _SECOND_NS + np.where(np.arange(len(rows)) % 3, site.random.integers(1, 4 * _HOUR_NS, len(rows)), 1)
    event = site.frame["ts_init"].to_numpy()[rows] + late
    return Broken(edit(site.frame, rows, {"ts_event": pl.Series(event)}), rows) if len(rows) else None


def _future(site: Site) -> Broken | None:
    """The last rows come later than a minute from now."""
    count = min(len(site.frame) // 20, 50)
    if not count:
        return None
    rows = np.arange(len(site.frame) - count, len(site.frame))
    step = site.context.interval_ns or _SECOND_NS
    first = (site.context.now_ns + 60 * _SECOND_NS) // step * step
    times = pl.Series(first + step * np.arange(1, count + 1))
    # The row before them stands until then.
    return Broken(edit(site.frame, rows, {"ts_init": times, "ts_event": times}), rows, rows[:1] - 1)


def _late(site: Site) -> Broken | None:
    """The row was known a minute and a nanosecond to an hour after it happened."""
    rows = site.places()
    waited = 60 * _SECOND_NS + np.where(np.arange(len(rows)) % 3, site.random.integers(1, _HOUR_NS, len(rows)), 1)
    event = site.frame["ts_init"].to_numpy()[rows] - waited
    return Broken(edit(site.frame, rows, {"ts_event": pl.Series(event)}), rows) if len(rows) else None


def _too_fine(site: Site) -> Broken | None:
    """Microseconds were read as nanoseconds."""
    rows = site.places()
    return Broken(edit(site.frame, rows, {"ts_event": pl.col("ts_event") // 1_000}), rows) if len(rows) else None


DEFECTS: Final = (
    Defect(
        "row before the one above it",
        EVERY_TYPE,
        ("time.order",),
        _disordered,
        may_flag=(*_MOVED, "time.latency", "trade.off_quote"),
    ),
    Defect(
        "happened after it was known",
        EVERY_TYPE,
        ("time.event_after_init",),
        _early,
        may_flag=_MOVED,
        spoils=_STOOD,
    ),
    Defect("in the future", EVERY_TYPE, ("time.future",), _future, may_flag=(*_MOVED, "price.jump")),
    Defect("known late", _TICKS, ("time.latency",), _late, may_flag=_MOVED, spoils=_STOOD),
    Defect(
        "time in the wrong unit",
        EVERY_TYPE,
        ("time.unit",),
        _too_fine,
        may_flag=(*_MOVED, "time.latency"),
        spoils=_STOOD,
    ),
)
