"""Real stores: what NautilusTrader reads from the source, the other NautilusTrader reads from the converted store."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from catalog_app.store.conversion.convert import convert
from catalog_app.store.instruments.fields import assumed, kind_of
from catalog_app.store.instruments.v1 import same_value
from catalog_app.store.layout import format_file_name
from catalog_app.store.reader import scan
from catalog_app.tests.market import market_path
from catalog_app.tests.store.conversions import assert_same, contents
from catalog_app.tests.store.instrument_samples import read_v2_instruments
from catalog_app.tests.store.trees import tree
from catalog_app.tests.store.upstream import instruments, records
from catalog_app.tests.store.upstream_v2 import records_v2

ROWS = {"quote": 11_788, "bar": 22_750, "trade": 130, "delta": 13_786, "depth10": 10}


def by_owner(found: list[Any]) -> dict[str, list[Any]]:
    """Records by instrument or bar type: the catalogs order those of one time differently."""
    owners = defaultdict(list)
    for owner, *record in found:
        owners[owner].append(record)
    return owners


def class_of(values: dict[str, Any]) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in values["type"]).lstrip("_")


def assert_same_instruments(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Field by field; what moved is in info, and what is nowhere is what NautilusTrader assumes."""
    found = {one["id"]: one for one in after}
    assert found.keys() == {one["id"] for one in before}
    for one in before:
        other = found[one["id"]]
        kept = (other["info"] or {}).get("nautilus_trader_v1", {})
        for name in one.keys() - {"info", "tick_scheme_name", "tick_scheme"}:
            held = kept.get(name, other.get(name, assumed(class_of(one), name)))
            assert same_value(kind_of(class_of(one), name), one[name], held), (one["id"], name, one[name], held)


@pytest.fixture(scope="module")
def v2_of_v1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("converted") / "v2"
    report = convert(market_path("stores/nautilus-1.231"), target, "v2")
    assert (report.rows, report.skipped, report.verified) == (sum(ROWS.values()) + 6, (), True)
    return target


@pytest.mark.parametrize("data_type", ROWS)
def test_v2_reads_the_records_that_v1_reads_from_the_source(data_type: str, v2_of_v1: Path, requires_v2: None) -> None:
    ours = by_owner(records_v2(v2_of_v1, data_type))
    theirs = by_owner(records(market_path("stores/nautilus-1.231"), data_type))
    assert sum(map(len, theirs.values())) == ROWS[data_type]
    assert ours == theirs


def test_v2_reads_the_instruments_with_the_futures_contracts(v2_of_v1: Path, requires_v2: None) -> None:
    before = instruments(market_path("stores/nautilus-1.231"))
    assert sum(one["type"] == "FuturesContract" for one in before) == 3
    assert_same_instruments(before, read_v2_instruments(v2_of_v1))


def test_v1_reads_the_records_that_v2_reads_from_the_source(tmp_path: Path, requires_v2: None) -> None:
    source = market_path("stores/nautilus-2.0.0rc7")
    report = convert(source, tmp_path / "v1", "v1")
    assert (report.rows, report.skipped, report.verified) == (sum(ROWS.values()) + 3, (), True)
    for data_type, rows in ROWS.items():
        ours = by_owner(records(tmp_path / "v1", data_type))
        assert sum(map(len, ours.values())) == rows
        assert ours == by_owner(records_v2(source, data_type))
    assert_same_instruments(read_v2_instruments(source), instruments(tmp_path / "v1"))


def test_the_mixed_dialect_becomes_either(tmp_path: Path) -> None:
    source = market_path("stores/nautilus-2.0.0rc4")
    for to in ("v1", "v2"):
        report = convert(source, tmp_path / to, to)
        assert (report.files, report.rows, report.skipped) == (3, 15, ())
        assert_same(contents(source), contents(tmp_path / to))


@pytest.mark.parametrize(
    ("name", "data_type", "directory"),
    [
        ("quotes-3-groups-filter-query", "quote", "quote_tick/BTCUSDT-PERP.BINANCE"),
        ("trades", "trade", "trade_tick/EURUSD.SIM"),
        ("bars", "bar", "bar/ADABTC.BINANCE-1-MINUTE-LAST-EXTERNAL"),
    ],
)
def test_8_byte_files_become_their_16_byte_twins(name: str, data_type: str, directory: str, tmp_path: Path) -> None:
    twin = market_path("nautilus-files/128-bit")
    for bits in ("64", "128"):
        place = tmp_path / bits / "data" / directory
        place.mkdir(parents=True)
        (place / f"{name}.parquet").write_bytes(
            (market_path(f"nautilus-files/{bits}-bit") / f"{name}.parquet").read_bytes()
        )
        assert convert(tmp_path / bits, tmp_path / f"{bits}-converted", "v1").skipped == ()
    [converted] = tree(tmp_path / "64-converted")
    expected = scan(twin, [f"{name}.parquet"], data_type).collect()
    assert scan(tmp_path / "64-converted", [converted], data_type).collect().equals(expected)
    bounds = expected["ts_init"].min(), expected["ts_init"].max()
    assert converted == f"data/{directory}/{format_file_name(*bounds)}"  # type: ignore[arg-type]
    read = [records(tmp_path / f"{bits}-converted", data_type) for bits in ("64", "128")]
    assert read[0] == read[1]
    assert len(read[0]) == expected.height
