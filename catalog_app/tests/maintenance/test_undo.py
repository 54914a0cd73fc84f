"""Undo as a job: the former files come back, the history says who did it, and refusals say why."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from catalog_app.models import Dataset, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import leases, operations
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import run_inline
from catalog_app.services.maintenance.undoing import request_undo
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.recovery import undo
from catalog_app.tests.maintenance.conftest import Runner, files_of, finish


def replace_first_file(store: Store, dataset: Dataset) -> StoreOperation:
    """An operation that takes the dataset's first file out."""
    first = dataset.files.order_by("path").first()
    assert first is not None
    with Transaction(store.root, "delete_range", dataset.path) as tx:
        tx.remove(first.path)
        committed = tx.commit()
    return operations.record(store, committed, kind="delete_range", directory=dataset.path, user=None)


@pytest.fixture
def operation(store: Store, bar_dataset: Dataset) -> StoreOperation:
    return replace_first_file(store, bar_dataset)


def test_it_counts_files_rows_and_bytes(operation: StoreOperation) -> None:
    assert (operation.file_count_before, operation.file_count_after) == (1, 0)
    assert (operation.rows_before, operation.rows_after) == (500, 0)
    assert operation.bytes_before == operation.files_before[0]["size_bytes"] > 0
    assert len(operation.files_before[0]["sha256"]) == 64


def test_the_files_come_back_and_the_history_says_who(
    store: Store, bar_dataset: Dataset, data_admin: User, do: Runner
) -> None:
    before = files_of(store)
    operation = replace_first_file(store, bar_dataset)
    assert files_of(store) != before

    job = do("undo", operationId=str(operation.pk))

    assert files_of(store) == before
    operation.refresh_from_db()
    undoing = StoreOperation.objects.get(pk=job.result["operationId"])
    assert (operation.state, operation.undone_by) == ("undone", data_admin)
    assert (undoing.kind, undoing.undoes, undoing.user, undoing.job) == ("undo", operation, data_admin, job)
    assert job.result["datasetIds"] == [str(bar_dataset.pk)]
    bar_dataset.refresh_from_db()
    assert (bar_dataset.record_count, bar_dataset.file_count) == (1000, 3)


def test_undoing_the_undo_does_the_operation_again(store: Store, operation: StoreOperation, do: Runner) -> None:
    after = files_of(store)
    undoing = do("undo", operationId=str(operation.pk)).result["operationId"]

    do("undo", operationId=undoing)

    assert files_of(store) == after
    operation.refresh_from_db()
    assert (operation.state, operation.undone_at, operation.undone_by) == ("committed", None, None)
    assert operations.hindrance(operation) == ""


def test_a_job_repeated_after_its_commit_only_finishes_the_records(
    store: Store, operation: StoreOperation, do: Runner
) -> None:
    undo(store.root, operation.pk)  # the worker was killed right after this

    job = do("undo", operationId=str(operation.pk))

    operation.refresh_from_db()
    assert operation.state == "undone"
    assert StoreOperation.objects.filter(kind="undo").count() == 1
    assert str(StoreOperation.objects.get(kind="undo").pk) == job.result["operationId"]


def test_changed_files_are_refused_and_left(store: Store, bar_dataset: Dataset, data_admin: User) -> None:
    first = bar_dataset.files.order_by("path").first()
    assert first is not None
    with Transaction(store.root, "import", bar_dataset.path) as tx:
        name = f"{bar_dataset.path}/extra.parquet"
        tx.stage(name).write_bytes((Path(store.root) / first.path).read_bytes())
        committed = tx.commit()
    operation = operations.record(store, committed, kind="import", directory=bar_dataset.path, user=None)
    (Path(store.root) / name).write_bytes(b"somebody else's")

    job = run_inline("undo", {"operationId": str(operation.pk)}, data_admin)

    assert job.state == JobState.FAILED
    assert "changed since" in job.error
    assert (Path(store.root) / name).read_bytes() == b"somebody else's"
    operation.refresh_from_db()
    assert operation.state == "committed"


