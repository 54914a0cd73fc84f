"""A job is claimed once, runs, and says how it ended."""

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from catalog_app.models import Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs
from catalog_app.services.jobs import heartbeat, runner, shutdown
from catalog_app.services.jobs import progress as progress_module
from catalog_app.services.jobs.progress import Progress

pytestmark = pytest.mark.django_db


def queued(**fields) -> Job:
    return Job.objects.create(kind="test", title="Test", **fields)


def test_a_finished_job_has_its_result_figures_and_log(do):
    def work(progress: Progress, parameters):
        progress.stage("Counting", total=3)
        progress.log("begun")
        progress.advance(3)
        return {"sum": parameters["a"] + 1}

    do(work)
    job = jobs.run_inline("test", {"a": 1})
    assert (job.state, job.result, job.error) == (JobState.SUCCEEDED, {"sum": 2}, "")
    assert (job.stage, job.done, job.total, job.attempt) == ("Counting", 3, 3, 1)
    assert [line.text for line in job.lines.all()] == ["begun"]
    assert job.started_at <= job.finished_at


def test_a_second_doorbell_runs_nothing(do):
    runs = []
    do(lambda progress, parameters: runs.append(progress.claim))
    job = queued()
    assert jobs.run_job(job.pk)
    assert not jobs.run_job(job.pk)
    assert len(runs) == 1


def test_a_doorbell_of_a_job_that_is_gone_runs_nothing(do):
    assert not jobs.run_job(uuid.uuid4())


def test_a_refusal_is_shown_as_it_stands_and_logged(do):
    def refuse(progress, parameters):
        raise jobs.JobFailed("The file is empty. Choose another one.")

    do(refuse)
    job = jobs.run_inline("test", {})
    assert (job.state, job.error) == (JobState.FAILED, "The file is empty. Choose another one.")
    assert job.lines.get().level == "error"


def test_an_unexpected_error_is_named_without_its_secrets(do, caplog):
    def break_down(progress, parameters):
        raise RuntimeError("cannot reach postgres://desk:hunter2@db/desk with password=hunter2")

    do(break_down)
    job = jobs.run_inline("test", {})
    assert job.state == JobState.FAILED
    assert "RuntimeError" in job.error
    assert str(job.pk) in job.error
    assert "hunter2" not in job.error + "".join(line.text for line in job.lines.all())
    assert "Traceback" in caplog.text


def test_a_result_that_json_cannot_carry_fails_the_job(do):
    do(lambda progress, parameters: {"made": {1, 2}})
    assert jobs.run_inline("test", {}).state == JobState.FAILED


def test_a_kind_that_nobody_does_is_refused(do):
    with pytest.raises(LookupError, match="nothing-does-this"):
        jobs.run_inline("nothing-does-this", {})
    with pytest.raises(LookupError):
        jobs.enqueue("nothing-does-this", {}, title="", user=None)


def test_a_job_whose_kind_went_away_fails_with_the_reason(do):
    job = Job.objects.create(kind="of-an-older-release", title="Old")
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "of-an-older-release" in job.error


def test_cancel_stops_at_the_next_check(do):
    reached = []

    def work(progress: Progress, parameters):
        Job.objects.filter(pk=progress.job_id).update(cancel_requested=True)
        progress.write()
        progress.check()
        reached.append("after")

    do(work)
    assert jobs.run_inline("test", {}).state == JobState.CANCELLED
    assert not reached


def test_an_interrupted_command_does_not_leave_a_running_job(do):
    def interrupt(progress, parameters):
        raise KeyboardInterrupt

    do(interrupt)
    with pytest.raises(KeyboardInterrupt):
        jobs.run_inline("test", {})
    assert Job.objects.get().state == JobState.FAILED


def test_a_runner_that_lost_its_job_writes_nothing_more(do, caplog):
    successor = uuid.uuid4()

    def work(progress: Progress, parameters):
        Job.objects.filter(pk=progress.job_id).update(claim=successor, stage="of the successor")
        with pytest.raises(jobs.JobLost):
            progress.log("too late")
        with pytest.raises(jobs.JobLost):
            progress.check()
        with pytest.raises(jobs.JobLost):
            progress.advance(1)
        return {"made": "by the one that was given up"}

    do(work)
    job = jobs.run_inline("test", {})
    assert (job.state, job.claim, job.stage, job.result) == (JobState.RUNNING, successor, "of the successor", {})
    assert not job.lines.exists()


def test_losing_the_job_is_no_failure(do):
    def work(progress: Progress, parameters):
        Job.objects.filter(pk=progress.job_id).update(claim=uuid.uuid4())
        progress.write()

    do(work)
    assert jobs.run_inline("test", {}).state == JobState.RUNNING


