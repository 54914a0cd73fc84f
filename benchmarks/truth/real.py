"""Real market data: vendors' files as the desk imports them, and stores that NautilusTrader wrote.

The directory is the one of the tests (MARKET_DATA); what it holds is listed here, since a file does not tell which
instrument it is of.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.truth.materials import Instrument, Material
from catalog_app.formats.delimited import Detection, detect, parse_batches
from catalog_app.store import reader
from catalog_app.store.decimals import parse_raw
from catalog_app.store.errors import StoreError
from catalog_app.store.footer import Footer, read_footer
from catalog_app.store.instruments.definitions import read_definitions
from catalog_app.store.layout import locate

_FX: Final = Instrument("", "SIM", "currency_pair", "FX")
_COIN: Final = Instrument("", "", "currency_pair", "CRYPTOCURRENCY")


def _of(known: Instrument, symbol: str, venue: str, increment: str = "") -> Instrument:
    step = parse_raw(increment) if increment else None
    return replace(known, symbol=symbol, venue=venue, price_increment=step)


# File -> its instrument, how bars are stamped there, and the size of quotes that have none.
_FILES: Final = {
    "csv/gbpusd-m1-bid-2012.csv": (_of(_FX, "GBP/USD", "FXCM", "0.00001"), "open"),
    "csv/gbpusd-m1-ask-2012.csv": (_of(_FX, "GBP/USD", "FXCM", "0.00001"), "open"),
    "csv/6EH4.XCME_1min_bars_20240101_20240131.csv.gz": (
        _of(Instrument("", "", "futures_contract", "FX"), "6EH4", "XCME", "0.00005"),
        "close",
    ),
    "csv/eurusd-quotes-histdata-20200101.csv": (_of(_FX, "EUR/USD", "HISTDATA", "0.00001"), ""),
    "csv/truefx-usdjpy-ticks.csv": (_of(_FX, "USD/JPY", "TRUEFX", "0.001"), ""),
    "vendor/binance/ADABTC-1m-2021-11-27.csv": (_of(_COIN, "ADABTC", "BINANCE", "0.00000001"), "open"),
    "vendor/binance/ADABTC-1m-2021-11-28.csv": (_of(_COIN, "ADABTC", "BINANCE", "0.00000001"), "open"),
    "vendor/tardis/bitmex_trades_XBTUSD.csv": (_of(_COIN, "XBTUSD", "BITMEX", "0.5"), ""),
    "vendor/tardis/huobi-dm-swap_quotes_BTC-USD.csv": (_of(_COIN, "BTC-USD", "HUOBI", "0.1"), ""),
    "vendor/tardis/binance-futures_book_snapshot_25_BTCUSDT.csv": (_of(_COIN, "BTCUSDT", "BINANCE", "0.01"), ""),
}
_STORES: Final = ("stores/nautilus-1.231", "stores/nautilus-2.0.0rc7", "stores/nautilus-2.0.0rc4")
# Written by NautilusTrader from files above, some of them in 2.0 again.
_REPEATS: Final = ("stores/nautilus-2", "nautilus-files/64-bit", "GBP/USD.SIM", "EUR/USD.SIM quote")
_SINGLE: Final = ("nautilus-files/128-bit", "nautilus-files/64-bit")


def real_materials(root: Path) -> list[Material]:
    """Every quote, trade, bar, delta and depth below the directory."""
    files = [_imported(root, name, *known) for name, known in _FILES.items()]
    stores = [material for name in (*_STORES, *_SINGLE) for material in _stored(root / name, name)]
    return files + stores


def _imported(root: Path, name: str, instrument: Instrument, stamp: str) -> Material:
    """A file as the desk's importer reads it."""
    found = detect(root / name)
    mapping = found.to_mapping()
    if stamp:
        mapping = replace(mapping, stamp=stamp)
    precisions = (found.price_precision or 0, found.size_precision or 0)
    batches = parse_batches(root / name, mapping, price_precision=precisions[0], size_precision=precisions[1])
    frame = pl.concat([batch.frame for batch in batches])
    data_type = found.data_type or ""
    return Material(name, data_type, frame, instrument, *precisions, True, _bar_type(found, instrument))


def _bar_type(found: Detection, instrument: Instrument) -> str:
    return f"{instrument.symbol}.{instrument.venue}-1-MINUTE-LAST-EXTERNAL" if found.data_type == "bar" else ""


def _stored(root: Path, name: str) -> Iterator[Material]:
    """The datasets of a store, or of a directory of single files."""
    definitions = dict(_definitions(root))
    kept = {}
    for path in sorted(root.rglob("*.parquet")):
        relative = path.relative_to(root).as_posix()
        if locate(relative).role != "definition":
            kept[relative] = read_footer(root, relative)
    for relative, footer in kept.items():
        frame = reader.scan(root, [relative], footer.data_type).collect()
        instrument = definitions.get(footer.instrument_id or "") or _undefined(footer)
        quotes = [other for other, about in kept.items() if _are_quotes_of(about, footer)]
        title = f"{name}: {footer.bar_type or f'{footer.instrument_id} {footer.data_type}'}"
        yield Material(
            title,
            footer.data_type,
            frame,
            instrument,
            footer.price_precision,
            footer.size_precision,
            True,
            footer.bar_type or "",
            reader.scan(root, quotes, "quote").collect() if quotes else None,
            any(part in title for part in _REPEATS),
        )


def _are_quotes_of(about: Footer, trades: Footer) -> bool:
    return trades.data_type == "trade" and about.data_type == "quote" and about.instrument_id == trades.instrument_id


def _undefined(footer: Footer) -> Instrument:
    symbol, _, venue = (footer.instrument_id or "").rpartition(".")
    return Instrument(symbol, venue)


def _definitions(root: Path) -> Iterator[tuple[str, Instrument]]:
    for path in sorted(root.rglob("*.parquet")):
        relative = path.relative_to(root).as_posix()
        if locate(relative).role != "definition":
            continue
        try:
            found = read_definitions(root, relative)
        except StoreError:
            continue
        for one in found:
            symbol, _, venue = one.instrument_id.rpartition(".")
            steps = [parse_raw(text) if text else None for text in (one.price_increment, one.size_increment)]
            yield one.instrument_id, Instrument(symbol, venue, one.instrument_class, one.asset_class, *steps)
