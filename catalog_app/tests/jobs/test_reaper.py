"""The reaper gives the jobs of dead workers to the next one, and rings for jobs that nobody heard of."""

import uuid
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from catalog_app.models import DatasetLease, Export, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.jobs import broker

pytestmark = pytest.mark.django_db


def running(*, silent_for: int, **fields) -> Job:
    now = timezone.now()
    defaults = {"state": JobState.RUNNING, "claim": uuid.uuid4(), "attempt": 1, "started_at": now}
    job = Job.objects.create(kind="test", title="Test", **defaults | fields)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=now - timedelta(seconds=silent_for))
    job.refresh_from_db()
    return job


def waiting(*, since: int, queue: str = "heavy") -> Job:
    job = Job.objects.create(kind="test", title="Test", queue=queue)
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(seconds=since))
    return job


def test_a_job_that_beats_is_left_alone(no_broker):
    job = running(silent_for=5)
    assert jobs.reap().requeued == 0
    job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_the_job_of_a_dead_worker_goes_back_to_its_queue(broker_url):
    job = running(silent_for=21)
    assert jobs.reap().requeued == 1
    job.refresh_from_db()
    assert (job.state, job.claim, job.attempt) == (JobState.QUEUED, None, 1)
    assert "The worker died (attempt 1 of 3)" in job.lines.get().text
    assert broker.waiting("heavy") == 1


def test_the_last_attempt_fails_with_the_reason(no_broker):
    job = running(silent_for=21, attempt=3)
    export = Export.objects.create(export_type="csv", job=job, status="running")
    assert jobs.reap().failed == 1
    job.refresh_from_db()
    export.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "The worker died (attempt 3 of 3)" in job.error
    assert job.finished_at is not None
    assert export.status == "failed"


def test_a_dead_job_that_was_to_be_cancelled_is_cancelled(no_broker):
    job = running(silent_for=21, cancel_requested=True)
    jobs.reap()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_dead_job_gives_its_leases_back(no_broker, tmp_path):
    job = running(silent_for=21)
    store = Store.objects.create(name="s", root=str(tmp_path))
    later = timezone.now() + timedelta(minutes=1)
    DatasetLease.objects.create(store=store, path="data/bar/a", holder=job.claim, purpose="import", expires_at=later)
    other = DatasetLease.objects.create(
        store=store, path="data/bar/b", holder=uuid.uuid4(), purpose="import", expires_at=later
    )
    jobs.reap()
    assert list(DatasetLease.objects.all()) == [other]


def test_a_command_that_was_killed_is_not_repeated_by_a_worker(no_broker):
    job = running(silent_for=21, max_attempts=1)
    jobs.reap()
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_a_lost_doorbell_rings_again_once(broker_url):
    waiting(since=31)
    assert jobs.reap().rung == 1
    assert jobs.reap().rung == 0
    assert broker.waiting("heavy") == 1


def test_a_job_that_only_just_came_is_not_rung_for(broker_url):
    waiting(since=5)
    assert jobs.reap().rung == 0


def test_a_long_queue_is_not_rung_for(broker_url):
    for _ in range(3):
        broker.send_run(str(waiting(since=3600).pk), "heavy")
    assert jobs.reap().rung == 0
    redis.Redis.from_url(broker_url).lpop("heavy")
    assert jobs.reap().rung == 3


def test_each_queue_is_looked_at_by_itself(broker_url):
    broker.send_run(str(waiting(since=60, queue="heavy").pk), "heavy")
    waiting(since=60, queue="interactive")
    assert jobs.reap().rung == 1
    assert broker.waiting("interactive") == 1


def test_a_broker_that_is_down_changes_nothing(no_broker):
    job = waiting(since=60)
    before = Job.objects.get(pk=job.pk).queued_at
    assert jobs.reap().rung == 0
    assert Job.objects.get(pk=job.pk).queued_at == before


def test_the_dead_runner_cannot_write_over_its_successor(do, no_broker):
    def work(progress, parameters):
        Job.objects.filter(pk=progress.job_id).update(heartbeat_at=timezone.now() - timedelta(seconds=21))
        jobs.reap()
        do(lambda progress, parameters: {"by": "the successor"})
        jobs.run_job(progress.job_id)
        return {"by": "the one that was taken for dead"}

    do(work)
    job = Job.objects.create(kind="test", title="Test")
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, {"by": "the successor"}, 2)