def test_a_dataset_that_another_job_changes_is_refused(
    store: Store, bar_dataset: Dataset, operation: StoreOperation, data_admin: User
) -> None:
    other = run_inline("recover", {"storeId": store.pk}, data_admin)
    with leases.hold(store, [bar_dataset.path], other.pk, "an import"):
        job = run_inline("undo", {"operationId": str(operation.pk)}, data_admin)
    assert job.state == JobState.FAILED
    assert "an import" in job.error


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "undone"}, "has been undone"),
        ({"state": "purged"}, "no longer in the trash"),
    ],
)
def test_what_cannot_be_undone_is_refused_with_the_reason(operation, data_admin, changes, words) -> None:
    StoreOperation.objects.filter(pk=operation.pk).update(**changes)
    operation.refresh_from_db()
    with pytest.raises(Conflict, match=words):
        request_undo(operation, data_admin)


def test_a_read_only_store_is_refused_when_asked_and_when_run(store, operation, data_admin) -> None:
    queued = request_undo(operation, data_admin)
    Store.objects.filter(pk=store.pk).update(read_only=True)
    operation.store.refresh_from_db()
    with pytest.raises(Conflict, match="read-only"):
        request_undo(replace_with(operation), data_admin)
    assert finish(queued).state == JobState.FAILED
    assert "read-only" in queued.error


def replace_with(operation: StoreOperation) -> StoreOperation:
    """Another operation of the same store, which no job is about."""
    return StoreOperation.objects.create(store=operation.store, kind="consolidate", path=operation.path)


def test_an_operation_whose_files_a_later_one_replaced_waits_for_that_one(
    store: Store, bar_dataset: Dataset, do: Runner
) -> None:
    root = Path(store.root)
    first = bar_dataset.files.order_by("path").first()
    assert first is not None
    renamed = f"{bar_dataset.path}/renamed.parquet"
    with Transaction(root, "rename_files", bar_dataset.path) as tx:
        tx.stage(renamed).write_bytes((root / first.path).read_bytes())
        tx.remove(first.path)
        one = operations.record(store, tx.commit(), kind="rename_files", directory=bar_dataset.path, user=None)
    with Transaction(root, "delete_range", bar_dataset.path) as tx:
        tx.remove(renamed)
        two = operations.record(store, tx.commit(), kind="delete_range", directory=bar_dataset.path, user=None)

    assert "later operation (delete range" in operations.hindrance(one)
    assert operations.hindrance(two) == ""
    do("undo", operationId=str(two.pk))
    assert operations.hindrance(one) == ""
    do("undo", operationId=str(one.pk))
    assert (root / first.path).exists()


def test_asking_twice_gives_one_job(operation: StoreOperation, data_admin: User) -> None:
    assert request_undo(operation, data_admin) == request_undo(operation, data_admin)


def test_operations_of_a_lost_database_are_adopted_from_the_journal(
    store: Store, bar_dataset: Dataset, do: Runner
) -> None:
    operation = replace_first_file(store, bar_dataset)
    undoing = do("undo", operationId=str(operation.pk)).result["operationId"]
    kept = dict(store.operations.values_list("pk", "state"))
    StoreOperation.objects.all().delete()

    assert operations.adopt(store) == len(kept)

    assert dict(store.operations.values_list("pk", "state")) == kept
    found = StoreOperation.objects.get(pk=operation.pk)
    assert (found.kind, found.path, found.rows_before) == ("delete_range", bar_dataset.path, 500)
    assert str(found.undone_as.get().pk) == undoing
    assert operations.adopt(store) == 0


def test_an_undo_made_elsewhere_is_taken_over(store: Store, operation: StoreOperation) -> None:
    undo(store.root, operation.pk)
    sync_store(store)
    operation.refresh_from_db()
    undoing = operation.undone_as.get()
    assert (operation.state, operation.undone_by, operation.undone_at) == ("undone", None, undoing.created_at)

    undo(store.root, undoing.pk)
    sync_store(store)
    operation.refresh_from_db()
    assert (operation.state, operation.undone_at) == ("committed", None)
