"""From a seed to canonical frames: every dataset of the demo store, sound, one instrument at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from catalog_app.demo.activity import activity
from catalog_app.demo.bars import TIMEFRAMES, bars_from_points, bars_from_ticks, canonical_bars, coarser
from catalog_app.demo.calendars import DAY_NS, Grid, day_ns, open_grid
from catalog_app.demo.paths import STEPS, Market, generator, simulate, smooth_noise
from catalog_app.demo.ticks import (
    Quotes,
    canonical_quotes,
    canonical_trades,
    simulate_quotes,
    simulate_trades,
)
from catalog_app.demo.universe import (
    DEMO_FIRST,
    DEMO_LAST,
    DEMO_SEED,
    INSTRUMENTS,
    UNDERLYINGS,
    DemoInstrument,
)
from catalog_app.store.layout import dataset_path

# The grid on which a group of underlyings is simulated.
_GROUP_CALENDARS = {
    "crypto": "crypto",
    "fx": "fx",
    "nyse": "nyse",
    "index": "cme_equity",
    "energy": "cme_energy",
    "metal": "cme_metal",
}


@dataclass(frozen=True)
class Scope:
    """What to generate: a seed, a range of UTC days (both inclusive), and which instruments."""

    seed: int = DEMO_SEED
    first: date = DEMO_FIRST
    last: date = DEMO_LAST
    instruments: tuple[DemoInstrument, ...] = INSTRUMENTS

    def only(self, *instrument_ids: str) -> Scope:
        """Return the scope with these instruments alone; their rows stay the same."""
        chosen = tuple(item for item in self.instruments if item.instrument_id in instrument_ids)
        return Scope(self.seed, self.first, self.last, chosen)


@dataclass(frozen=True)
class DemoDataset:
    """One leaf of the store: a canonical frame in order of ts_init, and how it is cut into files."""

    instrument: DemoInstrument
    data_type: str
    bar_type: str | None
    frame: pl.DataFrame = field(repr=False)
    files_per: str = "range"  # "range", "month" or "day" of ts_init, UTC

    @property
    def path(self) -> str:
        """Directory of the dataset below the store's root."""
        return dataset_path(self.data_type, self.bar_type or self.instrument.instrument_id)

    def parts(self, frame: pl.DataFrame) -> list[pl.DataFrame]:
        """Cut the dataset's frame, or a changed one, into the rows of each file."""
        if self.files_per == "range":
            return [frame]
        every = {"month": "1mo", "day": "1d"}[self.files_per]
        # A bar that closes at midnight belongs to the period before.
        period = (pl.col("ts_init") - 1).cast(pl.Datetime("ns")).dt.truncate(every)
        return frame.with_columns(_period=period).partition_by("_period", maintain_order=True, include_key=False)


def generate(scope: Scope | None = None) -> Iterator[DemoDataset]:
    """Generate every dataset of the scope that has rows, instrument by instrument.

    The same scope always gives the same rows, and an instrument's rows do not depend on
    which other instruments are in the scope.
    """
    scope = scope or Scope()
    markets: dict[str, Market] = {}
    for instrument in scope.instruments:
        for name, _ in instrument.legs:
            group = _group_of(name)
            if group not in markets:
                markets[group] = _market(group, scope)
        yield from (dataset for dataset in _datasets(instrument, markets, scope) if dataset.frame.height)


def _group_of(underlying: str) -> str:
    return next(item.group for item in UNDERLYINGS if item.name == underlying)


def _market(group: str, scope: Scope) -> Market:
    calendar = _GROUP_CALENDARS[group]
    grid = open_grid(calendar, scope.first, scope.last)
    busy = activity(calendar, scope.first, scope.last)
    return simulate(group, [item for item in UNDERLYINGS if item.group == group], grid, busy, scope.seed)


@dataclass(frozen=True)
class _Tape:
    """An instrument's own minutes: log mid prices and how busy they are (mean 1 while it is liquid)."""

    opens: NDArray[np.int64]
    log_mid: NDArray[np.float64]
    pace: NDArray[np.float64]

    def between(self, start_ns: int, end_ns: int) -> _Tape:
        kept = (self.opens >= start_ns) & (self.opens < end_ns)
        return _Tape(self.opens[kept], self.log_mid[kept], self.pace[kept])


def _tape(instrument: DemoInstrument, markets: dict[str, Market], scope: Scope) -> _Tape:
    grid = open_grid(instrument.calendar, scope.first, scope.last)
    opens = grid.opens
    kept = opens >= day_ns(instrument.trades_from)
    if instrument.expires_ns is not None:
        kept &= opens < instrument.expires_ns
    opens = opens[kept]
    log_mid = np.zeros((opens.size, STEPS))
    for name, weight in instrument.legs:
        market = markets[_group_of(name)]
        log_mid += weight * market.log_prices[name][_rows_at(market.grid, opens)]
    leading = markets[_group_of(instrument.legs[0][0])]
    pace = activity(instrument.calendar, scope.first, scope.last)[kept]
    pace = pace * np.exp(0.7 * leading.turbulence[_rows_at(leading.grid, opens)]) * _liquidity(instrument, opens)
    return _Tape(opens, log_mid + _carry(instrument, opens, scope)[:, None], pace)


def _rows_at(grid: Grid, opens: NDArray[np.int64]) -> NDArray[np.intp]:
    # The 6E futures follow the FX path, whose week holds theirs.
    return np.maximum(np.searchsorted(grid.opens, opens, side="right") - 1, 0)


