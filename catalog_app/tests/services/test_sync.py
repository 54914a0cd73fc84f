"""The index follows the files."""

import os
from pathlib import Path

import pytest
from django.db.models import Sum

from catalog_app.models import Store
from catalog_app.models.dataset import IndexState
from catalog_app.services.errors import JobFailed
from catalog_app.services.stores import UnknownStore, find_store, register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.market import market_path


def _rows(store: Store, data_type: str) -> int:
    return store.datasets.filter(data_type=data_type).aggregate(rows=Sum("record_count"))["rows"]


def test_a_nautilus_store_is_indexed_with_its_true_counts(nautilus_store: Store) -> None:
    report = sync_store(nautilus_store)

    assert (_rows(nautilus_store, "quote"), _rows(nautilus_store, "bar"), _rows(nautilus_store, "trade")) == (
        11_788,
        22_750,
        130,
    )
    assert nautilus_store.instruments.filter(is_defined=True).count() == 6
    assert report.unreadable == []
    assert report.added == report.files


def test_book_data_is_read_like_the_rest(nautilus_store: Store) -> None:
    sync_store(nautilus_store)

    assert (_rows(nautilus_store, "delta"), _rows(nautilus_store, "depth10")) == (13_786, 10)
    assert {row.state for row in nautilus_store.datasets.all()} == {IndexState.OK}


def test_ids_with_a_slash_come_from_the_metadata(nautilus_store: Store) -> None:
    sync_store(nautilus_store)

    quotes = nautilus_store.datasets.get(path="data/quote_tick/EURUSD.SIM")
    assert (quotes.instrument_id, quotes.venue) == ("EUR/USD.SIM", "SIM")
    assert quotes.start_ns == 1_577_898_000_065_000_000
    assert quotes.definition is not None
    assert quotes.definition.is_defined


def test_a_second_sync_reads_nothing_again(nautilus_store: Store) -> None:
    sync_store(nautilus_store)

    report = sync_store(nautilus_store)

    assert (report.added, report.changed, report.removed) == (0, 0, 0)


def test_a_changed_file_is_read_again(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    path = nautilus_store.files.filter(dataset__data_type="trade").first()
    assert path is not None
    os.utime(Path(nautilus_store.root) / path.path, ns=(1, path.mtime_ns + 1))

    assert sync_store(nautilus_store).changed == 1


def test_a_removed_file_takes_its_dataset_with_it(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    dataset = nautilus_store.datasets.get(path="data/trade_tick/XBTUSD.BITMEX")
    for file in dataset.files.all():
        (Path(nautilus_store.root) / file.path).unlink()

    report = sync_store(nautilus_store)

    assert report.removed == 1
    assert not nautilus_store.datasets.filter(pk=dataset.pk).exists()


@pytest.mark.parametrize("content", [b"", b"PAR1 but no footer", b"\x00" * 5000])
def test_a_corrupt_file_is_a_listed_finding_and_stops_nothing(nautilus_store: Store, content: bytes) -> None:
    name = "2024-01-01T00-00-00-000000000Z_2024-01-02T00-00-00-000000000Z.parquet"
    broken = Path(nautilus_store.root) / "data/quote_tick/EURUSD.SIM" / name
    broken.write_bytes(content)

    report = sync_store(nautilus_store)

    assert [item["path"] for item in report.unreadable] == [f"data/quote_tick/EURUSD.SIM/{name}"]
    assert report.unreadable[0]["reason"]
    dataset = nautilus_store.datasets.get(path="data/quote_tick/EURUSD.SIM")
    assert dataset.record_count == 9_500
    assert "1 of 2 files cannot be read" in dataset.problem


def test_a_corrupt_definition_is_a_listed_finding(nautilus_store: Store) -> None:
    definition = next((Path(nautilus_store.root) / "data/futures_contract/ESU4.GLBX").iterdir())
    definition.write_bytes(b"not parquet")

    report = sync_store(nautilus_store)

    assert len(report.unreadable) == 1
    assert nautilus_store.instruments.filter(is_defined=True).count() == 5
    assert not nautilus_store.instruments.get(instrument_id="ESU4.GLBX").is_defined


def test_files_outside_the_layout_are_listed_as_unsupported(nautilus_store: Store) -> None:
    stray = Path(nautilus_store.root) / "data/quote_tick/part-0.parquet"
    stray.write_bytes(next((Path(nautilus_store.root) / "data/quote_tick/EURUSD.SIM").iterdir()).read_bytes())

    report = sync_store(nautilus_store)

    assert [item["path"] for item in report.unsupported if "part-0" in item["path"]] == [
        "data/quote_tick/part-0.parquet"
    ]


def test_a_missing_root_is_an_error_that_says_what_to_do(db: None, tmp_path: Path) -> None:
    store = register_store(tmp_path / "gone")

    with pytest.raises(JobFailed, match="does not exist"):
        sync_store(store)
    store.refresh_from_db()
    assert "does not exist" in store.sync_error


def test_an_unmounted_store_keeps_its_index(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    (Path(nautilus_store.root) / "data").rename(Path(nautilus_store.root).parent / "elsewhere")

    with pytest.raises(JobFailed, match="is empty"):
        sync_store(nautilus_store)

    assert nautilus_store.datasets.exists()


@pytest.mark.parametrize(
    ("name", "dialect", "rows"), [("nautilus-2.0.0rc7", "v2", 48_464), ("nautilus-2.0.0rc4", "rc4", 15)]
)
def test_every_dialect_is_read_and_named(db: None, name: str, dialect: str, rows: int) -> None:
    store = register_store(market_path(f"stores/{name}"), read_only=True)

    report = sync_store(store)

    assert (report.unreadable, report.unsupported, report.pending) == ([], [], 0)
    assert sum(row.record_count or 0 for row in store.datasets.all()) == rows
    assert {(row.dialect, row.state, row.problem) for row in store.datasets.all()} == {(dialect, IndexState.OK, "")}


def test_single_files_of_older_writers_crash_nothing(db: None) -> None:
    store = register_store(market_path("nautilus-files"), read_only=True)

    assert sync_store(store).files == store.files.count()


def test_stores_are_found_by_name_path_or_order(empty_store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    assert find_store() == empty_store
    assert find_store(empty_store.name) == empty_store
    assert find_store(str(other)).read_only
    with pytest.raises(UnknownStore, match="no known store"):
        find_store("nonsense")
