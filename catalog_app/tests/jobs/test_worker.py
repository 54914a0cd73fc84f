"""Real worker processes on a real broker: killed, stopped, rung twice."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from catalog_app.models import Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.jobs import broker, reaper
from catalog_app.tests.jobs.processes import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def workers(broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(reaper, "DEAD_AFTER", timedelta(seconds=4))
    # fakeredis may hand a doorbell to the dead connection of a killed worker.
    monkeypatch.setattr(reaper, "UNANSWERED_AFTER", timedelta(seconds=4))
    workers = Workers(broker_url, tmp_path)
    yield workers
    workers.end()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger"
    path.touch()
    return path


def state_of(job: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


def slow_job(ledger: Path, seconds: float) -> Job:
    return Job.objects.create(kind="slow", title="Slow", parameters={"ledger": str(ledger), "seconds": seconds})


def test_another_worker_finishes_the_job_of_a_killed_one(workers, ledger):
    job = slow_job(ledger, seconds=6)
    broker.send_run(str(job.pk), job.queue)
    first = workers.start()
    workers.wait_for(lambda: Job.objects.filter(pk=job.pk, done__gt=10).exists())
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert state_of(job) == JobState.RUNNING
    second = workers.start()
    workers.wait_for(lambda: state_of(job) == JobState.SUCCEEDED)
    job.refresh_from_db()
    assert job.attempt == 2
    assert job.result == {"pid": second.pid}
    assert ledger.read_text().splitlines() == [f"begin {first.pid}", f"begin {second.pid}", f"end {second.pid}"]
    assert "The worker died (attempt 1 of 3)" in job.lines.get().text


def test_a_job_that_is_rung_for_many_times_runs_once(workers, ledger):
    job, last = slow_job(ledger, seconds=2), slow_job(ledger.with_name("other"), seconds=0)
    workers.start()
    workers.start()
    for _ in range(6):
        broker.send_run(str(job.pk), job.queue)
    broker.send_run(str(last.pk), last.queue)
    workers.wait_for(lambda: state_of(job) == state_of(last) == JobState.SUCCEEDED)
    broker.send_run(str(job.pk), job.queue)
    workers.wait_for(lambda: broker.waiting("heavy") == 0)
    assert [line.split()[0] for line in ledger.read_text().splitlines()] == ["begin", "end"]
    job.refresh_from_db()
    assert job.attempt == 1


def test_a_worker_that_is_told_to_stop_gives_its_job_to_the_next(workers, ledger):
    job = slow_job(ledger, seconds=20)
    broker.send_run(str(job.pk), job.queue)
    first = workers.start()
    workers.wait_for(lambda: Job.objects.filter(pk=job.pk, done__gt=3).exists())
    first.send_signal(signal.SIGTERM)
    first.wait(15)
    assert state_of(job) == JobState.QUEUED
    Job.objects.filter(pk=job.pk).update(parameters={"ledger": str(ledger), "seconds": 0})
    workers.start()
    workers.wait_for(lambda: state_of(job) == JobState.SUCCEEDED)
    job.refresh_from_db()
    assert job.attempt == 1


def test_cancel_reaches_a_job_in_another_process(workers, ledger):
    job = slow_job(ledger, seconds=60)
    broker.send_run(str(job.pk), job.queue)
    workers.start()
    workers.wait_for(lambda: Job.objects.filter(pk=job.pk, done__gt=0).exists())
    jobs.request_cancel(job)
    workers.wait_for(lambda: state_of(job) == JobState.CANCELLED)
    assert "end" not in ledger.read_text()
