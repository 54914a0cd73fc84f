"""The real NautilusTrader reads the sound part of the demo store, in a process of its own."""

import json
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog_app.demo.universe import INSTRUMENTS
from catalog_app.tests.demo.conftest import DemoStore
from catalog_app.tests.store.upstream import instruments, run_python

COUNT = """
import json, sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog

catalog = ParquetDataCatalog(sys.argv[1])
print(json.dumps({
    "quotes": len(catalog.quote_ticks(["USD/JPY.SIM"])),
    "trades": len(catalog.trade_ticks(["XOM.XNYS"])),
    "equity": len(catalog.bars(bar_types=["V.XNYS-1-MINUTE-LAST-EXTERNAL"])),
    "crypto": len(catalog.bars(bar_types=["SOLUSDT.BINANCE-5-MINUTE-LAST-EXTERNAL"])),
    "future": len(catalog.bars(bar_types=["GCJ6.GLBX-1-HOUR-LAST-EXTERNAL"])),
}))
"""
READ = """
import sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog

catalog = ParquetDataCatalog(sys.argv[1])
kind, identifier = sys.argv[2:]
print(len(catalog.bars(bar_types=[identifier]) if kind == "bar" else getattr(catalog, kind)([identifier])))
"""


def rows(root: Path, dataset: str) -> int:
    return sum(pq.read_metadata(path).num_rows for path in (root / "data" / dataset).glob("*.parquet"))


def test_it_loads_every_definition(demo_store: DemoStore) -> None:
    loaded = {item["id"]: item for item in instruments(demo_store.root)}
    assert loaded.keys() == {item.instrument_id for item in INSTRUMENTS if item.defined}
    future = loaded["ESH6.GLBX"]
    assert (future["price_increment"], future["multiplier"], future["underlying"]) == ("0.25", "50", "ES")
    assert future["activation_ns"] < future["expiration_ns"]


def test_it_loads_every_row_of_sound_datasets(demo_store: DemoStore) -> None:
    done = run_python(COUNT, str(demo_store.root))
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "quotes": rows(demo_store.root, "quote_tick/USDJPY.SIM"),
        "trades": rows(demo_store.root, "trade_tick/XOM.XNYS"),
        "equity": rows(demo_store.root, "bar/V.XNYS-1-MINUTE-LAST-EXTERNAL"),
        "crypto": rows(demo_store.root, "bar/SOLUSDT.BINANCE-5-MINUTE-LAST-EXTERNAL"),
        "future": rows(demo_store.root, "bar/GCJ6.GLBX-1-HOUR-LAST-EXTERNAL"),
    }


@pytest.mark.parametrize(
    ("key", "kind", "identifier"),
    [
        ("high-under-low", "bar", "KO.XNYS-1-MINUTE-LAST-EXTERNAL"),
        ("unsorted-rows", "bar", "GE.XNYS-1-MINUTE-LAST-EXTERNAL"),
        ("zero-size-trades", "trade_ticks", "BTCUSDT-PERP.BINANCE"),
    ],
)
def test_it_loads_wrong_rows_without_a_word(demo_store: DemoStore, key: str, kind: str, identifier: str) -> None:
    done = run_python(READ, str(demo_store.root), kind, identifier)
    dataset = demo_store.finding(key).dataset.removeprefix("data/")
    assert (done.returncode, done.stdout.strip()) == (0, str(rows(demo_store.root, dataset)))


def test_it_dies_of_eight_byte_files_fails_on_truncated_ones_and_overlooks_its_successors(
    demo_store: DemoStore,
) -> None:
    eight = run_python(READ, str(demo_store.root), "quote_ticks", "USD/MXN.SIM")
    assert eight.returncode == -signal.SIGABRT
    truncated = run_python(READ, str(demo_store.root), "bar", "EUR/GBP.SIM-1-MINUTE-ASK-EXTERNAL")
    assert truncated.returncode == 1
    assert "Corrupt footer" in truncated.stderr
    newer = run_python(READ, str(demo_store.root), "trade_ticks", "BNBUSDT.BINANCE")
    assert (newer.returncode, newer.stdout.strip()) == (0, "0")
