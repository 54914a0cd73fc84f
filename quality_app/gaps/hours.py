"""Trading hours as columns. Pure: no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.trading_time import Int64s, TradingTime


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """Half-open trading intervals in order, UNIX nanoseconds.

    Attributes:
        opens, closes: Of each interval.
        days: Its session day, since 1970-01-01.
        trading: The same without days: intervals that touch are one block.

    """

    opens: Int64s
    closes: Int64s
    days: Int64s
    trading: TradingTime

    @classmethod
    def of(cls, sessions: pl.DataFrame) -> Self:
        """Return the columns of a frame open_ns, close_ns, day in order."""
        opens, closes, days = (
            sessions[name].to_physical().cast(pl.Int64).to_numpy() for name in ("open_ns", "close_ns", "day")
        )
        return cls(opens, closes, days, TradingTime(sessions))

    @property
    def starts_block(self) -> npt.NDArray[np.bool_]:
        """Which intervals begin after closed hours."""
        return np.append(True, self.opens[1:] > self.closes[:-1])
