"""The desk's demo as material: sound quotes, trades and bars; and order books, depths and marks made of its quotes."""

from dataclasses import replace
from datetime import date
from typing import Final

import polars as pl

from benchmarks.truth.materials import Instrument, Material
from catalog_app.demo.bars import raw_increment
from catalog_app.demo.generate import DemoDataset, Scope, generate
from catalog_app.store.schema import CANONICAL, LEVEL

# Crypto, currencies, a share, and two futures of which one trades in half a pip.
_INSTRUMENTS: Final = ("BTCUSDT.BINANCE", "EUR/USD.SIM", "JPM.XNYS", "ESH6.GLBX", "6EH6.GLBX")
_FIRST, _LAST = date(2026, 2, 22), date(2026, 3, 14)
# Days with ticks, of which the first is a Friday.
_SHORT_FIRST, _SHORT_LAST = date(2026, 3, 6), date(2026, 3, 9)
_FINEST: Final = "-1-MINUTE-"
_LEVELS: Final = 10
_ADD, _DELETE = 1, 3
_BUY, _SELL = 1, 2
_F_LAST: Final = 128


def demo_materials(*, short: bool = False, tick_rows: int = 20_000) -> list[Material]:
    """Three weeks of bars and four days of ticks of each market; `short`: four days, and the first rows of ticks."""
    first, last = (_SHORT_FIRST, _SHORT_LAST) if short else (_FIRST, _LAST)
    found: list[Material] = []
    for dataset in generate(Scope(first=first, last=last).only(*_INSTRUMENTS)):
        if dataset.data_type == "bar" and _FINEST not in (dataset.bar_type or ""):
            continue
        quotes = next((one.frame for one in found if one.data_type == "quote" and _same(one, dataset)), None)
        ticks = tick_rows if short and dataset.data_type != "bar" else len(dataset.frame)
        found.append(_material(dataset, quotes if dataset.data_type == "trade" else None, ticks))
    quoted = [one for one in found if one.data_type == "quote"]
    return [*found, numbered_book(quoted[0]), depths(quoted[0]), marks(quoted[0])]


def _same(material: Material, dataset: DemoDataset) -> bool:
    return f"{material.instrument.symbol}.{material.instrument.venue}" == dataset.instrument.instrument_id


def _material(dataset: DemoDataset, quotes: pl.DataFrame | None, rows: int) -> Material:
    spec = dataset.instrument
    symbol, _, venue = spec.instrument_id.rpartition(".")
    steps = (raw_increment(spec.price_increment), raw_increment(spec.size_increment))
    return Material(
        f"demo: {dataset.bar_type or f'{spec.instrument_id} {dataset.data_type}'}",
        dataset.data_type,
        dataset.frame.head(rows),
        Instrument(symbol, venue, spec.instrument_class, spec.asset_class, *steps),
        spec.price_precision,
        spec.size_precision,
        False,
        dataset.bar_type or "",
        quotes,
    )


def numbered_book(quotes: Material) -> Material:
    """Levels at the best prices, as deltas of a venue that numbers its messages: a message per quote that moves."""
    frame = quotes.frame.with_row_index("number")
    rows = [
        _leaving(frame, _BUY, "bid"),
        _leaving(frame, _SELL, "ask"),
        _coming(frame, _BUY, "bid"),
        _coming(frame, _SELL, "ask"),
    ]
    deltas = pl.concat(rows).sort("number", "step", maintain_order=True)
    last = deltas["number"] != deltas["number"].shift(-1)
    deltas = deltas.with_columns(
        flags=last.fill_null(value=True).cast(pl.UInt8) * _F_LAST,
        sequence=(pl.col("number").rle_id() + 1).cast(pl.UInt64),
        order_id=pl.lit(0, pl.UInt64),
    )
    frame = deltas.select(pl.col(name).cast(dtype) for name, dtype in CANONICAL["delta"].items())
    return replace(quotes, name=f"{quotes.name} as deltas", data_type="delta", frame=frame)


def _moved(side: str) -> pl.Expr:
    return pl.col(f"{side}_price") != pl.col(f"{side}_price").shift(1)


def _leaving(frame: pl.DataFrame, book_side: int, side: str) -> pl.DataFrame:
    """The level of the quote before is deleted."""
    return frame.select(
        "number", step=book_side, action=_DELETE, side=pl.lit(book_side),
        price=pl.col(f"{side}_price").shift(1), size=pl.lit(0, pl.Int128), moved=_moved(side),
        ts_event=pl.col("ts_event"), ts_init=pl.col("ts_init"),
    ).filter("moved").drop("moved")  # fmt: skip


def _coming(frame: pl.DataFrame, book_side: int, side: str) -> pl.DataFrame:
    """The level of the quote is added."""
    return frame.select(
        "number", step=book_side + 2, action=_ADD, side=pl.lit(book_side),
        price=pl.col(f"{side}_price"), size=pl.col(f"{side}_size"), moved=_moved(side).fill_null(value=True),
        ts_event=pl.col("ts_event"), ts_init=pl.col("ts_init"),
    ).filter("moved").drop("moved")  # fmt: skip


def depths(quotes: Material) -> Material:
    """Ten levels on either side, a tick apart."""
    sides = {"bids": ("bid", -1), "asks": ("ask", 1)}
    frame = quotes.frame.with_columns(
        _levels(side, sign * quotes.tick).alias(name) for name, (side, sign) in sides.items()
    )
    frame = frame.with_columns(flags=pl.lit(0, pl.UInt8), sequence=pl.int_range(pl.len()).cast(pl.UInt64))
    return replace(
        quotes,
        name=f"{quotes.name} as depths",
        data_type="depth10",
        frame=frame.select(CANONICAL["depth10"].names()),
    )


def _levels(side: str, step: int) -> pl.Expr:
    return pl.concat_list(
        pl.struct(
            price=pl.col(f"{side}_price") + pl.lit(number * step, pl.Int128),
            size=pl.col(f"{side}_size"),
            count=pl.lit(1, pl.UInt32),
            order_id=pl.lit(0, pl.UInt64),
        ).cast(LEVEL)
        for number in range(_LEVELS)
    )


def marks(quotes: Material) -> Material:
    """Mark prices: the bid of each tenth quote."""
    frame = quotes.frame.gather_every(10).select(pl.col("bid_price").alias("value"), "ts_event", "ts_init")
    return replace(quotes, name=f"{quotes.name} as mark prices", data_type="mark_price", frame=frame)
