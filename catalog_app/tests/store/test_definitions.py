"""Definitions of every instrument class, of both versions, with all their fields."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.instruments.definitions import Definition, read_definitions
from catalog_app.store.listing import list_files
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import frame, write
from catalog_app.tests.store.instrument_samples import CLASSES, v1_sample, write_v2_store
from catalog_app.tests.store.trees import put

# Fields of a store that a Definition gives under another name, or as an empty text where there is none.
_CURRENCIES = ("quote_currency", "currency")


def definitions(root: Path) -> dict[str, Definition]:
    """All definitions of a store by instrument id."""
    return {one.instrument_id: one for file in list_files(root) for one in read_definitions(root, file.path)}


def assert_whole(one: Definition) -> None:
    """What every full sample says."""
    fields = one.fields
    assert one.currency == next(fields[name] for name in _CURRENCIES if name in fields)
    assert one.price_precision == int(fields["price_precision"])
    assert one.price_increment == "0.25"
    assert one.asset_class, one.instrument_class
    if "expiration_ns" in fields:
        assert (one.activation_ns, one.expiration_ns) == (1_600_000_000_000_000_003, 1_800_000_000_000_000_004)
    assert int(fields["ts_init"]) == 1_720_000_000_000_000_002


def test_every_class_of_1_231_is_read_with_all_fields(tmp_path: Path) -> None:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    samples = {name: v1_sample(name, full=True) for name in CLASSES}
    for sample in samples.values():
        ParquetDataCatalog(tmp_path).write_data([sample])
    found = definitions(tmp_path)
    paths = {
        one.instrument_id: file.path for file in list_files(tmp_path) for one in read_definitions(tmp_path, file.path)
    }
    assert {one.instrument_class for one in found.values()} == set(CLASSES)
    for name, sample in samples.items():
        one = found[sample.id.value]
        [written] = pq.read_table(tmp_path / paths[sample.id.value], partitioning=None).to_pylist()
        assert one.fields.keys() == {field for field, value in written.items() if value is not None}, name
        if name != "betting_instrument":  # it has prices of its own
            assert_whole(one)
        assert (one.price_precision, one.size_precision) == (sample.price_precision, sample.size_precision), name


def test_every_class_of_2_0_is_read_with_all_fields(tmp_path: Path, requires_v2: None) -> None:
    write_v2_store(tmp_path / "store")
    found = definitions(tmp_path / "store")
    assert len(found) == 2 * len(CLASSES)
    assert {one.instrument_class for one in found.values()} == set(CLASSES)
    for identifier, one in found.items():
        assert one.currency, identifier
        assert one.price_precision is not None, identifier
        assert one.fields["id"] == identifier
        if identifier.startswith("F"):
            assert_whole(one)
            assert one.fields["tick_scheme"] == "FIXED_PRECISION_2"
            assert '"d"' in one.fields["info"]


@pytest.mark.parametrize(("store", "count"), [("nautilus-1.231", 6), ("nautilus-2.0.0rc7", 3)])
def test_the_definitions_of_real_stores_are_read(store: str, count: int) -> None:
    root = market_path(f"stores/{store}")
    paths = [file.path for file in list_files(root) if "/currency_pair/" in file.path or "/futures_" in file.path]
    found = {one.instrument_id: one for path in paths for one in read_definitions(root, path)}
    assert len(found) == count
    assert (found["EUR/USD.SIM"].base_currency, found["EUR/USD.SIM"].asset_class) == ("EUR", "FX")
    assert found["BTCUSDT.BINANCE"].asset_class == "CRYPTOCURRENCY"


def test_what_is_no_definition_is_refused(tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [1])).files_after
    with pytest.raises(UnsupportedFile, match="not an instrument definition"):
        read_definitions(tmp_path, file.path)
    put(tmp_path, "data/equity/A.B/x.parquet", "rubbish")
    with pytest.raises(UnreadableFile, match="whole Parquet"):
        read_definitions(tmp_path, "data/equity/A.B/x.parquet")
    with pytest.raises(UnreadableFile, match="does not exist"):
        read_definitions(tmp_path, "data/equity/A.B/none.parquet")
