"""What others write is noticed, indexed and told of, and a look that finds nothing costs nothing."""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from catalog_app.models import DatasetLease, Job, Store
from catalog_app.models.dataset import IndexState
from catalog_app.models.job import JobState
from catalog_app.services import changes, watch
from catalog_app.services.sync import sync_store

QUOTES = "data/quote_tick/EURUSD.SIM"
NAME = "2024-01-01T00-00-00-000000000Z_2024-01-02T00-00-00-000000000Z.parquet"
LONG_AGO = 10**18


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[set[UUID]]]:
    """The datasets that followers of changes are told of, by call."""
    found: list[set[UUID]] = []

    def listen(keys: Sequence[UUID], _: object) -> None:
        found.append(set(keys))

    monkeypatch.setattr(changes, "_listeners", [listen])
    monkeypatch.setattr(watch, "_memories", {})
    return found


@pytest.fixture
def watched(nautilus_store: Store, told: list[set[UUID]]) -> Store:
    """A synced store that has been looked at, whose directories did not change since."""
    sync_store(nautilus_store)
    for directory in [Path(nautilus_store.root) / "data", *(Path(nautilus_store.root) / "data").rglob("*")]:
        if directory.is_dir():
            os.utime(directory, ns=(LONG_AGO, LONG_AGO))
    watch.watch_stores()
    told.clear()
    return nautilus_store


def _add_quotes(store: Store, name: str = NAME) -> Path:
    source = next((Path(store.root) / QUOTES).iterdir())
    return Path(shutil.copy(source, source.with_name(name)))


def test_a_new_file_is_indexed_and_told_of(watched: Store, told: list[set[UUID]]) -> None:
    _add_quotes(watched)

    watch.watch_stores()

    quotes = watched.datasets.get(path=QUOTES)
    assert (quotes.file_count, quotes.record_count) == (2, 19_000)
    assert told == [{quotes.pk}]


def test_a_look_that_finds_nothing_tells_nobody_and_is_dated(watched: Store, told: list[set[UUID]]) -> None:
    Store.objects.update(looked_at=None)

    watch.watch_stores()

    watched.refresh_from_db()
    assert told == []
    assert watched.looked_at is not None
    assert watched.watched_until is None


def test_a_dataset_that_keeps_changing_is_told_of_once_a_minute(watched: Store, told: list[set[UUID]]) -> None:
    quotes = watched.datasets.get(path=QUOTES)
    for day in (2, 3, 4):
        _add_quotes(watched, NAME.replace("2024-01-01", f"2024-01-0{day}").replace("_2024-01-02", f"_2024-01-0{day}"))
        watch.watch_stores()
    assert told == [{quotes.pk}]

    watched.datasets.update(told_at=timezone.now() - timedelta(seconds=61))
    watch.watch_stores()
    assert told == [{quotes.pk}, {quotes.pk}]
    watch.watch_stores()
    assert len(told) == 2


def test_a_file_being_written_is_looked_at_until_it_is_whole(watched: Store) -> None:
    path = _add_quotes(watched)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    watch.watch_stores()
    assert watched.files.get(path=f"{QUOTES}/{NAME}").state == IndexState.LISTED

    path.write_bytes(whole)  # in place: the directory's mtime stays
    watch.watch_stores()
    assert watched.datasets.get(path=QUOTES).record_count == 19_000


def test_a_new_instrument_and_a_removed_one_are_noticed(watched: Store) -> None:
    data = Path(watched.root) / "data"
    shutil.rmtree(data / "trade_tick/XBTUSD.BITMEX")
    shutil.copytree(data / "quote_tick/EURUSD.SIM", data / "trade_tick/NEW.SIM")

    watch.watch_stores()

    paths = set(watched.datasets.values_list("path", flat=True))
    assert "data/trade_tick/NEW.SIM" in paths
    assert "data/trade_tick/XBTUSD.BITMEX" not in paths


def test_a_file_written_in_place_is_seen_by_the_next_whole_look(watched: Store) -> None:
    path = next((Path(watched.root) / QUOTES).iterdir())
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    os.utime(path.parent, ns=(LONG_AGO, LONG_AGO))
    watch.watch_stores()
    assert watched.files.get(path=f"{QUOTES}/{path.name}").mtime_ns != LONG_AGO

    for memory in watch._memories.values():
        memory.listed_at = None
    watch.watch_stores()
    assert watched.files.get(path=f"{QUOTES}/{path.name}").mtime_ns == LONG_AGO


def test_what_a_job_is_changing_is_left_to_it_until_it_is_done(watched: Store, told: list[set[UUID]]) -> None:
    far = timezone.now() + timedelta(minutes=1)
    lease = DatasetLease.objects.create(
        store=watched, path=QUOTES, holder=watched.datasets.get(path=QUOTES).pk, purpose="import", expires_at=far
    )
    _add_quotes(watched)
    watch.watch_stores()
    assert watched.datasets.get(path=QUOTES).file_count == 1

    lease.delete()
    watch.watch_stores()
    assert watched.datasets.get(path=QUOTES).file_count == 2
    assert len(told) == 1


def test_a_store_that_was_never_synced_is_left_alone(empty_store: Store, told: list[set[UUID]]) -> None:
    watch.watch_stores()

    empty_store.refresh_from_db()
    assert empty_store.looked_at is None


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_store_that_is_being_synced_is_left_alone(watched: Store, state: str) -> None:
    Job.objects.create(kind="sync", title="Sync", state=state, parameters={"storeId": watched.pk})
    _add_quotes(watched)

    watch.watch_stores()

    assert watched.datasets.get(path=QUOTES).file_count == 1


def test_two_looks_at_a_store_do_not_run_at_once(watched: Store) -> None:
    Store.objects.update(watched_until=timezone.now() + timedelta(minutes=1))
    _add_quotes(watched)
    watch.watch_stores()
    assert watched.datasets.get(path=QUOTES).file_count == 1

    Store.objects.update(watched_until=timezone.now() - timedelta(seconds=1))
    watch.watch_stores()
    assert watched.datasets.get(path=QUOTES).file_count == 2


def test_many_new_files_become_a_job_with_its_progress(watched: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_FILES", 0)
    _add_quotes(watched)

    watch.watch_stores()

    assert Job.objects.get().kind == "sync"
    assert watched.datasets.get(path=QUOTES).file_count == 1


def test_an_unmounted_store_is_said_and_keeps_its_index(watched: Store) -> None:
    (Path(watched.root) / "data").rename(Path(watched.root).parent / "elsewhere")

    watch.watch_stores()

    watched.refresh_from_db()
    assert "mount it again" in watched.sync_error
    assert watched.datasets.exists()

    (Path(watched.root).parent / "elsewhere").rename(Path(watched.root) / "data")
    for memory in watch._memories.values():
        memory.listed_at = None
    watch.watch_stores()
    watched.refresh_from_db()
    assert watched.sync_error == ""


def test_what_fails_halfway_is_found_again(watched: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _add_quotes(watched)
    os.utime(path.parent, ns=(LONG_AGO + 1, LONG_AGO + 1))
    with monkeypatch.context() as patch:
        patch.setattr(watch, "apply_changes", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            watch.watch_stores()

    watch.watch_stores()

    assert watched.datasets.get(path=QUOTES).file_count == 2
