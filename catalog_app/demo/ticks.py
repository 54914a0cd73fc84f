"""Quotes and trades between a path's points, with spreads, sizes and latencies.

Prices and sizes are whole increments (Int64) until they become canonical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from catalog_app.demo.bars import scaled
from catalog_app.demo.calendars import MINUTE_NS
from catalog_app.demo.paths import STEPS
from catalog_app.demo.universe import DemoInstrument
from catalog_app.store.schema import CANONICAL

_BUYER, _SELLER = 1, 2
# Trades follow the quote that they hit within this time.
_REACTION_NS: Final = 300_000
_STEP_NS: Final = MINUTE_NS // STEPS


@dataclass(frozen=True)
class Quotes:
    """Quotes in order of time."""

    ts: NDArray[np.int64]
    bid: NDArray[np.int64]
    ask: NDArray[np.int64]
    bid_size: NDArray[np.int64]
    ask_size: NDArray[np.int64]


@dataclass(frozen=True)
class Trades:
    """Trades in order of time; every price is the bid or ask of a quote."""

    ts: NDArray[np.int64]
    price: NDArray[np.int64]
    size: NDArray[np.int64]
    side: NDArray[np.uint8]


def simulate_quotes(
    instrument: DemoInstrument,
    opens: NDArray[np.int64],
    log_mid: NDArray[np.float64],
    rates: NDArray[np.float64],
    rng: np.random.Generator,
) -> Quotes:
    """Simulate quotes: Poisson arrivals at each minute's rate, the mid interpolated along the path."""
    counts = np.maximum(rng.poisson(rates), int(instrument.steady))
    # The last 10 ms of a minute stay free, so that reactions fall into the same minute.
    offsets = rng.integers(0, MINUTE_NS - 10_000_000, int(counts.sum()))
    ts = np.sort(np.repeat(opens, counts) + offsets)
    mid = _interpolate(instrument, opens, log_mid, ts, rng)
    spread = np.maximum(1, np.round(instrument.spread_ticks * rng.lognormal(0.0, 0.28, ts.size))).astype(np.int64)
    bid = np.floor(mid - spread / 2 + 0.5).astype(np.int64)
    sizes = [print_sizes(instrument, rng, ts.size, 0.8) for _ in range(2)]
    return Quotes(ts, bid, bid + spread, *sizes)


def _interpolate(
    instrument: DemoInstrument,
    opens: NDArray[np.int64],
    log_mid: NDArray[np.float64],
    ts: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the mid at each time, in price increments, with a little noise of its own."""
    origin = opens[0] if opens.size else 0
    points = opens[:, None] - origin + _STEP_NS // 2 + np.arange(STEPS, dtype=np.int64) * _STEP_NS
    path = log_mid.ravel()
    at = np.interp(ts - origin, points.ravel(), path)
    noise = rng.standard_normal(ts.size) * (np.diff(path).std() * 0.2 if path.size > 1 else 0.0)
    return np.exp(at + noise) / float(instrument.price_increment)


def simulate_trades(quotes: Quotes, instrument: DemoInstrument, rng: np.random.Generator) -> Trades:
    """Simulate trades that take the liquidity of quotes; buyers come in runs."""
    share = instrument.trades_per_minute / instrument.quotes_per_minute
    hits = rng.poisson(share, quotes.ts.size)
    if instrument.steady:
        first_of_minute = np.flatnonzero(np.diff(quotes.ts // MINUTE_NS, prepend=-1))
        hits[first_of_minute] = np.maximum(hits[first_of_minute], 1)
    hit = np.repeat(np.arange(quotes.ts.size), hits)
    ts = quotes.ts[hit] + rng.integers(20_000, _REACTION_NS, hit.size)
    order = np.argsort(ts, kind="stable")
    hit, ts = hit[order], ts[order]
    mood = pl.Series(rng.standard_normal(hit.size)).ewm_mean(alpha=0.3, adjust=False).to_numpy()
    buys = mood > 0
    return Trades(
        ts,
        np.where(buys, quotes.ask[hit], quotes.bid[hit]),
        print_sizes(instrument, rng, hit.size, 1.0),
        np.where(buys, _BUYER, _SELLER).astype(np.uint8),
    )


def print_sizes(instrument: DemoInstrument, rng: np.random.Generator, count: int, sigma: float) -> NDArray[np.int64]:
    """Return log-normal sizes of single quotes or trades, in size increments, at least one."""
    return np.ceil(instrument.print_size * rng.lognormal(0.0, sigma, count)).astype(np.int64)


def _arrival(ts: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ts_init: the event's time plus a few milliseconds, never decreasing."""
    latency = (1_400_000 * rng.lognormal(0.0, 0.45, ts.size)).astype(np.int64)
    return np.maximum.accumulate(ts + latency)


def canonical_quotes(quotes: Quotes, instrument: DemoInstrument, rng: np.random.Generator) -> pl.DataFrame:
    """Turn quotes into a canonical frame."""
    frame = pl.DataFrame(
        {
            "bid_price": quotes.bid,
            "ask_price": quotes.ask,
            "bid_size": quotes.bid_size,
            "ask_size": quotes.ask_size,
            "ts_event": quotes.ts,
            "ts_init": _arrival(quotes.ts, rng),
        }
    )
    return frame.with_columns(
        scaled("bid_price", instrument.price_increment),
        scaled("ask_price", instrument.price_increment),
        scaled("bid_size", instrument.size_increment),
        scaled("ask_size", instrument.size_increment),
    ).match_to_schema(CANONICAL["quote"])


def canonical_trades(trades: Trades, instrument: DemoInstrument, rng: np.random.Generator) -> pl.DataFrame:
    """Turn trades into a canonical frame; ids count up by one, as Binance's do."""
    first_id = int(rng.integers(10**8, 10**9))
    ids = pl.Series(np.arange(first_id, first_id + trades.ts.size)).cast(pl.String)
    frame = pl.DataFrame(
        {
            "price": trades.price,
            "size": trades.size,
            "aggressor_side": trades.side,
            "trade_id": ids,
            "ts_event": trades.ts,
            "ts_init": _arrival(trades.ts, rng),
        }
    )
    return frame.with_columns(
        scaled("price", instrument.price_increment), scaled("size", instrument.size_increment)
    ).match_to_schema(CANONICAL["trade"])
