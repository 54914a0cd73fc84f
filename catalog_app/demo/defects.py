"""Defects planted in the demo's rows before they are written: what, where, and which check finds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from catalog_app.demo.bars import raw_increment
from catalog_app.demo.calendars import MINUTE_NS
from catalog_app.demo.generate import DemoDataset
from catalog_app.demo.universe import DemoInstrument

_SECOND_NS: Final = 1_000_000_000
_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Change:
    """A frame after a change.

    `rows` are the positions of the bad rows in it, `missing` how many rows it lost; the
    times are ts_init (ns) of the first and last bad or lost row.
    """

    frame: pl.DataFrame
    first_ns: int
    last_ns: int
    rows: tuple[int, ...] = ()
    missing: int = 0


Plant = Callable[[pl.DataFrame, int, int, DemoInstrument], Change]


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect to plant: at the first row from a time on, in so many rows (of holes: so many minutes)."""

    key: str
    instrument_id: str
    dataset: str  # below data/
    at: str  # ISO time, UTC
    count: int
    checks: tuple[str, ...]
    summary: str
    plant: Plant
    refused: bool = False  # the store's writer refuses such rows: they are planted in the written file

    @property
    def at_ns(self) -> int:
        """`at` in nanoseconds."""
        return int(datetime.fromisoformat(self.at).timestamp()) * _SECOND_NS

    def apply(self, frame: pl.DataFrame, instrument: DemoInstrument) -> Change | None:
        """Plant the defect; None where the frame does not reach the time."""
        if frame.is_empty() or not frame["ts_init"][0] <= self.at_ns <= frame["ts_init"][-1]:
            return None
        start = int(frame["ts_init"].search_sorted(self.at_ns, side="left"))
        return self.plant(frame, start, self.count, instrument)


def plant_defects(dataset: DemoDataset) -> tuple[pl.DataFrame, list[tuple[Defect, Change]]]:
    """Plant a dataset's defects in order of time, so that earlier positions stay valid; not those that are refused."""
    frame = dataset.frame
    planted = []
    mine = (item for item in DEFECTS if f"data/{item.dataset}" == dataset.path and not item.refused)
    for defect in sorted(mine, key=lambda item: item.at_ns):
        change = defect.apply(frame, dataset.instrument)
        if change is not None:
            planted.append((defect, change))
            frame = change.frame
    return frame, planted


def _edit(frame: pl.DataFrame, rows: range | list[int], **columns: pl.Expr) -> Change:
    """Set columns in some rows."""
    position = pl.int_range(pl.len())
    chosen = position.is_in(list(rows))
    edited = frame.with_columns(
        pl.when(chosen).then(expression).otherwise(pl.col(name)).cast(frame.schema[name]).alias(name)
        for name, expression in columns.items()
    )
    ts = edited["ts_init"]
    return Change(edited, ts[rows[0]], ts[rows[-1]], tuple(rows))


def _without(frame: pl.DataFrame, lost: pl.Series) -> Change:
    times = frame["ts_init"].filter(lost)
    return Change(frame.filter(~lost), times[0], times[-1], missing=times.len())


def _hole(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    begin = frame["ts_init"][start]
    return _without(frame, frame["ts_init"].is_between(begin, begin + count * MINUTE_NS, closed="left"))


def _spike(frame: pl.DataFrame, start: int, count: int, instrument: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), **{name: _times(name, 108, 100, instrument) for name in _PRICES})


def _decimal_shift(frame: pl.DataFrame, start: int, count: int, instrument: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), **{name: _times(name, 1, 100, instrument) for name in _PRICES})


