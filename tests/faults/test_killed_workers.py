"""kill -9 at any moment: a store is unchanged or complete, and no partial file is offered."""

from __future__ import annotations

import random
import time
import uuid
from itertools import count
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Export, Import, Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.exporting import file_name, run_export
from catalog_app.services.jobs import JobLost, Progress
from catalog_app.store.commit.recovery import recover
from tests.faults.conftest import (
    Content,
    MortalRunner,
    commits,
    finish,
    job_of,
    leftovers,
    new_store,
    queue_export,
    queue_import,
    quotes,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

IMPORTING = "catalog_app.services.importing"
EXPORTING = "catalog_app.services.exporting"
PROGRESS = "catalog_app.services.jobs.progress:Progress"
EMPTY = Content((), None)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    return quotes(tmp_path / "few.csv", 500)


def whole(mortal: MortalRunner, path: Path, place: Path) -> Content:
    """What a store holds after an import that nothing disturbed."""
    store = new_store(place, "undisturbed")
    item = queue_import(path, store)
    assert not mortal.run(job_of(item))
    assert job_of(item).state == JobState.SUCCEEDED, job_of(item).error
    return Content.of(store)


def assert_imported_once(item: Import, store: Store, expected: Content) -> None:
    """The rows are there once, the index and the history know them, and nothing else is left."""
    item.refresh_from_db()
    assert expected.rows is not None
    assert Content.of(store).equals(expected)
    assert (commits(store), StoreOperation.objects.filter(store=store).count()) == (1, 1)
    assert leftovers(store) == []
    assert item.record_count == Dataset.objects.get(store=store).record_count == expected.rows.height
    assert StoreOperation.objects.get(store=store).rows_after == expected.rows.height


def test_an_import_killed_at_each_change_of_the_disk_comes_in_once(mortal, few, tmp_path):
    expected = whole(mortal, few, tmp_path)
    unchanged = complete = 0
    for step in range(1, 200):
        store = new_store(tmp_path, f"step-{step}")
        item = queue_import(few, store)
        was_killed = mortal.run(job_of(item), f"step {step}")
        if not was_killed:
            break
        found = Content.of(store)
        if expected.rows is not None and found.rows is not None:
            # The definition and the rows are two files: recovery brings the missing one before anything else happens.
            assert set(found.files) <= set(expected.files)
            assert found.rows.equals(expected.rows)
            complete += 1
        else:
            assert found.rows is None
            unchanged += 1
        job = finish(item)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2), job.error
        assert_imported_once(item, store, expected)
    assert not was_killed
    assert_imported_once(item, store, expected)
    assert unchanged > 10
    assert complete > 5


@pytest.mark.parametrize(
    "fate",
    [
        f"after {PROGRESS}.advance",
        f"before {IMPORTING}:_record_operation",
        f"after {IMPORTING}:_record_operation",
        f"before {IMPORTING}:sync_store",
        f"after {IMPORTING}:sync_store",
        f"after {IMPORTING}:_finish",
    ],
)
def test_an_import_killed_between_store_and_database_comes_in_once(mortal, few, tmp_path, fate):
    expected = whole(mortal, few, tmp_path)
    store = new_store(tmp_path, "store")
    item = queue_import(few, store)
    assert mortal.run(job_of(item), fate)
    assert finish(item).state == JobState.SUCCEEDED
    assert_imported_once(item, store, expected)


def test_an_import_killed_at_random_moments_comes_in_once(mortal, tmp_path):
    many = quotes(tmp_path / "many.csv", 400_000)
    began = time.monotonic()
    expected = whole(mortal, many, tmp_path)
    duration = time.monotonic() - began
    moments = random.Random(7)
    kills = 0
    for number in count():
        if kills >= 4:
            break
        store = new_store(tmp_path, f"random-{number}")
        item = queue_import(many, store)
        for _ in range(2):  # of three attempts
            if not mortal.run(job_of(item), f"delay {moments.uniform(0.1, duration)}"):
                duration *= 0.8  # the first run, which was measured, took longer
                break
            kills += 1
            recover(Path(store.root))  # a kill between two renames is finished by whoever comes next
            found = Content.of(store)
            assert found.equals(EMPTY) or found.equals(expected)
            jobs.reap()
        mortal.run(job_of(item))
        assert job_of(item).state == JobState.SUCCEEDED
        assert_imported_once(item, store, expected)


def test_what_dies_three_times_fails_with_a_reason_and_can_be_tried_again(mortal, few, tmp_path, trader):
    expected = whole(mortal, few, tmp_path)
    store = new_store(tmp_path, "store")
    item = queue_import(few, store)
    for attempt in (1, 2, 3):
        assert mortal.run(job_of(item), f"after {PROGRESS}.advance")
        jobs.reap()
        job = job_of(item)
        assert (job.attempt, Content.of(store)) == (attempt, EMPTY)
    assert job.state == JobState.FAILED
    assert "The worker died (attempt 3 of 3)" in job.error
    assert "try it again" in job.error

    jobs.retry(job, trader)
    assert not mortal.run(job_of(item))
    assert job_of(item).state == JobState.SUCCEEDED
    assert_imported_once(item, store, expected)


