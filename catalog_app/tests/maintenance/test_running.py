"""Maintenance as a job: a preview changes nothing, a run does what its preview showed, once, and is recorded."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet

from catalog_app.models import Dataset, DatasetLease, Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import changes, leases
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import progress as progress_module
from catalog_app.services.jobs import request_cancel, run_inline
from catalog_app.services.maintenance.requesting import MaintenanceRefused, request_maintenance, request_run
from catalog_app.services.stores import register_store
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.maintenance import Archive, Consolidate, DeleteRange, Request
from catalog_app.tests.maintenance.conftest import Runner, files_of, finish, rows_of
from catalog_app.tests.pages.conftest import MINUTE, START, bars, write

ONE_FILE = Consolidate(period="year")


def changes_made() -> QuerySet[StoreOperation]:
    """All operations but the ones that made the store."""
    return StoreOperation.objects.exclude(kind="import")


def preview(datasets: list[Dataset], request: Request, user: User) -> Job:
    job = finish(request_maintenance(datasets, request, user, dry_run=True))
    assert job.state == JobState.SUCCEEDED, job.error
    return job


def run(datasets: list[Dataset], request: Request, user: User) -> Job:
    return finish(request_maintenance(datasets, request, user, dry_run=False))


def test_a_preview_says_what_would_change_and_changes_nothing(store, bar_dataset, data_admin) -> None:
    before = files_of(store)

    job = preview([bar_dataset], ONE_FILE, data_admin)

    (plan,) = job.result["plans"]
    assert (plan["filesBefore"], plan["filesAfter"], plan["untouchedFiles"]) == (3, 1, 0)
    assert (plan["rowsBefore"], plan["rowsAfter"], plan["rowsChange"]) == (1000, 1000, 0)
    assert plan["bytesBefore"] == sum(len(content) for path, content in before.items() if "/bar/" in path)
    assert [file["rows"] for file in plan["before"]] == [500, 300, 200]
    assert plan["before"][0]["startNs"] == str(START + MINUTE)
    assert job.result["totals"]["datasets"] == 1
    assert files_of(store) == before
    assert not changes_made().exists()
    assert not DatasetLease.objects.exists()


def test_a_run_does_what_its_preview_showed_and_is_recorded(store, bar_dataset, data_admin) -> None:
    rows = rows_of(bar_dataset)
    asked = preview([bar_dataset], ONE_FILE, data_admin)

    job = finish(request_run(asked, data_admin))

    assert job.state == JobState.SUCCEEDED, job.error
    assert rows_of(bar_dataset).equals(rows)
    operation = changes_made().get()
    assert (operation.kind, operation.path, operation.user) == ("consolidate", bar_dataset.path, data_admin)
    assert (operation.file_count_before, operation.file_count_after) == (3, 1)
    assert (operation.rows_before, operation.rows_after) == (1000, 1000)
    assert operation.parameters["period"] == "year"
    assert operation.job == job
    assert job.result["operations"][0]["operationId"] == str(operation.pk)
    bar_dataset.refresh_from_db()
    assert (bar_dataset.file_count, bar_dataset.record_count) == (1, 1000)
    assert not DatasetLease.objects.exists()


def test_running_a_preview_twice_gives_one_job(bar_dataset, data_admin) -> None:
    asked = preview([bar_dataset], ONE_FILE, data_admin)
    assert request_run(asked, data_admin) == request_run(asked, data_admin)


def test_a_run_refuses_files_that_changed_since_the_preview(store, bar_dataset, data_admin) -> None:
    asked = preview([bar_dataset], ONE_FILE, data_admin)
    first = Path(store.root) / sorted(path for path in files_of(store) if "/bar/" in path)[0]
    first.touch()  # rewritten with the same content
    before = files_of(store)

    job = finish(request_run(asked, data_admin))

    assert job.state == JobState.FAILED
    assert "changed since the preview" in job.error
    assert files_of(store) == before
    assert not changes_made().exists()


def test_a_run_refuses_a_file_that_came_since_the_preview(store, bar_dataset, data_admin) -> None:
    asked = preview([bar_dataset], ONE_FILE, data_admin)
    write(Path(store.root), bars(1200, 10), "bar", "GBP/USD.SIM", (5, 0))

    job = finish(request_run(asked, data_admin))

    assert job.state == JobState.FAILED
    assert "changed since the preview" in job.error


def test_the_change_can_be_undone(store, bar_dataset, data_admin, do: Runner) -> None:
    before = files_of(store)
    job = run([bar_dataset], ONE_FILE, data_admin)
    do("undo", operationId=job.result["operations"][0]["operationId"])
    assert files_of(store) == before


def test_followers_learn_which_datasets_changed(bar_dataset, quote_dataset, data_admin, monkeypatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(changes, "_listeners", [lambda keys, user: told.append((list(keys), user))])
    run([bar_dataset, quote_dataset], ONE_FILE, data_admin)
    assert told == [([bar_dataset.pk], data_admin)]


def test_a_dataset_with_nothing_to_do_is_left_alone(bar_dataset, quote_dataset, data_admin) -> None:
    job = run([bar_dataset, quote_dataset], ONE_FILE, data_admin)
    assert job.result["unchanged"] == [quote_dataset.path]
    assert len(job.result["operations"]) == 1


def test_one_dataset_that_fails_stops_none_of_the_others(store, bar_dataset, quote_dataset, data_admin) -> None:
    with leases.hold(store, [quote_dataset.path], uuid4(), "an import"):
        job = run([bar_dataset, quote_dataset], DeleteRange(START, START + 3600 * 10**9), data_admin)

    assert job.state == JobState.FAILED
    assert "1 of 2 datasets were not changed" in job.error
    assert f"{quote_dataset.path} is being changed by another job (an import" in job.error
    assert job.lines.filter(level="error").count() >= 1
    assert changes_made().get().path == bar_dataset.path
    bar_dataset.refresh_from_db()
    assert bar_dataset.record_count == 940


def test_an_attempt_after_a_kill_finds_what_was_committed(store, bar_dataset, data_admin, monkeypatch) -> None:
    """The worker dies between the commit and the records; the next attempt only finishes them."""
    from catalog_app.services.maintenance import running

    job = request_maintenance([bar_dataset], ONE_FILE, data_admin, dry_run=False)
    with monkeypatch.context() as dying:

        def die(*_, **__):
            raise KeyboardInterrupt

        dying.setattr(running.operations, "record", die)
        dying.setattr(running, "refresh_index", die)
        with pytest.raises(KeyboardInterrupt):
            finish(job)
    assert len([path for path in files_of(store) if "/bar/" in path]) == 1
    assert not changes_made().exists()
    DatasetLease.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, claim=None, finished_at=None)

    job = finish(job)

    assert job.state == JobState.SUCCEEDED, job.error
    assert changes_made().get().user == data_admin
    assert (bar_dataset.files.count(), rows_of(bar_dataset).height) == (1, 1000)


def test_a_cancelled_run_leaves_the_dataset_as_it_was(store, bar_dataset, data_admin, monkeypatch) -> None:
    before = files_of(store)
    monkeypatch.setattr(progress_module, "WRITE_INTERVAL", 0.0)  # learns of the cancel at once
    job = request_maintenance([bar_dataset], ONE_FILE, data_admin, dry_run=False)
    from catalog_app.services.maintenance import running

    real = running.plan

    def plan(*arguments):
        made = real(*arguments)
        request_cancel(job)
        return made

    monkeypatch.setattr(running, "plan", plan)
    assert finish(job).state == JobState.CANCELLED
    assert files_of(store) == before
    assert not changes_made().exists()


def test_a_lost_lease_stops_the_commit(store, bar_dataset, data_admin, monkeypatch) -> None:
    from catalog_app.services.maintenance import running

    real = running.plan

    def plan(*arguments):
        DatasetLease.objects.all().delete()
        return real(*arguments)

    monkeypatch.setattr(running, "plan", plan)
    before = files_of(store)
    job = run([bar_dataset], ONE_FILE, data_admin)
    assert job.state == JobState.FAILED
    assert "expired before the commit" in job.error
    assert files_of(store) == before


def test_a_dataset_that_another_job_changes_is_named(store, bar_dataset, data_admin) -> None:
    with leases.hold(store, [bar_dataset.path], uuid4(), "an import"):
        job = run([bar_dataset], ONE_FILE, data_admin)
    assert job.state == JobState.FAILED
    assert "an import" in job.error


def test_an_archive_moves_rows_and_is_recorded_in_both_stores(store, bar_dataset, data_admin, tmp_path) -> None:
    (tmp_path / "archive" / "data").mkdir(parents=True)
    other = register_store(tmp_path / "archive", name="archive")

    job = run([bar_dataset], Archive(other.root, end_ns=START + 500 * MINUTE), data_admin)

    assert job.state == JobState.SUCCEEDED, job.error
    moved = other.datasets.select_related("store").get(path=bar_dataset.path)
    bar_dataset.refresh_from_db()
    assert (moved.record_count, bar_dataset.record_count) == (500, 500)
    assert {item.user for item in changes_made()} == {data_admin}
    assert {item.parameters["toStore"] for item in changes_made()} == {"archive"}
    assert set(job.result["datasetIds"]) == {str(moved.pk), str(bar_dataset.pk)}


def test_requests_that_can_never_succeed_are_refused(store, bar_dataset, data_admin, tmp_path) -> None:
    other = Store.objects.create(name="other", root=str(tmp_path / "other"), read_only=True)
    foreign = Dataset.objects.create(store=other, path="data/bar/x", data_type="bar")
    cases = [
        (([], ONE_FILE), MaintenanceRefused, "at least one"),
        (([bar_dataset, foreign], ONE_FILE), MaintenanceRefused, "datasets of one store"),
        (([bar_dataset], Archive("/nowhere")), MaintenanceRefused, "no registered store"),
        (([bar_dataset], Archive(store.root)), MaintenanceRefused, "the store itself"),
        (([bar_dataset], Archive(other.root)), Conflict, "read-only"),
        (([foreign], ONE_FILE), Conflict, "read-only"),
    ]
    for (datasets, request), error, words in cases:
        with pytest.raises(error, match=words):
            request_maintenance(datasets, request, data_admin, dry_run=False)
    assert not Job.objects.exists()


def test_a_read_only_store_can_be_previewed_but_not_changed(store, bar_dataset, data_admin) -> None:
    Store.objects.filter(pk=store.pk).update(read_only=True)
    bar_dataset.store.refresh_from_db()
    asked = preview([bar_dataset], ONE_FILE, data_admin)
    with pytest.raises(Conflict, match="read-only"):
        request_run(asked, data_admin)


def test_only_a_finished_preview_with_something_to_do_can_be_run(quote_dataset, data_admin) -> None:
    waiting = request_maintenance([quote_dataset], ONE_FILE, data_admin, dry_run=True)
    with pytest.raises(Conflict, match="no finished preview"):
        request_run(waiting, data_admin)
    with pytest.raises(Conflict, match="nothing to do"):
        request_run(finish(waiting), data_admin)


def test_a_preview_that_cannot_be_made_gives_the_reason(store, bar_dataset, data_admin, tmp_path) -> None:
    (tmp_path / "archive" / "data").mkdir(parents=True)
    write(tmp_path / "archive", bars(100, 5), "bar", "GBP/USD.SIM", (5, 0))
    other = register_store(tmp_path / "archive", name="archive")
    job = preview([bar_dataset], Archive(other.root), data_admin)
    assert job.result["totals"]["errors"] == 1
    assert "overlaps" in job.result["plans"][0]["error"]


def test_a_broken_file_is_left_alone_and_named(store, bar_dataset, data_admin) -> None:
    broken = sorted(path for path in files_of(store) if "/bar/" in path)[0]
    Path(store.root, broken).write_bytes(b"PAR1 broken")
    (plan,) = preview([bar_dataset], DeleteRange(START, START + 10**18), data_admin).result["plans"]
    assert plan["untouchedFiles"] == 1
    assert any(broken.rpartition("/")[2] in note for note in plan["notes"]), plan["notes"]


def test_a_crash_that_is_left_over_is_finished_by_a_recovery(store, bar_dataset, data_admin, monkeypatch, do) -> None:
    from catalog_app.store.commit.area_of import area_of

    area = type(area_of(store.root))
    with monkeypatch.context() as dying:

        def die(*_):
            raise KeyboardInterrupt

        dying.setattr(area, "complete", die)
        first = bar_dataset.files.order_by("path").first()
        with pytest.raises(KeyboardInterrupt), Transaction(store.root, "delete_range", bar_dataset.path) as tx:
            tx.remove(first.path)
            tx.commit()

    job = do("recover", storeId=store.pk)

    (found,) = job.result["recovered"]
    assert (found["outcome"], found["kind"], found["directory"]) == ("rolled_forward", "delete_range", bar_dataset.path)
    assert changes_made().get().kind == "delete_range"
    bar_dataset.refresh_from_db()
    assert bar_dataset.file_count == 2


def test_a_job_of_an_unknown_store_fails_with_a_reason(db, data_admin) -> None:
    parameters = {"storeId": 999, "directories": ["x"], "request": ONE_FILE.to_json(), "dryRun": True}
    job = run_inline("maintain", parameters, data_admin)
    assert (job.state, job.error) == (JobState.FAILED, "The store is no longer registered.")
