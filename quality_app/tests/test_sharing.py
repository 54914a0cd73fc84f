"""A large dataset is validated by several real workers; one that dies in the middle of a file is made up for."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.jobs import enqueue
from catalog_app.services.sync import sync_store
from catalog_app.tests.jobs.conftest import broker_url, redis_url  # noqa: F401
from catalog_app.tests.jobs.processes import Workers
from quality_app.models import PartialResult, ValidationRun
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import write_rows
from quality_app.tests.frames import MINUTE_NS, frame_of, rows_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

WORKER = "quality_app.tests.sharing_worker"
FILES, ROWS = 5, 400


@pytest.fixture
def dataset(store: Store, define) -> Dataset:
    """Quotes in several files; in each the tenth is crossed."""
    define()
    for number in range(FILES):
        rows = rows_of("quote", ROWS)
        rows[10] |= {"bid_price": "1.20000"}
        shift = number * ROWS * MINUTE_NS
        write_rows(
            store, "quote", frame_of("quote", rows).with_columns(pl.col("ts_event") + shift, pl.col("ts_init") + shift)
        )
    sync_store(store)
    return Dataset.objects.select_related("store", "definition").get(data_type="quote")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Who began which file: lines "pid role path"."""
    path = tmp_path / "ledger"
    path.touch()
    return path


@pytest.fixture
def workers(broker_url: str, tmp_path: Path, ledger: Path) -> Iterator[Workers]:  # noqa: F811
    workers = Workers(broker_url, tmp_path)
    workers.environment |= {"SHARING_LEDGER": str(ledger), "POLARS_MAX_THREADS": "1"}
    yield workers
    workers.end()


def begun(ledger: Path, role: str) -> list[tuple[int, str]]:
    lines = [line.split(" ", 2) for line in ledger.read_text().splitlines()]
    return [(int(pid), path) for pid, by, path in lines if by == role]


def results(run: ValidationRun) -> dict[str, Any]:
    return {
        result.check_id: (
            result.version,
            {name: value for name, value in result.params.items() if name != "nowNs"},
            result.rows,
            result.violations,
            result.score,
            result.samples,
        )
        for result in run.results.all()
    }


def test_workers_share_the_files_and_the_death_of_one_loses_nothing(
    workers: Workers, dataset: Dataset, ledger: Path
) -> None:
    job = enqueue("validate", {"datasetIds": [str(dataset.pk)]}, title="Validate", user=None)
    by_pid = {process.pid: process for process in (workers.start(WORKER, threads=1) for _ in range(2))}
    workers.wait_for(lambda: len(begun(ledger, "helper")) == 2)
    (helper, done), (_, held) = begun(ledger, "helper")  # one is done, one is in its hands
    assert PartialResult.objects.get(path=done).claim is None
    by_pid[helper].send_signal(signal.SIGKILL)
    by_pid[helper].wait()
    workers.wait_for(lambda: Job.objects.get(pk=job.pk).is_finished)

    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1), job.error
    paths = list(dataset.files.values_list("path", flat=True))
    assert Counter(path for _, path in begun(ledger, "caller")) == dict.fromkeys({*paths} - {done}, 1)
    assert begun(ledger, "helper") == [(helper, done), (helper, held)]
    assert not PartialResult.objects.exclude(claim=None).exists()

    shared = ValidationRun.objects.get(job=job)
    assert shared.rows == FILES * ROWS
    assert shared.results.get(check_id="quote.crossed").violations == FILES
    PartialResult.objects.all().delete()
    assert results(shared) == results(validate(dataset, force=True))