def test_a_killed_import_does_not_lock_the_dataset_for_the_next_one(mortal, few, tmp_path):
    store = new_store(tmp_path, "store")
    first = queue_import(few, store)
    assert mortal.run(job_of(first), f"after {PROGRESS}.advance")
    Job.objects.filter(pk=job_of(first).pk).update(cancel_requested=True)
    jobs.reap()
    assert job_of(first).state == JobState.CANCELLED
    assert leftovers(store) != []

    second = queue_import(few, store)
    assert not mortal.run(job_of(second))
    assert job_of(second).state == JobState.SUCCEEDED
    assert leftovers(store) == []
    assert commits(store) == 1


@pytest.fixture
def dataset(mortal, tmp_path) -> Dataset:
    store = new_store(tmp_path, "exported")
    item = queue_import(quotes(tmp_path / "exported.csv", 300_000), store)
    assert not mortal.run(job_of(item))
    return Dataset.objects.get(store=store)


def offers(client: Client, export: Export) -> list[str]:
    """Where the export's file is offered, against what this says: nowhere."""
    export.refresh_from_db()
    page = client.get(reverse("jobs:detail", args=[export.job_id])).content.decode()
    download = reverse("jobs:download", args=[export.job_id])
    status = client.get(f"/api/v1/nautilus/data/export/{export.pk}/status").json()
    return [
        *(["page"] if download in page else []),
        *(["download"] if client.get(download).status_code != 404 else []),
        *(["API download"] if client.get(f"/api/v1/nautilus/data/download/{export.pk}").status_code != 404 else []),
        *(["API"] if status["downloadUrl"] or status["filePath"] or status["success"] else []),
    ]


def assert_whole(client: Client, export: Export, expected: Export) -> None:
    """The file is offered, equals that of an undisturbed export, and stands alone."""
    export.refresh_from_db()
    answer = client.get(reverse("jobs:download", args=[export.job_id]))
    body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert (export.status, export.sha256, len(body)) == ("succeeded", expected.sha256, expected.file_size_bytes)
    assert body == Path(expected.file_path).read_bytes()
    assert [path.name for path in (settings.EXPORTS_DIR / export.pk.hex).iterdir()] == [Path(export.file_path).name]


@pytest.mark.parametrize(
    "fate",
    [
        f"before {EXPORTING}:_write",
        f"after {PROGRESS}.advance 2",
        f"before {EXPORTING}:_publish",
        f"after {EXPORTING}:_publish",
    ],
)
def test_an_export_killed_on_the_way_offers_nothing_until_it_is_whole(mortal, dataset, trader_client, fate):
    undisturbed, killed = queue_export(dataset), queue_export(dataset)
    assert not mortal.run(job_of(undisturbed))
    undisturbed.refresh_from_db()

    assert mortal.run(job_of(killed), fate)
    assert offers(trader_client, killed) == []
    jobs.reap()
    assert job_of(killed).state == JobState.QUEUED
    assert offers(trader_client, killed) == []
    mortal.run(job_of(killed))
    assert_whole(trader_client, killed, undisturbed)


def test_an_export_that_dies_three_times_fails_and_offers_nothing(mortal, dataset, trader, trader_client):
    undisturbed, killed = queue_export(dataset), queue_export(dataset)
    mortal.run(job_of(undisturbed))
    undisturbed.refresh_from_db()
    for when in ("before", "after", "before"):
        assert mortal.run(job_of(killed), f"{when} {EXPORTING}:_publish")
        jobs.reap()
    killed.refresh_from_db()
    assert (job_of(killed).state, killed.status) == (JobState.FAILED, "failed")
    assert "The worker died" in job_of(killed).error
    assert offers(trader_client, killed) == []

    jobs.retry(job_of(killed), trader)
    mortal.run(job_of(killed))
    assert_whole(trader_client, killed, undisturbed)


def test_a_runner_that_lost_its_export_leaves_the_successors_file_alone(mortal, dataset):
    export = queue_export(dataset)
    job = job_of(export)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, claim=uuid.uuid4(), attempt=1)
    lost = Progress(job_of(export), uuid.uuid4())
    Export.objects.filter(pk=export.pk).update(status="succeeded", sha256="theirs")
    directory = settings.EXPORTS_DIR / export.pk.hex
    directory.mkdir()
    (directory / file_name(export)).write_text("theirs")

    with pytest.raises(JobLost):
        run_export(lost, job.parameters)

    export.refresh_from_db()
    assert export.sha256 == "theirs"
    assert [path.read_text() for path in directory.iterdir()] == ["theirs"]
    assert export.status != "failed"


@pytest.mark.parametrize("kind", ["import", "export"])
def test_a_full_disk_fails_with_a_reason_and_leaves_nothing_half_written(
    mortal, dataset, tmp_path, kind, trader_client
):
    # Bytes a file: the database is smaller, once what earlier tests left in it is given back; the rows are not.
    limit = 1_500_000 if kind == "import" else 12_000_000
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = {path: path.stat().st_size for path in Path(dataset.store.root).rglob("*") if path.is_file()}
    store = new_store(tmp_path, "store")
    source = quotes(tmp_path / "many.csv", 300_000)
    item = queue_import(source, store) if kind == "import" else queue_export(dataset)
    mortal.run(job_of(item), f"limit {limit}")
    job = job_of(item)
    assert job.state == JobState.FAILED
    assert "larger than the file system or the process limit allows" in job.error
    assert "Internal error" not in job.error
    assert leftovers(store) == []
    assert Content.of(store) == EMPTY
    assert before == {path: path.stat().st_size for path in Path(dataset.store.root).rglob("*") if path.is_file()}
    if isinstance(item, Export):
        assert offers(trader_client, item) == []
        assert list((settings.EXPORTS_DIR / item.pk.hex).iterdir()) == []