def _times(column: str, numerator: int, denominator: int, instrument: DemoInstrument) -> pl.Expr:
    """Return a column times a fraction, rounded down to the price increment, without floats."""
    increment = raw_increment(instrument.price_increment)
    ticks = (pl.col(column) // pl.lit(increment, dtype=pl.Int128)) * numerator // denominator
    return ticks * pl.lit(increment, dtype=pl.Int128)


def _repeat(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    copies = np.ones(frame.height, dtype=np.int64)
    copies[start : start + count] = 2
    repeated = frame[np.repeat(np.arange(frame.height), copies)]
    rows = tuple(range(start + 1, start + 2 * count, 2))
    return Change(repeated, frame["ts_init"][start], frame["ts_init"][start + count - 1], rows)


def _cross(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    swapped = {"bid_price": pl.col("ask_price"), "ask_price": pl.col("bid_price")}
    return _edit(frame, range(start, start + count), **swapped)


def _high_under_low(frame: pl.DataFrame, start: int, count: int, instrument: DemoInstrument) -> Change:
    increment = pl.lit(raw_increment(instrument.price_increment), dtype=pl.Int128)
    return _edit(frame, range(start, start + count), high=pl.col("low") - increment)


def _zero_prices(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), **{name: pl.lit(0) for name in _PRICES})


def _zero_size(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), size=pl.lit(0))


def _off_grid(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    shifted = {name: pl.col(name) + 17 * _SECOND_NS for name in ("ts_event", "ts_init")}
    return _edit(frame, range(start, start + count), **shifted)


def _flat(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    level = pl.lit(frame["close"][start - 1], dtype=pl.Int128)
    return _edit(frame, range(start, start + count), **dict.fromkeys(_PRICES, level))


def _off_tick(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    tenth = pl.lit(raw_increment("0.1"), dtype=pl.Int128)
    return _edit(frame, range(start, start + count), **{name: pl.col(name) + tenth for name in _PRICES})


def _event_after_init(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), ts_event=pl.col("ts_event") + 5 * _SECOND_NS)


def _late(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), ts_event=pl.col("ts_event") - 90 * _SECOND_NS)


def _no_volume(frame: pl.DataFrame, start: int, count: int, _: DemoInstrument) -> Change:
    return _edit(frame, range(start, start + count), volume=pl.lit(0))


def _wide(frame: pl.DataFrame, start: int, count: int, instrument: DemoInstrument) -> Change:
    far = pl.lit(2_000 * raw_increment(instrument.price_increment), dtype=pl.Int128)
    return _edit(frame, range(start, start + count), ask_price=pl.col("ask_price") + far)


def _stray_prints(frame: pl.DataFrame, start: int, count: int, instrument: DemoInstrument) -> Change:
    apart = range(start, start + 50 * count, 50)
    return _edit(frame, apart, price=_times("price", 106, 100, instrument))


def _open_stamped(frame: pl.DataFrame, _start: int, _count: int, _: DemoInstrument) -> Change:
    early = frame.with_columns(pl.col("ts_event", "ts_init") - MINUTE_NS)
    return Change(early, early["ts_init"][0], early["ts_init"][-1], tuple(range(early.height)))


def _bars(instrument_id: str, timeframe: str) -> str:
    return f"bar/{instrument_id.replace('/', '')}-{timeframe}-EXTERNAL"


def _in_bars(
    key: str,
    instrument_id: str,
    timeframe: str,
    at: str,
    count: int,
    checks: tuple[str, ...],
    summary: str,
    plant: Plant,
    *,
    refused: bool = False,
) -> Defect:
    return Defect(key, instrument_id, _bars(instrument_id, timeframe), at, count, checks, summary, plant, refused)


def _in_ticks(
    key: str,
    instrument_id: str,
    directory: str,
    at: str,
    count: int,
    checks: tuple[str, ...],
    summary: str,
    plant: Plant,
    *,
    refused: bool = False,
) -> Defect:
    dataset = f"{directory}/{instrument_id.replace('/', '')}"
    return Defect(key, instrument_id, dataset, at, count, checks, summary, plant, refused)


DEFECTS: Final = (
    _in_bars(
        "hole-490-minutes",
        "GBP/USD.SIM",
        "1-MINUTE-BID",
        "2026-02-11T08:30:00Z",
        490,
        ("gap",),
        "490 bars missing in the middle of one file: invisible to anything that looks at file names",
        _hole,
    ),
    _in_bars(
        "hole-7-minutes",
        "ETHUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-01-21T13:05:00Z",
        7,
        ("gap",),
        "7 bars missing",
        _hole,
    ),
    _in_bars(
        "hole-12-minutes",
        "ETHUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-02-03T02:40:00Z",
        12,
        ("gap",),
        "12 bars missing",
        _hole,
    ),
    _in_bars(
        "hole-75-minutes",
        "ETHUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-02-19T18:11:00Z",
        75,
        ("gap",),
        "75 bars missing",
        _hole,
    ),
    _in_bars(
        "missing-session",
        "IBM.XNYS",
        "1-MINUTE-LAST",
        "2026-02-24T14:31:00Z",
        390,
        ("gap",),
        "a whole trading day missing",
        _hole,
    ),
    _in_ticks(
        "quote-outage",
        "BTCUSDT.BINANCE",
        "quote_tick",
        "2026-03-07T10:00:00Z",
        37,
        ("gap",),
        "no quotes for 37 minutes, while trades go on",
        _hole,
    ),
    _in_bars(
        "spike",
        "XRPUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-02-25T03:12:00Z",
        1,
        ("return.spike",),
        "one bar 8 % too high",
        _spike,
    ),
    _in_bars(
        "decimal-shift",
        "USD/JPY.SIM",
        "1-MINUTE-ASK",
        "2026-01-28T10:20:00Z",
        3,
        ("price.decimal_shift", "return.spike"),
        "three bars with the decimal point two places off",
        _decimal_shift,
    ),
    _in_bars(
        "duplicate-bars",
        "AUD/USD.SIM",
        "1-MINUTE-BID",
        "2026-02-05T14:00:00Z",
        40,
        ("row.duplicate",),
        "identical rows twice",
        _repeat,
    ),
    _in_ticks(
        "duplicate-trades",
        "ESH6.GLBX",
        "trade_tick",
        "2026-03-06T15:00:00Z",
        25,
        ("row.duplicate",),
        "identical rows twice, trade_id included",
        _repeat,
    ),
    _in_ticks(
        "crossed-quotes",
        "EUR/USD.SIM",
        "quote_tick",
        "2026-03-06T13:30:00Z",
        15,
        ("quote.crossed",),
        "bid above ask",
        _cross,
    ),
    _in_bars(
        "high-under-low",
        "KO.XNYS",
        "1-MINUTE-LAST",
        "2026-03-17T17:45:00Z",
        5,
        ("bar.ohlc",),
        "high one increment below low",
        _high_under_low,
        refused=True,
    ),
    _in_bars(
        "zero-prices",
        "ADAUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-03-12T04:00:00Z",
        3,
        ("price.positive", "return.spike"),
        "open, high, low and close are 0",
        _zero_prices,
    ),
    _in_ticks(
        "zero-size-trades",
        "BTCUSDT-PERP.BINANCE",
        "trade_tick",
        "2026-03-07T20:00:00Z",
        8,
        ("size.positive",),
        "trades of size 0",
        _zero_size,
        refused=True,
    ),
    _in_bars(
        "bars-off-grid",
        "XOM.XNYS",
        "1-MINUTE-LAST",
        "2026-02-10T16:00:00Z",
        20,
        ("bar.align",),
        "stamped 17 s after the minute",
        _off_grid,
    ),
    _in_bars(
        "flat-run",
        "USD/CHF.SIM",
        "1-MINUTE-BID",
        "2026-03-03T09:00:00Z",
        45,
        ("bar.flat_run",),
        "one price for 45 minutes, as a vendor fills a hole",
        _flat,
    ),
    _in_bars(
        "off-tick-prices",
        "NQH6.GLBX",
        "1-MINUTE-LAST",
        "2026-03-04T15:00:00Z",
        6,
        ("row.precision",),
        "prices 0.10 off the 0.25 grid",
        _off_tick,
    ),
    _in_ticks(
        "event-after-init",
        "JPM.XNYS",
        "trade_tick",
        "2026-03-06T16:00:00Z",
        12,
        ("time.event_after_init",),
        "ts_event 5 s later than it arrived",
        _event_after_init,
    ),
    _in_ticks(
        "late-quotes",
        "CLJ6.GLBX",
        "quote_tick",
        "2026-03-09T15:00:00Z",
        30,
        ("time.latency",),
        "ts_init 90 s after ts_event",
        _late,
    ),
    _in_bars(
        "zero-volume",
        "BNBUSDT.BINANCE",
        "1-MINUTE-LAST",
        "2026-02-14T09:00:00Z",
        10,
        ("bar.zero_volume",),
        "prices move with volume 0",
        _no_volume,
    ),
    _in_ticks(
        "wide-quotes",
        "GBP/USD.SIM",
        "quote_tick",
        "2026-03-09T14:00:00Z",
        5,
        ("quote.wide", "quote.outlier"),
        "ask 2,000 increments too high",
        _wide,
    ),
    _in_ticks(
        "stray-trades",
        "IBM.XNYS",
        "trade_tick",
        "2026-03-09T15:00:00Z",
        3,
        ("trade.outlier",),
        "single prints 6 % too high, 50 trades apart",
        _stray_prints,
    ),
    _in_bars(
        "open-stamped",
        "CAT.XNYS",
        "1-MINUTE-LAST",
        "2026-02-02T16:00:00Z",
        0,
        ("bar.stamp",),
        "every bar carries its opening time: a backtest sees a minute into the future",
        _open_stamped,
    ),
)
