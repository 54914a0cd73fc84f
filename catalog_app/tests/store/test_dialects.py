"""Which NautilusTrader wrote a file or a store."""

from pathlib import Path

import pyarrow as pa
import pytest

from catalog_app.store.dialects import detect_data_type, detect_dialect, sum_dialects
from catalog_app.store.footer import read_footer
from catalog_app.store.layout import V1_DIRECTORY, V2_DIRECTORY
from catalog_app.store.listing import list_type_directories
from catalog_app.tests.market import market_path
from catalog_app.tests.store.physical import put_table, table

DELTA = {
    "action": 1,
    "side": 1,
    "price": 10**16,
    "size": 10**16,
    "order_id": 1,
    "flags": 0,
    "sequence": 1,
    "ts_event": 1,
    "ts_init": 1,
}


@pytest.mark.parametrize(
    ("columns", "others", "dialect"),
    [
        ("v1-16", (), "v1-16"),
        ("v1-16", ("quote_tick", "order_book_deltas"), "v1-16"),
        ("v1-16", ("quotes", "order_book_deltas"), "rc4"),
        ("v1-16", ("quotes", "quote_tick"), "v1-16"),
        ("v1-8", ("quotes",), "v1-8"),
        ("integers", (), "v1-8"),
        ("v2", ("quote_tick",), "v2"),
    ],
)
def test_the_store_tells_where_a_directory_is_of_both(columns: str, others: tuple[str, ...], dialect: str) -> None:
    schema = table("delta", columns, [DELTA]).schema
    assert detect_dialect(schema, "order_book_deltas", others) == dialect


def test_the_directories_of_a_store_are_found_and_used(tmp_path: Path) -> None:
    path = put_table(tmp_path, "data/order_book_deltas/A.B/x.parquet", table("delta", "v1-16", [DELTA]))
    assert list_type_directories(tmp_path) == {"order_book_deltas"}
    assert read_footer(tmp_path, path).dialect == "v1-16"
    (tmp_path / "data/trades").mkdir()
    directories = list_type_directories(tmp_path)
    assert read_footer(tmp_path, path, type_directories=directories).dialect == "rc4"
    assert list_type_directories(tmp_path / "none") == frozenset()


@pytest.mark.parametrize(
    ("found", "summary"),
    [
        ([], ""),
        (["", "v2"], "v2"),
        (["v1-16", "v1-16"], "v1-16"),
        (["v2", "v1-8", "v1-16", "v1-8"], "mixed (v1-16, v1-8, v2)"),
    ],
)
def test_dialects_add_up(found: list[str], summary: str) -> None:
    assert sum_dialects(found) == summary


@pytest.mark.parametrize("data_type", ["quote", "trade", "bar", "delta", "funding_rate", "status", "close", "greeks"])
def test_columns_tell_data_types(data_type: str) -> None:
    from catalog_app.store.schema import CANONICAL

    names = CANONICAL[data_type].names()
    assert detect_data_type(pa.schema([(name, pa.int64()) for name in names])) == data_type


def test_marks_and_indexes_look_alike() -> None:
    assert detect_data_type(pa.schema([("value", pa.int64()), ("ts_init", pa.int64())])) == ""


def test_directories_are_those_of_the_installed_nautilus_trader() -> None:
    from nautilus_trader.model import data
    from nautilus_trader.persistence.funcs import class_to_filename

    classes = {
        "quote": data.QuoteTick,
        "trade": data.TradeTick,
        "bar": data.Bar,
        "delta": data.OrderBookDelta,
        "depth10": data.OrderBookDepth10,
        "mark_price": data.MarkPriceUpdate,
        "index_price": data.IndexPriceUpdate,
        "funding_rate": data.FundingRateUpdate,
        "status": data.InstrumentStatus,
        "close": data.InstrumentClose,
        "greeks": data.OptionGreeks,
    }
    assert {name: class_to_filename(cls) for name, cls in classes.items()} == V1_DIRECTORY
    assert V1_DIRECTORY.keys() == V2_DIRECTORY.keys()


def test_real_stores_have_one_dialect_each() -> None:
    for store, dialect in (("nautilus-1.231", "v1-16"), ("nautilus-2.0.0rc4", "rc4"), ("nautilus-2.0.0rc7", "v2")):
        root = market_path(f"stores/{store}")
        directories = list_type_directories(root)
        files = [path.relative_to(root).as_posix() for path in root.rglob("*.parquet")]
        found = {read_footer(root, path, type_directories=directories).dialect for path in files}
        assert sum_dialects(found) == dialect
