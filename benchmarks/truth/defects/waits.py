"""Feeds that hang: nothing comes, or the same quote again and again."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import ORIGIN, Broken, Defect, Rows, Site, edit
from quality_app.checks.trading_time import TradingTime

_SECOND_NS: Final = 1_000_000_000
_QUOTE: Final = ("bid_price", "ask_price", "bid_size", "ask_size")
# Least length of a hang, and its multiple of the 99.9 % wait at any hour of the sound data: the limit is 3.
_LEAST_S: Final = 90
_MULTIPLE: Final = 4.5


def _hangs(site: Site) -> list[tuple[int, int]]:
    """(row at which a feed hangs, first row after it), within sessions."""
    waits = site.context.profile.seasonal.get("wait") if site.context.profile else None
    if site.context.sessions is None or waits is None:
        return []
    ts = site.frame["ts_event"].to_numpy()
    clock = TradingTime(site.context.sessions)
    opened = clock.open_ns(ts)
    usual = max(wait for wait in waits.scale if wait is not None)
    long = int(max(_LEAST_S, _MULTIPLE * usual) * _SECOND_NS)
    found, stop = [], 0
    for start in site.places(min(max(len(ts) // 3, 2_000), 10_000)):
        end = int(np.searchsorted(opened, opened[start] + long))
        # Not over closed hours, and not the end of the data.
        if start > stop and end < len(ts) and ts[end] - ts[start] == opened[end] - opened[start]:
            found.append((int(start), end))
            stop = end + 50
    return found


def _silence(site: Site) -> Broken | None:
    hangs = _hangs(site)
    if not hangs:
        return None
    lost = np.concatenate([np.arange(start + 1, end) for start, end in hangs])
    kept = np.ones(len(site.frame), np.bool_)
    kept[lost] = False
    frame = site.frame.filter(pl.Series(kept))
    rows = np.flatnonzero(np.isin(frame[ORIGIN].to_numpy(), [start for start, _ in hangs]))
    return Broken(frame, rows, _repeating(frame, rows))


def _frozen(site: Site) -> Broken | None:
    """The quote is repeated: at the end of it, it has stood for too long; before that, it may have."""
    hangs = _hangs(site)
    if not hangs:
        return None
    runs = [np.arange(start, end) for start, end in hangs]
    rows: Rows = np.concatenate(runs)
    source = np.concatenate([np.full(len(run), run[0]) for run in runs])
    frozen = edit(site.frame, rows, {name: site.frame[name].gather(source) for name in _QUOTE})
    last = np.array([run[-1] for run in runs])
    return Broken(frozen, last, np.union1d(rows, _repeating(frozen, last)))


def _repeating(frame: pl.DataFrame, rows: Rows) -> Rows:
    """Rows after some in which the feed is back, and happens to bring the same quote again."""
    quote = frame.select(pl.struct(_QUOTE).rle_id()).to_series().to_numpy()
    return np.setdiff1d(np.flatnonzero(np.isin(quote, quote[rows])), rows)


_AROUND: Final = ("quote.outlier", "return.spike")
DEFECTS: Final = (
    Defect("feed falls silent", ("quote",), ("price.stale",), _silence, spoils=_AROUND),
    Defect("quote repeated for too long", ("quote",), ("price.stale",), _frozen, ("row.duplicate",), _AROUND),
)
