"""The trash: what is in it, emptying it by age or by operation, and retention."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.models import Dataset, Job, Store, StoreOperation
from catalog_app.services import operations
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import run_inline
from catalog_app.services.maintenance.purging import PurgeRefused, purge_expired, request_purge
from catalog_app.services.maintenance.storage import storage_of
from catalog_app.services.maintenance.undoing import request_undo
from catalog_app.tests.maintenance.conftest import Runner, finish
from catalog_app.tests.maintenance.test_undo import replace_first_file


@pytest.fixture
def operation(store: Store, bar_dataset: Dataset) -> StoreOperation:
    return replace_first_file(store, bar_dataset)


def trash_of(store: Store) -> list[Path]:
    return [path for path in (Path(store.root) / ".datacatalog" / "trash").rglob("*.parquet") if path.is_file()]


def age(operation: StoreOperation, days: int) -> None:
    StoreOperation.objects.filter(pk=operation.pk).update(created_at=timezone.now() - timedelta(days=days))


def test_the_storage_panel_adds_up_data_and_trash(store, operation, settings) -> None:
    settings.TRASH_RETENTION_DAYS = 30
    storage = storage_of(store)
    assert storage.data_bytes == sum(store.files.values_list("size_bytes", flat=True))
    assert (storage.trash_operations, storage.trash_files) == (1, 1)
    assert storage.trash_bytes == operation.bytes_before == trash_of(store)[0].stat().st_size
    assert storage.next_purge == operation.created_at + timedelta(days=30)
    assert {line.kind: line.bytes for line in storage.growth}["delete_range"] == -operation.bytes_before


def test_kept_for_ever_has_no_next_purge(store, operation, settings) -> None:
    settings.TRASH_RETENTION_DAYS = 0
    assert storage_of(store).next_purge is None


def test_a_purge_deletes_the_files_and_ends_undo(store, operation, data_admin, do: Runner) -> None:
    size = operation.bytes_before

    job = do("purge", storeId=store.pk, operationIds=[str(operation.pk)])

    assert job.result == {"operations": 1, "files": 1, "bytes": size}
    assert trash_of(store) == []
    operation.refresh_from_db()
    assert operation.state == "purged"
    assert operation.purged_at is not None
    with pytest.raises(Conflict, match="no longer in the trash"):
        request_undo(operation, data_admin)
    assert storage_of(store).trash_bytes == 0
    recorded = StoreOperation.objects.get(kind="purge")
    assert (recorded.user, recorded.job) == (data_admin, job)
    assert operations.hindrance(recorded) == "A purge deletes files for good."
    assert operations.adopt(store) == 0


def test_a_repeated_purge_finds_nothing_and_succeeds(store, operation, do: Runner) -> None:
    do("purge", storeId=store.pk, operationIds=[str(operation.pk)])
    again = do("purge", storeId=store.pk, operationIds=[str(operation.pk)])
    assert again.result == {"operations": 0, "files": 0, "bytes": 0}


def test_younger_operations_keep_their_trash(store, operation, do: Runner) -> None:
    job = do("purge", storeId=store.pk, olderThanDays=1)
    assert job.result["operations"] == 0
    assert len(trash_of(store)) == 1


def test_what_is_undone_stays_undone_when_its_trash_goes(store, operation, do: Runner) -> None:
    do("undo", operationId=str(operation.pk))
    assert storage_of(store).trash_bytes == 0  # the file that came back is a link to the one in the trash
    do("purge", storeId=store.pk, operationIds=[str(operation.pk)])
    operation.refresh_from_db()
    assert (operation.state, operation.purged_at is None) == ("undone", False)


def test_retention_queues_one_purge_for_each_store_with_old_trash(store, operation, settings) -> None:
    settings.TRASH_RETENTION_DAYS = 30
    assert purge_expired() == 0
    age(operation, 31)
    assert purge_expired() == 1
    assert purge_expired() == 0  # it is on its way
    job = Job.objects.get(kind="purge")
    assert (job.user, job.parameters) == (None, {"storeId": store.pk, "olderThanDays": 30})


@pytest.mark.parametrize(("days", "read_only"), [(0, False), (30, True)])
def test_retention_leaves_what_is_kept_for_ever_and_read_only_stores(
    store, operation, settings, days, read_only
) -> None:
    settings.TRASH_RETENTION_DAYS = days
    Store.objects.filter(pk=store.pk).update(read_only=read_only)
    age(operation, 400)
    assert purge_expired() == 0
    assert not Job.objects.exists()


def test_requests_that_can_never_succeed_are_refused(store: Store, operation, data_admin: User) -> None:
    with pytest.raises(PurgeRefused, match="an age in days, or operations"):
        request_purge(store, data_admin)
    with pytest.raises(PurgeRefused, match="Nothing like that"):
        request_purge(store, data_admin, older_than_days=5)
    Store.objects.filter(pk=store.pk).update(read_only=True)
    store.refresh_from_db()
    with pytest.raises(Conflict, match="read-only"):
        request_purge(store, data_admin, older_than_days=0)
    job = run_inline("purge", {"storeId": store.pk, "olderThanDays": 0}, data_admin)
    assert "read-only" in job.error
    assert len(trash_of(store)) == 1


def test_a_queued_purge_runs(store, operation, data_admin) -> None:
    age(operation, 2)
    job = finish(request_purge(store, data_admin, older_than_days=1))
    assert job.state == "succeeded"
