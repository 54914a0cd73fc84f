"""Seeded random walks as canonical frames, chunk by chunk."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from benchmarks.subjects import BARS, QUOTES
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS

CHUNK_ROWS: Final = 500_000
MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 946_684_800_000_000_000  # 2000-01-01 00:00 UTC
# Of 1,000 minutes one has no bar.
_HOLES: Final = 1_000

Numbers = np.typing.NDArray[np.int64]


def quotes(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """Quotes of a currency pair, four a second on average, times in whole microseconds."""
    rng = np.random.default_rng(seed)
    time_ns, mid = START_NS, 110_000
    for count in _chunks(rows):
        times = time_ns + np.cumsum(rng.integers(0, 500_000, count)) * 1_000
        bids = _bounded(mid + np.cumsum(rng.integers(-1, 2, count)))
        time_ns, mid = int(times[-1]), int(bids[-1])
        prices = {"bid_price": bids, "ask_price": bids + rng.integers(1, 4, count)}
        sizes = {name: rng.integers(1, 20, count) * 500_000 for name in ("bid_size", "ask_size")}
        yield _frame("quote", prices, sizes, times, QUOTES.price_precision, QUOTES.size_precision)


def bars(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """One-minute bars around the clock, with holes."""
    rng = np.random.default_rng(seed)
    minute, close = 0, 4_000_000
    for count in _chunks(rows):
        minutes = minute + np.cumsum(1 + (rng.integers(0, _HOLES, count) == 0))
        closes = _bounded(close + np.cumsum(rng.integers(-500, 501, count)))
        opens = np.append(close, closes[:-1])
        minute, close = int(minutes[-1]), int(closes[-1])
        prices = {
            "open": opens,
            "high": np.maximum(opens, closes) + rng.integers(0, 300, count),
            "low": np.minimum(opens, closes) - rng.integers(0, 300, count),
            "close": closes,
        }
        volume = {"volume": rng.integers(1, 50_000_000, count)}
        times = START_NS + minutes * MINUTE_NS
        yield _frame("bar", prices, volume, times, BARS.price_precision, BARS.size_precision)


def _chunks(rows: int) -> Iterator[int]:
    for start in range(0, rows, CHUNK_ROWS):
        yield min(CHUNK_ROWS, rows - start)


def _bounded(walk: Numbers) -> Numbers:
    """Keep a walk far from zero: it is reflected at 50,000."""
    return np.abs(walk - 50_000) + 50_000


def _frame(
    data_type: str,
    prices: dict[str, Numbers],
    sizes: dict[str, Numbers],
    times: Numbers,
    price_precision: int,
    size_precision: int,
) -> pl.DataFrame:
    """Whole numbers of the smallest steps as raw values."""
    columns = pl.DataFrame({**prices, **sizes, "ts_event": times, "ts_init": times})
    price_unit, size_unit = (10 ** (SCALE_DIGITS - digits) for digits in (price_precision, size_precision))
    return columns.select(
        *(pl.col(name).cast(pl.Int128) * pl.lit(price_unit, pl.Int128) for name in prices),
        *(pl.col(name).cast(pl.Int128) * pl.lit(size_unit, pl.Int128) for name in sizes),
        "ts_event",
        "ts_init",
    ).select(CANONICAL[data_type].names())