def test_a_worker_that_shuts_down_gives_its_job_back(do, no_broker):
    def work(progress: Progress, parameters):
        shutdown.request()
        progress.check()

    do(work)
    job = queued()
    try:
        jobs.run_job(job.pk)
    finally:
        shutdown.withdraw()
    job.refresh_from_db()
    assert (job.state, job.attempt, job.claim) == (JobState.QUEUED, 0, None)
    do(lambda progress, parameters: {"done": True})
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)


def test_figures_are_written_twice_a_second_at_most(do, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    writes = []
    original = Progress.write
    monkeypatch.setattr(Progress, "write", lambda self: (writes.append(now[0]), original(self)))

    def work(progress: Progress, parameters):
        progress.stage("Counting", total=1000)
        for _ in range(1000):
            now[0] += 0.01
            progress.advance(1)
            progress.check()

    do(work)
    job = jobs.run_inline("test", {})
    assert 15 <= len(writes) <= 21
    assert job.done == 1000


def test_the_rate_is_that_of_the_last_seconds(do, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    rates = []

    def work(progress: Progress, parameters):
        progress.stage("Slow, then fast", total=10_000)
        for speed, seconds in ((10, 60), (100, 30)):
            for _ in range(seconds):
                now[0] += 1
                progress.advance(speed)
            rates.append(progress.figures()["rate"])

    do(work)
    jobs.run_inline("test", {})
    assert rates == pytest.approx([10, 100])


def test_a_new_stage_counts_from_zero(do):
    def work(progress: Progress, parameters):
        progress.stage("First", total=5)
        progress.advance(5)
        progress.stage("Second", unit="files")

    do(work)
    job = jobs.run_inline("test", {})
    assert (job.stage, job.done, job.total, job.unit) == ("Second", 0, None, "files")


def test_a_chatty_job_keeps_a_bounded_log(do, monkeypatch):
    monkeypatch.setattr(progress_module, "MAX_LINES", 5)

    def work(progress: Progress, parameters):
        for number in range(50):
            progress.log(f"line {number} " + "x" * 5000)

    do(work)
    lines = list(jobs.run_inline("test", {}).lines.all())
    assert len(lines) == 5
    assert "later lines are not kept" in lines[-1].text
    assert all(len(line.text) <= progress_module.MAX_LINE_LENGTH for line in lines)


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_goes_on_while_the_handler_is_busy(do, monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.05)
    beats = []

    def work(progress: Progress, parameters):
        progress.stage("Thinking hard")
        for _ in range(3):
            time.sleep(0.2)
            beats.append(Job.objects.get(pk=progress.job_id).heartbeat_at)

    do(work)
    jobs.run_inline("test", {})
    assert beats[0] < beats[1] < beats[2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heartbeat")]


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_brings_a_cancel_to_a_busy_handler(do, monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.05)
    monkeypatch.setattr(progress_module, "WRITE_INTERVAL", 1000.0)

    def work(progress: Progress, parameters):
        progress.stage("Working")
        jobs.request_cancel(Job.objects.get(pk=progress.job_id))
        for _ in range(100):
            time.sleep(0.05)
            progress.check()

    do(work)
    assert jobs.run_inline("test", {}).state == JobState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_many_runners_at_once_claim_a_job_once(do):
    runs: list[uuid.UUID] = []
    do(lambda progress, parameters: runs.append(progress.claim))
    job = queued()
    start = threading.Barrier(6)
    outcomes: list[bool] = []

    def ring():
        try:
            start.wait()
            outcomes.append(jobs.run_job(job.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=ring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(outcomes), len(runs)) == ([False] * 5 + [True], 1)
    job.refresh_from_db()
    assert job.attempt == 1


def test_time_left_needs_a_total_and_a_rate():
    from catalog_app.services.jobs.queries import heartbeat_age, seconds_left

    running = Job(state=JobState.RUNNING, done=250, total=1000, rate=50.0, heartbeat_at=timezone.now())
    assert seconds_left(running) == 15
    assert heartbeat_age(running) < 1
    for change in ({"total": None}, {"rate": None}, {"rate": 0.0}, {"state": JobState.SUCCEEDED}):
        assert (
            seconds_left(Job(**{"state": JobState.RUNNING, "done": 250, "total": 1000, "rate": 50.0} | change)) is None
        )
    over = Job(state=JobState.RUNNING, done=1200, total=1000, rate=50.0)
    assert seconds_left(over) == 0


def test_readable_errors_include_those_of_the_store():
    from catalog_app.store.errors import UnreadableFile

    assert issubclass(UnreadableFile, runner.readable_errors())


def test_the_runner_knows_its_user(do, trader: User):
    do(lambda progress, parameters: {"user": progress.user.username})
    assert jobs.run_inline("test", {}, user=trader).result == {"user": "trader"}


def test_an_old_claim_is_replaced_by_each_attempt(do):
    claims = []
    do(lambda progress, parameters: claims.append(progress.claim))
    job = queued(attempt=1, claim=uuid.uuid4(), started_at=timezone.now() - timedelta(hours=1))
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.attempt, [job.claim]) == (2, claims)
