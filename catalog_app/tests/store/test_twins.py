"""The same data in different dialects, written by the releases themselves: equal canonical rows."""

from pathlib import Path

import polars as pl
import pytest

from catalog_app.store.layout import locate
from catalog_app.store.listing import list_files
from catalog_app.store.reader import scan
from catalog_app.tests.market import market_path
from catalog_app.tests.store.rare_types import written_by_1_231
from catalog_app.tests.store.upstream_v2 import run_v2

_MIGRATE = """
import json, os, sys
from nautilus_trader.persistence import ParquetDataCatalog

os.makedirs(sys.argv[2])
print(json.dumps(ParquetDataCatalog(sys.argv[2]).migrate_from_legacy_parquet_path(sys.argv[1])))
"""


def frames(root: Path) -> dict[tuple[str, str, str], pl.DataFrame]:
    """Every data file's rows by data type, identifier and name."""
    found = {}
    for file in list_files(root):
        located = locate(file.path)
        if located.role == "data":
            rows = scan(root, [file.path], located.data_type).collect(engine="streaming")
            found[located.data_type, located.identifier, located.name] = rows
    return found


def assert_equal(
    one: dict[tuple[str, str, str], pl.DataFrame], other: dict[tuple[str, str, str], pl.DataFrame]
) -> None:
    assert one.keys() == other.keys()
    for key, rows in one.items():
        assert rows.schema == other[key].schema, key
        assert rows.equals(other[key]), key


def test_the_twin_stores_have_equal_rows() -> None:
    old = frames(market_path("stores/nautilus-1.231"))
    rows = dict.fromkeys(("quote", "bar", "trade", "delta", "depth10"), 0)
    for (data_type, _, _), found in old.items():
        rows[data_type] += found.height
    assert rows == {"quote": 11_788, "bar": 22_750, "trade": 130, "delta": 13_786, "depth10": 10}
    assert_equal(old, frames(market_path("stores/nautilus-2.0.0rc7")))


@pytest.mark.parametrize(
    ("name", "data_type", "rows"),
    [("bars", "bar", 10), ("trades", "trade", 100), ("quotes-3-groups-filter-query", "quote", 15_000)],
)
def test_the_8_byte_twins_have_equal_rows(name: str, data_type: str, rows: int) -> None:
    narrow, wide = (
        scan(market_path(f"nautilus-files/{width}"), [f"{name}.parquet"], data_type).collect(engine="streaming")
        for width in ("64-bit", "128-bit")
    )
    assert narrow.height == rows
    assert narrow.equals(wide)


def test_the_store_of_rc4_has_its_known_rows() -> None:
    found = frames(market_path("stores/nautilus-2.0.0rc4"))
    assert {data_type: rows.height for (data_type, _, _), rows in found.items()} == {"quote": 5, "trade": 5, "bar": 5}


def test_every_data_type_of_1_231_equals_what_2_0_migrates_it_to(tmp_path: Path, requires_v2: None) -> None:
    written_by_1_231(tmp_path / "old")
    run_v2(_MIGRATE, tmp_path / "old", tmp_path / "new")
    old = frames(tmp_path / "old")
    assert {data_type for data_type, _, _ in old} == {
        *("delta", "depth10", "mark_price", "index_price", "funding_rate", "status", "close", "greeks"),
    }
    assert_equal(old, frames(tmp_path / "new"))
    [depth] = [rows for (data_type, _, _), rows in old.items() if data_type == "depth10"]
    assert depth["bids"].list.len().to_list() == [3]
    [rates] = [rows for (data_type, _, _), rows in old.items() if data_type == "funding_rate"]
    assert rates["rate"].to_list() == ["0.00010", "-0.0000001"]


def test_the_rust_writers_of_1_231_are_read_as_its_python_ones_are(tmp_path: Path) -> None:
    written_by_1_231(tmp_path / "python")
    written_by_1_231(tmp_path / "rust", rust=True)
    python, rust = frames(tmp_path / "python"), frames(tmp_path / "rust")
    assert {data_type for data_type, _, _ in rust} == {"status", "close", "greeks"}
    for key, rows in rust.items():
        assert rows.equals(python[key]), key
