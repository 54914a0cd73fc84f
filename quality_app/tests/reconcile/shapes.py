"""Series and terms for tests of the reconciliation."""

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from quality_app.reconcile.lag import lag_search
from quality_app.reconcile.terms import Piece, Terms

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
TICK = 10  # grains
TIMES = np.arange(1, 1201, dtype=np.int64) * MINUTE


def walk(count: int, seed: int = 1, scale: int = 3) -> np.ndarray:
    """A random walk of prices in grains, on ticks."""
    steps = np.random.default_rng(seed).integers(-scale, scale + 1, count)
    return 1_000_000 + TICK * np.cumsum(steps)


def series(times: Any, prices: Any, **more: Any) -> pl.DataFrame:
    """A series of events with these times and prices in grains."""
    count = len(times)
    columns = {
        "ts": pl.Series(np.asarray(times, np.int64)),
        "price": pl.Series(prices, dtype=pl.Int64),
        "volume": pl.Series([None] * count, dtype=pl.Int128),
        "file": pl.Series(["data/a.parquet"] * count, dtype=pl.String),
        "row": pl.Series(np.arange(count), dtype=pl.Int64),
    }
    return pl.DataFrame({**columns, **more})


def terms(frames: list[pl.DataFrame], **changes: Any) -> Terms:
    """Measures for series with a point a minute."""
    values: dict[str, Any] = {
        "spans": tuple((int(frame["ts"].min()), int(frame["ts"].max())) for frame in frames),
        "tolerance_ns": 0,
        "tick": TICK,
        "limit_ticks": Decimal(2),
        "limit_bp": Decimal(0),
        "vote_scale": Decimal(5),
        "vote_ticks": Decimal(3),
        "interval_ns": None,
        "start_ns": min(int(frame["ts"].min()) for frame in frames) - 1,
        "end_ns": max(int(frame["ts"].max()) for frame in frames),
        "lag": lag_search(MINUTE, 0, hours=False),
    }
    return Terms(**{**values, **changes})


def within(frame: pl.DataFrame, piece: Piece, halo: int) -> pl.DataFrame:
    """The rows of a piece and around it."""
    return frame.filter((pl.col("ts") > piece.after_ns - halo) & (pl.col("ts") <= piece.until_ns + halo))
