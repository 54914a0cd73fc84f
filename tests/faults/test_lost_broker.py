"""The broker dies while work is under way: what runs goes on, what is asked for waits, nothing is done twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from celery import current_app
from django.conf import settings

from catalog_app.models import Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.jobs import broker, reaper
from catalog_app.tests.jobs.processes import Workers
from tests.faults.conftest import commits, job_of, new_store, queue_import, quotes
from tests.running import free_port, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


class Broker:
    """An embedded Redis in a process of its own, on one address through death and return."""

    def __init__(self) -> None:
        self.url = f"redis://:secret@127.0.0.1:{free_port()}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "datacatalog.embedded_redis"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "REDIS_URL": self.url},
        )
        wait_for(self.answers, 20, "the start of Redis")

    def answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url).ping())
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def mortal_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    found = Broker()
    for name in ("broker_url", "broker_write_url", "broker_read_url"):
        monkeypatch.setattr(current_app.conf, name, found.url)
    found.start()
    yield found
    found.kill()


def test_work_survives_the_broker(mortal_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "DEAD_AFTER", timedelta(seconds=20))  # nobody dies here but the broker
    monkeypatch.setattr(reaper, "UNANSWERED_AFTER", timedelta(seconds=1))
    ledger = tmp_path / "ledger"
    slow = Job.objects.create(kind="slow", title="Slow", parameters={"ledger": str(ledger), "seconds": 4})
    broker.send_run(str(slow.pk), slow.queue)
    workers = Workers(mortal_broker.url, tmp_path)
    try:
        worker = workers.start()
        workers.wait_for(lambda: Job.objects.filter(pk=slow.pk, done__gt=10).exists())

        mortal_broker.kill()
        began = time.monotonic()
        item = queue_import(quotes(tmp_path / "few.csv", 500), store := new_store(tmp_path, "store"))
        assert time.monotonic() - began < 5
        assert job_of(item).state == JobState.QUEUED
        workers.wait_for(lambda: Job.objects.get(pk=slow.pk).state == JobState.SUCCEEDED)

        mortal_broker.start()
        workers.wait_for(lambda: job_of(item).state == JobState.SUCCEEDED)
        # A doorbell that was not acknowledged may ring again: nobody answers it.
        broker.send_run(str(slow.pk), slow.queue)
        workers.wait_for(lambda: broker.waiting("heavy") == 0)
    finally:
        workers.end()
    assert ledger.read_text().split() == ["begin", str(worker.pid), "end", str(worker.pid)]
    assert (Job.objects.get(pk=slow.pk).attempt, job_of(item).attempt, commits(store)) == (1, 1, 1)
    assert jobs.reap() == reaper.Reaped(0, 0, 0)
