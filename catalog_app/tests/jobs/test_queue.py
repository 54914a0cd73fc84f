"""Work is put into a queue, taken out, and tried again."""

import json
import threading

import pytest
import redis
from django.db import connection, transaction

from catalog_app.models import Export, Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.errors import Conflict

pytestmark = pytest.mark.django_db


def doorbells(url: str, queue: str) -> list[str]:
    messages = redis.Redis.from_url(url).lrange(queue, 0, -1)
    return [json.loads(message)["headers"]["argsrepr"] for message in messages]


@pytest.mark.django_db(transaction=True)
def test_the_doorbell_rings_in_its_queue_when_the_transaction_commits(do, broker_url):
    with transaction.atomic():
        job = jobs.enqueue("test", {"a": 1}, title="Test", user=None, queue="interactive")
        assert doorbells(broker_url, "interactive") == []
    assert doorbells(broker_url, "interactive") == [f"['{job.pk}']"]
    assert doorbells(broker_url, "heavy") == []
    assert (job.state, job.attempt, job.parameters) == (JobState.QUEUED, 0, {"a": 1})


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_job_rings_nothing(do, broker_url):
    with pytest.raises(RuntimeError), transaction.atomic():
        jobs.enqueue("test", {}, title="Test", user=None)
        raise RuntimeError
    assert doorbells(broker_url, "heavy") == []
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_leaves_the_job_queued(do, no_broker, caplog):
    job = jobs.enqueue("test", {}, title="Test", user=None)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert "the reaper rings again" in caplog.text


def test_an_unknown_queue_is_refused(do):
    with pytest.raises(ValueError, match="nowhere"):
        jobs.enqueue("test", {}, title="Test", user=None, queue="nowhere")


def test_a_repeat_with_the_same_key_returns_the_same_job(do, trader, analyst):
    first = jobs.enqueue("test", {}, title="Test", user=trader, idempotency_key="k")
    assert jobs.enqueue("test", {}, title="Test", user=trader, idempotency_key="k") == first
    assert jobs.enqueue("test", {}, title="Test", user=analyst, idempotency_key="k") != first
    assert jobs.enqueue("test", {}, title="Test", user=trader, idempotency_key="other") != first


def test_a_key_cannot_be_used_for_other_work(do, trader):
    jobs.enqueue("test", {}, title="Test", user=trader, idempotency_key="k")
    with pytest.raises(Conflict, match="Idempotency-Key"):
        jobs.enqueue("test", {}, title="Other work", user=trader, idempotency_key="k")


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_time_makes_one_job(do, trader, no_broker):
    start = threading.Barrier(4)
    made = []

    def request():
        try:
            start.wait()
            made.append(jobs.enqueue("test", {}, title="Test", user=trader, idempotency_key="k").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert set(made) == {Job.objects.get().pk}


def test_a_queued_job_is_cancelled_at_once_and_never_runs(do):
    ran = []
    do(lambda progress, parameters: ran.append(1))
    job = jobs.enqueue("test", {}, title="Test", user=None)
    jobs.request_cancel(job)
    assert job.state == JobState.CANCELLED
    assert job.finished_at is not None
    assert not jobs.run_job(job.pk)
    assert not ran


def test_a_running_job_is_asked_to_stop(do):
    job = Job.objects.create(kind="test", title="Test", state=JobState.RUNNING)
    jobs.request_cancel(job)
    assert (job.state, job.cancel_requested) == (JobState.RUNNING, True)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_a_finished_job_cannot_be_cancelled(do, state):
    job = Job.objects.create(kind="test", title="Test", state=state)
    with pytest.raises(Conflict, match="has finished"):
        jobs.request_cancel(job)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_retry_is_a_new_job_that_names_the_old_one(do, trader, state):
    old = Job.objects.create(kind="test", title="Test", parameters={"a": 1}, state=state, queue="interactive")
    export = Export.objects.create(export_type="csv", job=old, status="failed")
    again = jobs.retry(old, trader)
    assert again.pk != old.pk
    assert (again.state, again.parameters, again.retry_of, again.user) == (JobState.QUEUED, {"a": 1}, old, trader)
    assert again.queue == "interactive"
    export.refresh_from_db()
    assert (export.job, export.status) == (again, "queued")
    old.refresh_from_db()
    assert old.state == state


def test_two_clicks_on_retry_make_one_job(do, trader, analyst):
    old = Job.objects.create(kind="test", title="Test", state=JobState.FAILED)
    assert jobs.retry(old, trader) == jobs.retry(old, trader)
    with pytest.raises(Conflict, match="already"):
        jobs.retry(old, analyst)
    assert Job.objects.count() == 2


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED])
def test_only_what_failed_or_was_cancelled_can_be_tried_again(do, trader, state):
    old = Job.objects.create(kind="test", title="Test", state=state)
    with pytest.raises(Conflict):
        jobs.retry(old, trader)