def _carry(instrument: DemoInstrument, opens: NDArray[np.int64], scope: Scope) -> NDArray[np.float64]:
    """Return what a future is worth above its underlying, as a log; of a perpetual, a basis that wanders."""
    if instrument.instrument_class == "crypto_perpetual":
        noise = smooth_noise(generator(scope.seed, instrument.instrument_id, "basis"), opens.size, 360.0)
        return instrument.carry * (1.0 + 0.6 * noise)
    if instrument.expires_ns is None:
        return np.zeros(opens.size)
    return instrument.carry * (instrument.expires_ns - opens) / (365 * DAY_NS)


def _liquidity(instrument: DemoInstrument, opens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1 while the contract is the front one, fading within days before and after."""
    if instrument.front is None:
        return np.ones(opens.size)
    begins, ends = (day_ns(day) for day in instrument.front)
    days_off = np.maximum(np.maximum(begins - opens, opens - ends), 0) / DAY_NS
    return np.maximum(np.exp(-days_off / 3.0), 0.02)


def _datasets(instrument: DemoInstrument, markets: dict[str, Market], scope: Scope) -> Iterator[DemoDataset]:
    tape = _tape(instrument, markets, scope)
    quotes = _quotes(instrument, tape, scope)
    rng = generator(scope.seed, instrument.instrument_id, "ticks")
    if quotes is not None:
        yield DemoDataset(instrument, "quote", None, canonical_quotes(quotes, instrument, rng), "day")
    if quotes is not None and not instrument.is_quoted:
        trades = simulate_trades(quotes, instrument, rng)
        yield DemoDataset(instrument, "trade", None, canonical_trades(trades, instrument, rng), "day")
        ticks = {"LAST": bars_from_ticks(trades.ts, trades.price, trades.size)}
    else:
        ticks = _quote_bars(quotes) if quotes is not None else {}
    simulated = _minute_bars(instrument, tape, generator(scope.seed, instrument.instrument_id, "bars"))
    for price_type, bars in simulated.items():
        minutes = _replace_window(bars, ticks.get(price_type), instrument)
        yield from _bar_datasets(instrument, price_type, minutes)


def _quotes(instrument: DemoInstrument, tape: _Tape, scope: Scope) -> Quotes | None:
    if instrument.ticks is None:
        return None
    first, last = instrument.ticks
    window = tape.between(day_ns(first), day_ns(last) + DAY_NS)
    if not window.opens.size:
        return None
    rng = generator(scope.seed, instrument.instrument_id, "quotes")
    return simulate_quotes(instrument, window.opens, window.log_mid, window.pace * instrument.quotes_per_minute, rng)


def _quote_bars(quotes: Quotes) -> dict[str, pl.DataFrame]:
    one = np.ones(quotes.ts.size, dtype=np.int64)  # the volume of quoted bars counts quotes
    prices = {"BID": quotes.bid, "ASK": quotes.ask, "MID": (quotes.bid + quotes.ask) // 2}
    return {price_type: bars_from_ticks(quotes.ts, price, one) for price_type, price in prices.items()}


def _minute_bars(instrument: DemoInstrument, tape: _Tape, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Return one-minute bars per price type, from the path's points."""
    rate = instrument.quotes_per_minute if instrument.is_quoted else instrument.trades_per_minute
    arrivals = tape.pace * rate
    seen = rng.random(tape.log_mid.shape) < -np.expm1(-arrivals / STEPS)[:, None]
    if instrument.steady:
        seen[np.arange(arrivals.size), rng.integers(0, STEPS, arrivals.size)] = True
    mid = np.exp(tape.log_mid) / float(instrument.price_increment)
    half = instrument.spread_ticks / 2
    if instrument.is_quoted:
        bid = np.floor(mid - half + 0.5).astype(np.int64)
        ask = bid + np.maximum(1, np.round(2 * half * rng.lognormal(0.0, 0.28, mid.shape))).astype(np.int64)
        points = {"BID": bid, "ASK": ask, "MID": (bid + ask) // 2}
        count = np.maximum(rng.poisson(arrivals), 1)
    else:
        side = np.where(rng.random(mid.shape) < 0.5, -half, half)
        points = {"LAST": np.round(mid + side).astype(np.int64)}
        size = instrument.print_size * 1.65  # mean of a log-normal with sigma 1
        count = np.ceil(arrivals * size * rng.lognormal(-0.08, 0.4, arrivals.size)).astype(np.int64)
    return {price_type: bars_from_points(tape.opens, prices, seen, count) for price_type, prices in points.items()}


def _replace_window(bars: pl.DataFrame, ticks: pl.DataFrame | None, instrument: DemoInstrument) -> pl.DataFrame:
    """Within the days that have ticks, take the bars that the ticks make."""
    if ticks is None or instrument.ticks is None:
        return bars
    start, end = day_ns(instrument.ticks[0]), day_ns(instrument.ticks[1]) + DAY_NS
    before, after = bars.filter(pl.col("ts") <= start), bars.filter(pl.col("ts") > end)
    return pl.concat([before, ticks.select(bars.columns).cast(bars.schema), after])


def _bar_datasets(instrument: DemoInstrument, price_type: str, minutes: pl.DataFrame) -> Iterator[DemoDataset]:
    bars = minutes
    for timeframe, step in TIMEFRAMES.items():
        bars = bars if step == 1 else coarser(bars, step)
        # Of quoted markets, minutes are kept as bid and ask, everything coarser as mid.
        if instrument.is_quoted and (step == 1) == (price_type == "MID"):
            continue
        bar_type = f"{instrument.instrument_id}-{timeframe}-{price_type}-EXTERNAL"
        frame = canonical_bars(bars, instrument.price_increment, instrument.size_increment)
        yield DemoDataset(instrument, "bar", bar_type, frame, "month" if step == 1 else "range")
