"""What names tell is in the index before any file is read; rows stay unknown until then."""

import os
import time
from pathlib import Path

import pytest

from catalog_app.models import DatasetLease, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services import index
from catalog_app.services.errors import JobCancelled
from catalog_app.services.sync import apply_changes, find_changes, sync_store

QUOTES = "data/quote_tick/EURUSD.SIM"
NAME = "2024-01-01T00-00-00-000000000Z_2024-01-02T00-00-00-000000000Z.parquet"


def _listed(store: Store) -> None:
    index.list_new(store, find_changes(store).new)


def test_names_give_instrument_type_and_range(nautilus_store: Store) -> None:
    _listed(nautilus_store)

    bars = nautilus_store.datasets.get(path="data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL")
    assert (bars.data_type, bars.instrument_id, bars.venue) == ("bar", "GBPUSD.SIM", "SIM")
    assert (bars.timeframe, bars.bar_type) == ("1-MINUTE-BID", "GBPUSD.SIM-1-MINUTE-BID-EXTERNAL")
    file = bars.files.get()
    assert (bars.start_ns, bars.end_ns) == (file.name_start_ns, file.name_end_ns)
    assert bars.start_date is not None


def test_rows_that_were_not_read_are_unknown_and_not_0(nautilus_store: Store) -> None:
    _listed(nautilus_store)

    assert {row.record_count for row in nautilus_store.datasets.all()} == {None}
    assert {row.state for row in nautilus_store.datasets.all()} == {IndexState.LISTED}
    assert all(row.listed_count == row.file_count > 0 for row in nautilus_store.datasets.all())
    assert {row.rows for row in nautilus_store.files.all()} == {None}


def test_what_was_listed_is_read_by_the_next_sync(nautilus_store: Store) -> None:
    _listed(nautilus_store)

    report = sync_store(nautilus_store)

    assert (report.added, report.changed, report.pending) == (0, report.files, 0)
    quotes = nautilus_store.datasets.get(path=QUOTES)
    assert (quotes.instrument_id, quotes.record_count, quotes.listed_count) == ("EUR/USD.SIM", 9_500, 0)
    assert not nautilus_store.instruments.filter(instrument_id="EURUSD.SIM").exists()


