"""Seeded random walks as canonical frames, chunk by chunk."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from benchmarks.subjects import BARS, DELTAS, QUOTES, TRADES, Subject
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS

CHUNK_ROWS: Final = 500_000
MINUTE_NS: Final = 60_000_000_000
START_NS: Final = 946_684_800_000_000_000  # 2000-01-01 00:00 UTC
# Of 1,000 minutes one has no bar.
_HOLES: Final = 1_000

Numbers = np.typing.NDArray[np.int64]


def quotes(rows: int, seed: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """Quotes of a currency pair, four a second on average, times in whole microseconds."""
    rng = np.random.default_rng(seed)
    time_ns, mid = START_NS, 110_000
    for count in _chunks(rows, chunk_rows):
        times = time_ns + np.cumsum(rng.integers(0, 500_000, count)) * 1_000
        bids = _bounded(mid + np.cumsum(rng.integers(-1, 2, count)))
        time_ns, mid = int(times[-1]), int(bids[-1])
        prices = {"bid_price": bids, "ask_price": bids + rng.integers(1, 4, count)}
        sizes = {name: rng.integers(1, 20, count) * 500_000 for name in ("bid_size", "ask_size")}
        yield _frame(QUOTES, prices, sizes, times)


def trades(rows: int, seed: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """Trades, twenty a second on average; ids count up, as exchanges' do."""
    rng = np.random.default_rng(seed)
    time_ns, price, number = START_NS, 4_000_000, 1_000_000_000
    for count in _chunks(rows, chunk_rows):
        times = time_ns + np.cumsum(rng.integers(1, 100_000, count)) * 1_000
        prices = _bounded(price + np.cumsum(rng.integers(-5, 6, count)))
        ids = number + np.arange(count)
        time_ns, price, number = int(times[-1]), int(prices[-1]), int(ids[-1]) + 1
        other = {
            "aggressor_side": pl.Series(rng.integers(1, 3, count), dtype=pl.UInt8),
            "trade_id": pl.Series(ids).cast(pl.String),
        }
        yield _frame(TRADES, {"price": prices}, {"size": rng.integers(1, 5_000_000, count)}, times, other)


def deltas(rows: int, seed: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """Changes of a book's levels, in events of ten."""
    rng = np.random.default_rng(seed)
    time_ns, number = START_NS, 0
    for count in _chunks(rows, chunk_rows):
        numbers = number + np.arange(count)
        times = time_ns + (numbers // 10 - number // 10) * 100_000_000
        sides = rng.integers(1, 3, count)
        prices = 4_000_000 + np.where(sides == 1, -1, 1) * rng.integers(1, 2_000, count)
        time_ns, number = int(times[-1]), int(numbers[-1]) + 1
        other = {
            "action": pl.Series(rng.integers(1, 4, count), dtype=pl.UInt8),
            "side": pl.Series(sides, dtype=pl.UInt8),
            "order_id": pl.Series(prices, dtype=pl.UInt64),
            "flags": pl.Series(np.where(numbers % 10 == 9, 128, 0), dtype=pl.UInt8),
            "sequence": pl.Series(numbers, dtype=pl.UInt64),
        }
        yield _frame(DELTAS, {"price": prices}, {"size": rng.integers(0, 5_000_000, count)}, times, other)


def bars(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """One-minute bars around the clock, with holes."""
    rng = np.random.default_rng(seed)
    minute, close = 0, 4_000_000
    for count in _chunks(rows, CHUNK_ROWS):
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
        yield _frame(BARS, prices, volume, times)


def _chunks(rows: int, chunk_rows: int) -> Iterator[int]:
    for start in range(0, rows, chunk_rows):
        yield min(chunk_rows, rows - start)


def _bounded(walk: Numbers) -> Numbers:
    """Keep a walk far from zero: it is reflected at 50,000."""
    return np.abs(walk - 50_000) + 50_000


def _frame(
    subject: Subject,
    prices: dict[str, Numbers],
    sizes: dict[str, Numbers],
    times: Numbers,
    other: dict[str, pl.Series] | None = None,
) -> pl.DataFrame:
    """Whole numbers of the smallest steps as raw values."""
    columns = pl.DataFrame({**prices, **sizes, **(other or {}), "ts_event": times, "ts_init": times})
    units = dict.fromkeys(prices, 10 ** (SCALE_DIGITS - subject.price_precision))
    units |= dict.fromkeys(sizes, 10 ** (SCALE_DIGITS - subject.size_precision))
    raw = (pl.col(name).cast(pl.Int128) * pl.lit(unit, pl.Int128) for name, unit in units.items())
    return columns.with_columns(*raw).select(CANONICAL[subject.data_type].names())
