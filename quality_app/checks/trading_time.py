"""Time while a market is open: sessions that touch are one, and closed hours take no time."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Int64s = npt.NDArray[np.int64]
_SECOND_NS: Final = 1e9


class TradingTime:
    """Sessions (open_ns and close_ns, half-open, in order; UNIX nanoseconds) as blocks without closed hours."""

    def __init__(self, sessions: pl.DataFrame) -> None:
        opens, closes = sessions["open_ns"].to_numpy(), sessions["close_ns"].to_numpy()
        apart = opens[1:] > closes[:-1]
        self.opens: Int64s = opens[np.append(True, apart)] if len(opens) else opens
        self.closes: Int64s = closes[np.append(apart, True)] if len(opens) else closes
        self._before: Int64s = np.append(0, np.cumsum(self.closes - self.opens))

    def open_ns(self, ts: Int64s) -> Int64s:
        """Return the open nanoseconds from the first session to each time."""
        if not len(self.opens):
            return np.zeros(len(ts), np.int64)
        block = np.searchsorted(self.opens, ts, side="right") - 1
        inside = np.minimum(ts, self.closes[block]) - self.opens[block]
        return np.where(block < 0, 0, self._before[block] + inside)

    def shorter_than(self, length_ns: int) -> "TradingTime":
        """Return the blocks that are open for less than so long."""
        short = self.closes - self.opens < length_ns
        return TradingTime(pl.DataFrame({"open_ns": self.opens[short], "close_ns": self.closes[short]}))

    def between(self, start: pl.Series, end: pl.Series) -> pl.Series:
        """Return the open seconds between times, Float64; null where one is."""
        first, last = (self.open_ns(ts.fill_null(0).to_numpy()) for ts in (start, end))
        known = start.is_not_null() & end.is_not_null()
        return pl.Series((last - first) / _SECOND_NS).zip_with(known, pl.Series([None], dtype=pl.Float64))

    def contains(
        self, ts: Int64s, *, closing: bool = False, early_ns: int = 0, late_ns: int = 0
    ) -> npt.NDArray[np.bool_]:
        """Tell which times lie in [open - early, close + late); with `closing` in (open - early, close + late]."""
        opens, closes = self.opens - early_ns, self.closes + late_ns
        if _in_one(ts, opens, closes, closing=closing):
            return np.ones(len(ts), np.bool_)
        side: Literal["left", "right"] = "right" if closing else "left"
        if bool((ts[1:] >= ts[:-1]).all()):
            # A few searches for the edges among the rows, not one search per row.
            steps = np.zeros(len(ts) + 1, np.int32)
            np.add.at(steps, np.searchsorted(ts, opens, side), 1)
            np.add.at(steps, np.searchsorted(ts, closes, side), -1)
            return np.asarray(np.cumsum(steps[:-1]) > 0)
        other: Literal["left", "right"] = "left" if closing else "right"
        return np.asarray(np.searchsorted(opens, ts, other) > np.searchsorted(closes, ts, other))


def _in_one(ts: Int64s, opens: Int64s, closes: Int64s, *, closing: bool) -> bool:
    """Whether all times lie within one block, as most batches do."""
    if not len(ts):
        return True
    first, last = ts.min() - closing, ts.max() - closing
    block = np.searchsorted(opens, first, side="right") - 1
    return bool(block >= 0 and last < closes[block])
