"""A small real store: bars with a hole, quotes, trades, a definition, a corrupt file; synced into the index."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from catalog_app.models import Dataset, Store
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, instrument_path, instrument_table
from catalog_app.store.schema import CANONICAL, SCALE
from catalog_app.store.writer import DatasetWriter

START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
MINUTE = 60_000_000_000
BAR_TYPE = "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"


def raw(values: Iterable[int], unit: int) -> pl.Series:
    """Whole numbers of a unit (a power of ten of 1e-16) as raw Int128."""
    return pl.Series(list(values), dtype=pl.Int128) * pl.Series([unit], dtype=pl.Int128)


def bars(first: int, count: int) -> pl.DataFrame:
    """Minute bars number `first` to `first + count - 1`; number n opens at 1.2 + n pips/10 and spans 3 steps."""
    numbers = range(first, first + count)
    step = SCALE // 10**5
    times = pl.Series([START + (n + 1) * MINUTE for n in numbers], dtype=pl.Int64)
    return pl.DataFrame(
        {
            "open": raw((120_000 + n for n in numbers), step),
            "high": raw((120_002 + n for n in numbers), step),
            "low": raw((119_999 + n for n in numbers), step),
            "close": raw((120_001 + n for n in numbers), step),
            "volume": raw((10 for _ in numbers), SCALE),
            "ts_event": times,
            "ts_init": times,
        },
        schema=CANONICAL["bar"],
    )


def quotes(count: int) -> pl.DataFrame:
    """A quote each 100 ms; one near the middle has an extreme bid of 0.5."""
    step = SCALE // 10**5
    times = pl.Series([START + n * MINUTE // 600 for n in range(count)], dtype=pl.Int64)
    bids = [50_000 if n == count // 2 + 3 else 110_000 + n % 7 for n in range(count)]
    return pl.DataFrame(
        {
            "bid_price": raw(bids, step),
            "ask_price": raw((110_020 + n % 7 for n in range(count)), step),
            "bid_size": raw((1_000_000 for _ in range(count)), SCALE),
            "ask_size": raw((1_000_000 for _ in range(count)), SCALE),
            "ts_event": times,
            "ts_init": times,
        },
        schema=CANONICAL["quote"],
    )


def trades(count: int) -> pl.DataFrame:
    """A trade each second."""
    times = pl.Series([START + n * 10**9 + n for n in range(count)], dtype=pl.Int64)
    return pl.DataFrame(
        {
            "price": raw((4_200_000 + n for n in range(count)), SCALE // 100),
            "size": raw((1 + n for n in range(count)), SCALE // 10**6),
            "aggressor_side": pl.Series([1 + n % 2 for n in range(count)], dtype=pl.UInt8),
            "trade_id": [f"T{n}" for n in range(count)],
            "ts_event": times,
            "ts_init": times,
        },
        schema=CANONICAL["trade"],
    )


def write(root: Path, frame: pl.DataFrame, data_type: str, instrument_id: str, precisions: tuple[int, int]) -> None:
    """Commit one file of rows."""
    bar_type = BAR_TYPE if data_type == "bar" else None
    with Transaction(root, "import", "data") as tx:
        writer = DatasetWriter(
            tx,
            data_type,
            instrument_id,
            bar_type=bar_type,
            price_precision=precisions[0],
            size_precision=precisions[1],
        )
        writer.write(frame)
        writer.finish()
        tx.commit()


@pytest.fixture(scope="session")
def store_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages") / "catalog"
    root.mkdir()
    write(root, bars(0, 2000), "bar", "GBP/USD.SIM", (5, 0))
    write(root, bars(4000, 2500), "bar", "GBP/USD.SIM", (5, 0))
    write(root, quotes(6000), "quote", "EUR/USD.SIM", (5, 0))
    write(root, trades(120), "trade", "BTCUSDT.BINANCE", (2, 6))
    instrument = build_instrument(
        "currency_pair",
        "GBP/USD.SIM",
        currency="USD",
        base_currency="GBP",
        price_precision=5,
        size_precision=0,
    )
    path = root / instrument_path(instrument)
    path.parent.mkdir(parents=True)
    pq.write_table(instrument_table(instrument), path)
    broken = root / "data/quote_tick/EURUSD.SIM/2025-01-01T00-00-00-000000000Z_2025-01-02T00-00-00-000000000Z.parquet"
    broken.write_bytes(b"PAR1 not a whole file")
    return root


@pytest.fixture
def store(store_root: Path, db: None) -> Store:
    """The store, synced."""
    store = register_store(store_root, name="desk-test")
    sync_store(store)
    return store


@pytest.fixture
def bar_dataset(store: Store) -> Dataset:
    return Dataset.objects.get(store=store, data_type="bar")


@pytest.fixture
def quote_dataset(store: Store) -> Dataset:
    return Dataset.objects.get(store=store, data_type="quote")


@pytest.fixture
def trade_dataset(store: Store) -> Dataset:
    return Dataset.objects.get(store=store, data_type="trade")
