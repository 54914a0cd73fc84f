"""Rows outside the hours of their market."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Rows, Site, insert
from quality_app.checks.trading_time import TradingTime

_HOUR_NS: Final = 3_600 * 1_000_000_000
_DAY_SESSION_NS: Final = 12 * _HOUR_NS
# Further from the session than extended hours reach; within them.
_FAR_NS: Final = 6 * _HOUR_NS
_NEAR_NS: Final = 2 * _HOUR_NS
_TYPES: Final = ("quote", "trade", "bar")


def _closed(site: Site) -> tuple[Rows, Rows, Rows]:
    """Rows before closed hours, and when these begin and end."""
    if site.context.sessions is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    hours = TradingTime(site.context.sessions)
    begins, ends = hours.closes[:-1], hours.opens[1:]
    ts = site.frame["ts_event"].to_numpy()
    within = (begins > ts[0]) & (ends < ts[-1])
    rows = np.searchsorted(ts, begins[within], "right") - 1
    return rows, begins[within], ends[within]


def _put(site: Site, rows: Rows, times: Rows) -> Broken | None:
    """Repeat rows at other times."""
    if not len(rows):
        return None
    interval = site.context.interval_ns or 1
    stamps = pl.Series(times // interval * interval)
    frame, found = insert(site.frame, rows, site.frame[rows].with_columns(ts_event=stamps, ts_init=stamps))
    return Broken(frame, found)


def _at_night(site: Site) -> Broken | None:
    """In the middle of closed hours that are longer than extended hours on either side."""
    rows, begins, ends = _closed(site)
    short = site.context.sessions is not None and TradingTime(site.context.sessions).shorter_than(_DAY_SESSION_NS)
    least = 2 * _FAR_NS if short and len(short.opens) else _HOUR_NS // 2
    long = ends - begins > least
    return _put(site, rows[long], (begins[long] + ends[long]) // 2)


def _after_hours(site: Site) -> Broken | None:
    """Two hours after the close of a day session."""
    rows, begins, ends = _closed(site)
    if site.context.sessions is None or not len(rows):
        return None
    closes = TradingTime(site.context.sessions).shorter_than(_DAY_SESSION_NS).closes
    chosen = np.isin(begins, closes) & (ends - begins > 2 * _NEAR_NS)
    return _put(site, rows[chosen], begins[chosen] + _NEAR_NS)


# The row is a copy of one before, and divides the closed hours.
_REPEATED: Final = ("row.duplicate",)
_WAITING: Final = ("price.stale", "price.jump")
DEFECTS: Final = (
    Defect("row in closed hours", _TYPES, ("session.outside",), _at_night, _REPEATED, _WAITING),
    Defect("row after hours", _TYPES, ("session.extended",), _after_hours, _REPEATED, _WAITING),
)
