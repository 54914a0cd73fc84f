"""Files have the columns, order, nulls and metadata that NautilusTrader itself writes."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from catalog_app.store.layout import V1_DIRECTORY, V2_DIRECTORY, VERSIONS, Version
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.tests.store import reference
from catalog_app.tests.store.frames import INSTRUMENT, TYPES, bar_type_of, frame, write
from catalog_app.tests.store.plain_decoder import decode


@pytest.fixture(scope="module")
def v1_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "v1"
    reference.write_v1(root)
    return root


@pytest.fixture(scope="module")
def v2_store(requires_v2: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "v2"
    reference.write_v2(root)
    return root


@pytest.fixture(scope="module")
def migrated_store(requires_v2: None, v1_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "migrated"
    reference.migrate_to_v2(v1_store, root)
    return root


def require_equal_file(theirs: Path, ours: Path, data_type: str, version: Version) -> None:
    ours.mkdir()
    one = frame(data_type, [8]).with_columns(ts_event=pl.lit(7, pl.Int64))
    [file] = write(ours, data_type, one, price_precision=5, size_precision=2, version=version).files_after
    directory = (V1_DIRECTORY if version == "v1" else V2_DIRECTORY)[data_type]
    [their_file] = (theirs / "data" / directory).rglob("*.parquet")
    assert file.path == their_file.relative_to(theirs).as_posix()
    our_file = ours / file.path
    assert pq.read_schema(our_file).equals(pq.read_schema(their_file), check_metadata=True)
    assert decode(our_file, data_type).equals(decode(their_file, data_type))


@pytest.mark.parametrize("data_type", TYPES)
def test_v1_files_are_those_of_1_231(data_type: str, v1_store: Path, tmp_path: Path) -> None:
    require_equal_file(v1_store, tmp_path / "ours", data_type, "v1")


@pytest.mark.parametrize("data_type", [name for name in TYPES if name != "funding_rate"])
def test_v2_files_are_those_of_2_0(data_type: str, v2_store: Path, tmp_path: Path) -> None:
    require_equal_file(v2_store, tmp_path / "ours", data_type, "v2")


def test_v2_funding_rates_are_those_of_its_migration(migrated_store: Path, tmp_path: Path) -> None:
    require_equal_file(migrated_store, tmp_path / "ours", "funding_rate", "v2")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_precision_that_the_type_needs_must_be_given(version: Version) -> None:
    for data_type in ("quote", "trade", "bar", "delta", "depth10"):
        for precisions, missing in (((None, 2), "price precision"), ((5, None), "size precision")):
            with pytest.raises(ValueError, match=missing):
                arrow_schema(data_type, INSTRUMENT, bar_type_of(data_type), *precisions, version)
    for data_type in ("funding_rate", "status", "greeks"):
        assert b"price_precision" not in arrow_schema(data_type, INSTRUMENT, None, None, None, version).metadata
