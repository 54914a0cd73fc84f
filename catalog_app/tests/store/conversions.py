"""Source stores for tests of conversions, and what a store holds as canonical rows."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.store.layout import Version, locate
from catalog_app.store.listing import list_files
from catalog_app.store.reader import scan
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.store.frames import BAR_TYPE, INSTRUMENT, UNIT, frame

OTHER = "GBP/USD.SIM"
QUOTES = "data/quote_tick/EURUSD.SIM"

type Contents = dict[tuple[str, str], pl.DataFrame]


def write_dataset(
    root: Path,
    data_type: str,
    *frames: pl.DataFrame,
    version: Version = "v1",
    instrument_id: str = INSTRUMENT,
    **options: Any,
) -> list[str]:
    """Commit each frame as a file of its own."""
    root.mkdir(exist_ok=True)
    paths = []
    with Transaction(root, "test", "d") as tx:
        for frame in frames:
            writer = DatasetWriter(
                tx,
                data_type,
                instrument_id,
                bar_type=BAR_TYPE if data_type == "bar" else None,
                version=version,
                **({"price_precision": 4, "size_precision": 2} | options),
            )
            writer.write(frame)
            paths += writer.finish()
        tx.commit()
    return paths


def contents(root: Path) -> Contents:
    """The rows of every dataset by data type and identifier, files in the order of their names."""
    paths: dict[tuple[str, str], list[str]] = {}
    for file in list_files(root):
        located = locate(file.path)
        if located.role == "data" and located.data_type != "custom":
            paths.setdefault((located.data_type, located.identifier), []).append(file.path)
    return {key: scan(root, own, key[0]).collect() for key, own in paths.items()}


def assert_same(one: Contents, other: Contents) -> None:
    """Equal rows in equal order in the same datasets."""
    assert one.keys() == other.keys()
    for key, rows in one.items():
        assert rows.equals(other[key]), key


def define(root: Path, *instrument_ids: str) -> None:
    for instrument_id in instrument_ids:
        instrument = build_instrument(
            "currency_pair", instrument_id, base_currency=instrument_id[:3], currency="USD", price_precision=4
        )
        with Transaction(root, "test", "d") as tx:
            write_instrument(tx, instrument)
            tx.commit()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two files of quotes, trades of another instrument, bars, and both definitions."""
    root = tmp_path / "source"
    write_dataset(root, "quote", frame("quote", [1, 2, 2]), frame("quote", [5, 9], price=2 * UNIT))
    write_dataset(root, "trade", frame("trade", [3, 4]), instrument_id=OTHER)
    write_dataset(root, "bar", frame("bar", [60, 120]))
    define(root, INSTRUMENT, OTHER)
    return root
