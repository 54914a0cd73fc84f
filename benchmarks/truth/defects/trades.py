"""Trades off their market, and trades that are missing."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import ORIGIN, Broken, Defect, Site, edit

_SECOND_NS: Final = 1_000_000_000
_TRADE: Final = ("trade",)


def _off_market(site: Site) -> Broken | None:
    """Five spreads, and five ticks, beyond every quote within two seconds."""
    if site.context.quotes is None:
        return None
    ts = site.frame["ts_init"].to_numpy()
    quotes = site.context.quotes(int(ts[0]) - 60 * _SECOND_NS, int(ts[-1]) + 60 * _SECOND_NS)
    rows = site.places()
    times = quotes["ts_init"].to_numpy()
    first = np.searchsorted(times, ts[rows] - 2 * _SECOND_NS, "right") - 1
    stop = np.searchsorted(times, ts[rows] + 2 * _SECOND_NS, "right") + 1
    fresh = (first >= 0) & (stop < len(times))
    rows, first, stop = rows[fresh], first[fresh], stop[fresh]
    at = np.searchsorted(times, ts[rows], "right") - 1
    fresh = (ts[rows] - times[at] < 30 * _SECOND_NS) & (times[at + 1] - ts[rows] < 30 * _SECOND_NS)
    rows, first, stop = rows[fresh], first[fresh], stop[fresh]
    if not len(rows):
        return None
    prices = []
    for number, (start, end) in enumerate(zip(first, stop, strict=True)):
        near = quotes.slice(int(start), int(end - start))
        spread = near.select(pl.max_horizontal((pl.col("ask_price") - pl.col("bid_price")).max(), pl.lit(0))).item()
        beyond = 5 * int(spread) + 5 * site.tick
        above = int(near["ask_price"].max()) + beyond  # type: ignore[arg-type]
        below = int(near["bid_price"].min()) - beyond  # type: ignore[arg-type]
        prices.append(above if number % 2 or below <= 0 else below)
    return Broken(edit(site.frame, rows, {"price": pl.Series(prices, dtype=pl.Int128)}), rows)


def _missing(site: Site) -> Broken | None:
    """One to twenty trades are lost."""
    starts = site.places()
    if not len(starts):
        return None
    lost = np.zeros(len(site.frame), np.bool_)
    for start, length in zip(starts, site.random.integers(1, 21, len(starts)), strict=True):
        lost[start : start + length] = True
    frame = site.frame.filter(~pl.Series(lost))
    follows = np.flatnonzero(np.diff(frame[ORIGIN].to_numpy()) > 1) + 1
    return Broken(frame, follows)


DEFECTS: Final = (
    Defect(
        "trade off its market",
        _TRADE,
        ("trade.off_quote",),
        _off_market,
        may_flag=("trade.outlier", "return.spike", "price.positive", "price.decimal_shift"),
    ),
    Defect("trades lost", _TRADE, ("trade.id_gap",), _missing, spoils=("trade.outlier", "return.spike")),
)
