"""Bars that contradict themselves, stand off their grid, are stamped at their open, or fill a hole."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Rows, Site, edit, raw
from quality_app.checks.trading_time import TradingTime

_BAR: Final = ("bar",)
_PRICES: Final = ("open", "high", "low", "close")
_SHORTEST, _LONGEST = 30, 60


def _inconsistent(site: Site) -> Broken | None:
    """The high a tick below, or the low a tick above, what the other prices allow."""
    rows = site.places()
    frame = edit(site.frame, rows[::2], {"high": pl.max_horizontal("open", "close", "low") - raw(site.tick)})
    frame = edit(frame, rows[1::2], {"low": pl.min_horizontal("open", "close", "high") + raw(site.tick)})
    return Broken(frame, rows) if len(rows) else None


def _off_grid(site: Site) -> Broken | None:
    """A nanosecond to nearly an interval late."""
    rows, interval = site.places(), site.context.interval_ns
    if interval is None or not len(rows):
        return None
    late = np.where(np.arange(len(rows)) % 3, site.random.integers(1, interval, len(rows)), 1)
    times = {name: pl.Series(site.frame[name].to_numpy()[rows] + late) for name in ("ts_event", "ts_init")}
    return Broken(edit(site.frame, rows, times), rows)


def _stamped_at_open(site: Site) -> Broken | None:
    interval = site.context.interval_ns
    if interval is None:
        return None
    frame = site.frame.with_columns(pl.col("ts_event", "ts_init") - interval)
    return Broken(frame, np.arange(len(frame)))


def _no_volume(site: Site) -> Broken | None:
    moves = (site.frame["high"] != site.frame["low"]) & (site.frame["volume"] > 0)
    rows = site.places(allowed=moves)
    return Broken(edit(site.frame, rows, {"volume": raw(0)}), rows) if len(rows) else None


def _filled(site: Site) -> Broken | None:
    """The close is carried on over 30 to 60 bars of one session."""
    starts = site.places(600)
    lengths = site.random.integers(_SHORTEST, _LONGEST + 1, len(starts))
    if site.context.sessions is None:
        return None
    inside = TradingTime(site.context.sessions).contains(site.frame["ts_event"].to_numpy(), closing=True)
    runs = [
        np.arange(start, start + length)
        for start, length in zip(starts, lengths, strict=True)
        if inside[start : start + length].all()
    ]
    if not runs:
        return None
    rows = np.concatenate(runs)
    level = np.concatenate([np.full(len(run), run[0] - 1) for run in runs])
    flat = site.frame["close"].gather(level)
    return Broken(edit(site.frame, rows, dict.fromkeys(_PRICES, flat)), rows, _neighbours(runs, len(site.frame)))


def _neighbours(runs: list[Rows], height: int) -> Rows:
    """Sound bars beside a run that happen to be flat at its level belong to it; the bar after it leaps."""
    beside = np.concatenate(
        [np.append(np.arange(run[0] - _SHORTEST, run[0]), np.arange(run[-1] + 1, run[-1] + _SHORTEST)) for run in runs]
    )
    return beside[(beside >= 0) & (beside < height)]


DEFECTS: Final = (
    Defect("high or low contradicts the bar", _BAR, ("bar.ohlc",), _inconsistent, may_flag=("bar.flat_run",)),
    Defect("bar off the grid", _BAR, ("bar.align",), _off_grid, may_flag=("session.outside", "session.extended")),
    Defect(
        "bars stamped at their open",
        _BAR,
        ("bar.stamp",),
        _stamped_at_open,
        spoils=("session.outside", "session.extended", "volume.spike", "return.spike", "price.jump"),
    ),
    Defect("moves without volume", _BAR, ("bar.zero_volume",), _no_volume),
    Defect("flat run", _BAR, ("bar.flat_run",), _filled, may_flag=("return.spike",)),
)
