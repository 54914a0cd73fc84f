"""Instrument definitions: read from any dialect, built, and written so that NautilusTrader reads them back."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import Overlap, UnreadableFile, UnsupportedFile
from catalog_app.store.instruments.building import (
    BUILDABLE,
    Definition,
    build_instrument,
    instrument_path,
    instrument_table,
    read_definitions,
    write_instrument,
)
from catalog_app.store.instruments.fields import kind_of
from catalog_app.store.instruments.v1 import same_value
from catalog_app.store.layout import locate
from catalog_app.store.listing import list_files
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import INSTRUMENT, frame, write
from catalog_app.tests.store.instrument_samples import read_v2_instruments
from catalog_app.tests.store.trees import put, tree
from catalog_app.tests.store.upstream import instruments

TERMS: dict[str, dict[str, Any]] = {
    "currency_pair": {
        "instrument_id": "EUR/USD.SIM",
        "base_currency": "EUR",
        "currency": "USD",
        "price_precision": 5,
        "lot_size": "1000",
    },
    "crypto_perpetual": {
        "instrument_id": "BTCUSDT-PERP.BINANCE",
        "base_currency": "BTC",
        "currency": "USDT",
        "price_precision": 1,
        "size_precision": 3,
        "ts_ns": 1_700_000_000 * 10**9,
    },
    "equity": {"instrument_id": "AAPL.XNAS", "currency": "USD", "price_precision": 2},
    "futures_contract": {
        "instrument_id": "6EH4.XCME",
        "currency": "USD",
        "price_precision": 5,
        "price_increment": Decimal("0.00005"),
        "multiplier": "125000",
        "asset_class": "FX",
        "underlying": "6E",
        "exchange": "XCME",
        "activation_ns": 1_600_000_000 * 10**9,
        "expiration_ns": 1_710_000_000 * 10**9,
    },
    "cfd": {"instrument_id": "AUS200.OANDA", "currency": "AUD", "price_precision": 1, "asset_class": "INDEX"},
    "commodity": {"instrument_id": "XAUUSD.OANDA", "currency": "USD", "price_precision": 2, "asset_class": "COMMODITY"},
    "index_instrument": {"instrument_id": "SPX.CBOE", "currency": "USD", "price_precision": 2},
}


def build(instrument_class: str, **changes: Any) -> Any:
    return build_instrument(instrument_class, **(TERMS[instrument_class] | changes))


def stored(root: Path, instrument_class: str) -> Definition:
    instrument = build(instrument_class)
    with Transaction(root, "test", "d") as tx:
        path = write_instrument(tx, instrument)
        tx.commit()
    [definition] = read_definitions(root, path)
    return definition


def test_every_buildable_class_is_read_back_equal_by_the_real_catalog(tmp_path: Path) -> None:
    assert set(TERMS) == set(BUILDABLE)
    built = [build(instrument_class) for instrument_class in BUILDABLE]
    for instrument_class in BUILDABLE:
        stored(tmp_path, instrument_class)
    found = {one["id"]: one for one in instruments(tmp_path)}
    assert len(found) == len(built)
    for instrument in built:
        expected = {
            key: value for key, value in type(instrument).to_dict(instrument).items() if key != "tick_scheme_name"
        }
        actual = {key: value for key, value in found[instrument.id.value].items() if key != "tick_scheme_name"}
        assert actual == expected


def test_every_buildable_class_is_read_back_equal_by_v2(tmp_path: Path, requires_v2: None) -> None:
    built = {}
    for instrument_class in BUILDABLE:
        instrument = build(instrument_class)
        built[instrument.id.value] = (instrument_class, type(instrument).to_dict(instrument))
        with Transaction(tmp_path, "test", "d") as tx:
            write_instrument(tx, instrument, version="v2")
            tx.commit()
    found = {one["id"]: one for one in read_v2_instruments(tmp_path)}
    assert found.keys() == built.keys()
    for identifier, (instrument_class, values) in built.items():
        for name in set(values) & set(found[identifier]) - {"info"}:
            assert same_value(kind_of(instrument_class, name), values[name], found[identifier][name]) or (
                name == "min_quantity" and values[name] is None and found[identifier][name] == "1"
            ), (identifier, name)


@pytest.mark.parametrize("instrument_class", BUILDABLE)
def test_path_and_table_are_those_that_upstream_writes(instrument_class: str, tmp_path: Path) -> None:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    instrument = build(instrument_class)
    ParquetDataCatalog(tmp_path).write_data([instrument])
    [path] = tree(tmp_path)
    assert path == instrument_path(instrument)
    theirs = pq.read_table(tmp_path / path, partitioning=None)
    assert instrument_table(instrument).schema.equals(theirs.schema, check_metadata=True)
    assert instrument_table(instrument).equals(theirs)


@pytest.mark.parametrize(
    ("instrument_class", "asset_class", "currency", "base", "increments"),
    [
        ("currency_pair", "FX", "USD", "EUR", ("0.00001", "1")),
        ("crypto_perpetual", "CRYPTOCURRENCY", "USDT", "BTC", ("0.1", "0.001")),
        ("equity", "EQUITY", "USD", "", ("0.01", "1")),
        ("futures_contract", "FX", "USD", "", ("0.00005", "1")),
        ("cfd", "INDEX", "AUD", "", ("0.1", "1")),
        ("commodity", "COMMODITY", "USD", "", ("0.01", "1")),
        ("index_instrument", "INDEX", "USD", "", ("0.01", "1")),
    ],
)
def test_definitions_carry_the_terms(
    tmp_path: Path, instrument_class: str, asset_class: str, currency: str, base: str, increments: tuple[str, str]
) -> None:
    definition = stored(tmp_path, instrument_class)
    terms = TERMS[instrument_class]
    assert (definition.instrument_id, definition.instrument_class) == (terms["instrument_id"], instrument_class)
    assert (definition.asset_class, definition.currency, definition.base_currency) == (asset_class, currency, base)
    assert (definition.price_increment, definition.size_increment) == increments
    assert definition.price_precision == terms["price_precision"]
    assert definition.size_precision == terms.get("size_precision", 0)
    assert (definition.activation_ns, definition.expiration_ns) == (
        terms.get("activation_ns"),
        terms.get("expiration_ns"),
    )
    assert definition.fields["id"] == terms["instrument_id"]
    assert all(isinstance(text, str) for text in definition.fields.values())


@pytest.mark.parametrize(
    ("base", "currency", "asset_class"),
    [("EUR", "USD", "FX"), ("BTC", "USDT", "CRYPTOCURRENCY"), ("ETH", "USD", "CRYPTOCURRENCY"), ("ZZZ", "YYY", "")],
)
def test_currency_pairs_are_classed_by_their_currencies(
    tmp_path: Path, base: str, currency: str, asset_class: str
) -> None:
    table = pa.table(
        {"id": ["A/B.SIM"], "base_currency": [base], "quote_currency": [currency]}, metadata={"class": "CurrencyPair"}
    )
    put(tmp_path, "pair.parquet", "")
    pq.write_table(table, tmp_path / "pair.parquet")
    [definition] = read_definitions(tmp_path, "pair.parquet")
    assert (definition.instrument_class, definition.asset_class) == ("currency_pair", asset_class)
    assert definition.price_precision is None


@pytest.mark.parametrize(
    ("instrument_class", "changes", "wrong"),
    [
        ("option_contract", {}, "cannot be built"),
        ("currency_pair", {"instrument_id": "EURUSD"}, "SYMBOL.VENUE"),
        ("currency_pair", {"base_currency": None}, "base_currency is missing"),
        ("currency_pair", {"currency": "US DOLLAR"}, "currency code"),
        ("currency_pair", {"currency": "€"}, "currency code"),
        ("currency_pair", {"price_precision": 17}, "price_precision"),
        ("currency_pair", {"size_precision": -1}, "size_precision"),
        ("currency_pair", {"price_increment": "0.000001"}, "price_increment"),
        ("currency_pair", {"price_increment": "0"}, "price_increment"),
        ("currency_pair", {"price_increment": "-1"}, "price_increment"),
        ("currency_pair", {"price_increment": "nan"}, "not a decimal"),
        ("currency_pair", {"size_increment": "0.5"}, "size_increment"),
        ("currency_pair", {"lot_size": "0"}, "lot_size"),
        ("currency_pair", {"multiplier": "1e30"}, "too large"),
        ("currency_pair", {"ts_ns": -1}, "ts_ns"),
        ("equity", {"size_precision": 2}, "whole sizes"),
        ("futures_contract", {"asset_class": None}, "asset_class is missing"),
        ("futures_contract", {"asset_class": "STOCKS"}, "asset_class"),
        ("futures_contract", {"expiration_ns": None}, "expiration_ns is missing"),
        ("futures_contract", {"activation_ns": 1_720_000_000 * 10**9}, "before expiration_ns"),
        ("futures_contract", {"underlying": "6 E"}, "underlying"),
        ("cfd", {"asset_class": None}, "asset_class is missing"),
    ],
)
def test_wrong_terms_are_told_before_nautilus_trader_sees_them(
    instrument_class: str, changes: dict[str, Any], wrong: str
) -> None:
    terms = TERMS.get(instrument_class, TERMS["currency_pair"]) | changes
    with pytest.raises(ValueError, match=wrong):
        build_instrument(instrument_class, **terms)


def test_a_definition_of_the_same_time_is_not_written_twice(tmp_path: Path) -> None:
    stored(tmp_path, "equity")
    with Transaction(tmp_path, "test", "d") as tx, pytest.raises(Overlap):
        write_instrument(tx, build("equity"))
    with Transaction(tmp_path, "test", "d") as tx:
        write_instrument(tx, build("equity", ts_ns=5))
        tx.commit()
    assert len(tree(tmp_path)) == 2


@pytest.mark.parametrize(("store", "count"), [("nautilus-1.231", 6), ("nautilus-2.0.0rc7", 3)])
def test_definitions_of_real_stores_are_read(store: str, count: int) -> None:
    root = market_path(f"stores/{store}")
    paths = [file.path for file in list_files(root) if locate(file.path).role == "definition"]
    found = {one.instrument_id: one for path in paths for one in read_definitions(root, path)}
    assert len(found) == count
    bitcoin = found["BTCUSDT.BINANCE"]
    assert (bitcoin.asset_class, bitcoin.price_increment, bitcoin.size_precision) == ("CRYPTOCURRENCY", "0.01", 6)
    assert (found["EUR/USD.SIM"].asset_class, found["EUR/USD.SIM"].base_currency) == ("FX", "EUR")
    if "ESU4.GLBX" in found:
        future = found["ESU4.GLBX"]
        assert (future.asset_class, future.price_increment) == ("INDEX", "0.25")
        assert future.expiration_ns == 1_726_839_000 * 10**9


def test_what_is_no_definition_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "data/equity/X.Y/a.parquet", "rubbish")
    with pytest.raises(UnreadableFile):
        read_definitions(tmp_path, "data/equity/X.Y/a.parquet")
    with pytest.raises(UnreadableFile, match="does not exist"):
        read_definitions(tmp_path, "data/equity/X.Y/b.parquet")
    [file] = write(tmp_path, "quote", frame("quote", [1]), instrument_id=INSTRUMENT).files_after
    with pytest.raises(UnsupportedFile, match="not an instrument definition"):
        read_definitions(tmp_path, file.path)


@pytest.mark.parametrize("column", [{"id": [None]}, {"id": ["A.B"], "price_precision": ["x"]}])
def test_columns_that_do_not_fit_are_refused(tmp_path: Path, column: dict[str, list[Any]]) -> None:
    put(tmp_path, "data/equity/A.B/a.parquet", "")
    pq.write_table(pa.table(column), tmp_path / "data/equity/A.B/a.parquet")
    with pytest.raises(UnsupportedFile, match="do not fit"):
        read_definitions(tmp_path, "data/equity/A.B/a.parquet")