def test_a_sync_that_was_stopped_goes_on_where_it_was(nautilus_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog_app.services.reading.CHUNK", 4)

    def stop(done: int, _: int) -> None:
        if done >= 8:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        sync_store(nautilus_store, stop)
    assert nautilus_store.files.filter(state=IndexState.LISTED).count() == nautilus_store.files.count() - 8

    assert sync_store(nautilus_store).changed == nautilus_store.files.count() - 8
    assert not nautilus_store.files.filter(state=IndexState.LISTED).exists()


def test_a_dataset_of_which_a_part_is_read_has_the_rows_of_that_part(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    (Path(nautilus_store.root) / QUOTES / NAME).write_bytes(b"PAR1 on its way")
    _listed(nautilus_store)

    quotes = nautilus_store.datasets.get(path=QUOTES)
    assert (quotes.record_count, quotes.listed_count, quotes.state) == (9_500, 1, IndexState.OK)
    assert quotes.end_ns == quotes.files.get(path=f"{QUOTES}/{NAME}").name_end_ns


def test_the_way_an_id_is_written_is_known_from_other_data(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    trades = Path(nautilus_store.root) / "data/trade_tick/EURUSD.SIM"
    trades.mkdir()
    (trades / NAME).write_bytes(b"PAR1")
    _listed(nautilus_store)

    assert nautilus_store.datasets.get(path="data/trade_tick/EURUSD.SIM").instrument_id == "EUR/USD.SIM"


def test_a_half_written_file_is_no_damage_while_it_is_young(nautilus_store: Store) -> None:
    path = Path(nautilus_store.root) / QUOTES / NAME
    path.write_bytes(b"PAR1 half of it")

    young = apply_changes(nautilus_store, find_changes(nautilus_store), patient=True)
    file = nautilus_store.files.get(path=f"{QUOTES}/{NAME}")
    assert (young.unreadable, young.pending, file.state) == ([], 1, IndexState.LISTED)
    assert "looked at again" in file.problem

    old = time.time_ns() - 60 * 10**9
    os.utime(path, ns=(old, old))
    later = apply_changes(nautilus_store, find_changes(nautilus_store), patient=True)
    assert [item["path"] for item in later.unreadable] == [f"{QUOTES}/{NAME}"]


def test_a_file_that_becomes_whole_is_read(nautilus_store: Store) -> None:
    source = next((Path(nautilus_store.root) / QUOTES).iterdir())
    path = source.with_name(NAME)
    path.write_bytes(source.read_bytes()[:-100])
    apply_changes(nautilus_store, find_changes(nautilus_store), patient=True)
    path.write_bytes(source.read_bytes())

    report = apply_changes(nautilus_store, find_changes(nautilus_store), patient=True)

    assert (report.unreadable, report.pending) == ([], 0)
    assert nautilus_store.datasets.get(path=QUOTES).record_count == 2 * 9_500


def test_a_file_that_was_whole_and_is_damaged_loses_its_facts(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    path = next((Path(nautilus_store.root) / QUOTES).iterdir())
    path.write_bytes(b"PAR1 no more")

    report = sync_store(nautilus_store)

    quotes = nautilus_store.datasets.get(path=QUOTES)
    assert (report.changed, quotes.state, quotes.record_count, quotes.start_ns) == (
        1, IndexState.UNREADABLE, None, None,
    )  # fmt: skip


def test_a_definition_that_is_damaged_defines_nothing_any_more(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    next((Path(nautilus_store.root) / "data/futures_contract/ESU4.GLBX").iterdir()).write_bytes(b"PAR1 no more")

    sync_store(nautilus_store)

    assert not nautilus_store.instruments.get(instrument_id="ESU4.GLBX").is_defined


def test_only_the_named_directories_are_looked_at(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    for directory in (QUOTES, "data/trade_tick/XBTUSD.BITMEX"):
        next((Path(nautilus_store.root) / directory).iterdir()).unlink()

    report = sync_store(nautilus_store, directories={QUOTES})

    assert (report.files, report.removed) == (0, 1)
    assert not nautilus_store.datasets.filter(path=QUOTES).exists()
    assert nautilus_store.datasets.filter(path="data/trade_tick/XBTUSD.BITMEX").exists()


def test_a_directory_that_a_job_is_changing_keeps_its_dataset(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    dataset = nautilus_store.datasets.get(path=QUOTES)
    for file in (Path(nautilus_store.root) / QUOTES).iterdir():
        file.unlink()
    far = "2100-01-01T00:00:00Z"
    lease = DatasetLease.objects.create(
        store=nautilus_store, path=QUOTES, holder=dataset.pk, purpose="consolidate", expires_at=far
    )

    assert sync_store(nautilus_store).removed == 0
    assert nautilus_store.datasets.filter(pk=dataset.pk).exists()
    lease.delete()
    assert sync_store(nautilus_store).removed == 1


def test_dialects_and_precisions_that_differ_are_a_finding(nautilus_store: Store) -> None:
    sync_store(nautilus_store)
    quotes = nautilus_store.datasets.get(path=QUOTES)
    other = quotes.files.get()
    other.pk, other.path, other.dialect, other.price_precision = None, f"{QUOTES}/{NAME}", "v2", 3
    other.save()
    with index.writing_index(nautilus_store):
        index.refresh_datasets(nautilus_store, [quotes.pk])

    quotes.refresh_from_db()
    assert (quotes.dialect, quotes.price_precision) == ("mixed", 5)
    assert "2 dialects" in quotes.problem
    assert "price precisions from 3 to 5" in quotes.problem


def test_bars_without_a_bar_type_say_so(empty_store: Store) -> None:
    directory = Path(empty_store.root) / "data/bar/SOMETHING"
    directory.mkdir(parents=True)
    (directory / NAME).write_bytes(b"PAR1")

    _listed(empty_store)

    assert "SOMETHING is no bar type" in empty_store.datasets.get().problem
