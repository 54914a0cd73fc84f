"""What a validation reads again, who may help, and what is kept."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl
import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from catalog_app.models import DataFile, Dataset, Job, Store
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from catalog_app.services.sync import sync_store
from quality_app.models import CheckResult, PartialResult, ValidationRun
from quality_app.services.validation import helping
from quality_app.services.validation.parts import Parts
from quality_app.services.validation.run import prepare, validate
from quality_app.tests.conftest import MakeDataset
from quality_app.tests.frames import MINUTE_NS, frame_of, rows_of

ROWS = 1_000


def _quotes(first: int, count: int = ROWS, **change: str) -> pl.DataFrame:
    """Quotes a minute apart from minute `first` on; `change` goes into the tenth."""
    rows = rows_of("quote", count)
    rows[10] |= change
    shift = first * MINUTE_NS
    return frame_of("quote", rows).with_columns(pl.col("ts_event") + shift, pl.col("ts_init") + shift)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Paths of the files that are read whole, in order."""
    paths: list[str] = []
    whole = Parts._batches

    def noted(parts: Parts, file: DataFile, part: PartialResult | None) -> Iterator[pl.DataFrame]:
        paths.append(file.path)
        yield from whole(parts, file, part)

    monkeypatch.setattr(Parts, "_batches", noted)
    yield paths


def _results(run: ValidationRun) -> dict[str, tuple[int, int]]:
    return {result.check_id: (result.rows, result.violations) for result in run.results.all()}


def _anew(dataset: Dataset) -> ValidationRun:
    """A validation that keeps nothing of those before."""
    PartialResult.objects.all().delete()
    return validate(dataset, force=True)


def test_a_new_file_costs_that_file_only(make_dataset: MakeDataset, read: list[str]) -> None:
    make_dataset("quote", _quotes(0, bid_price="1.20000"))
    validate(make_dataset("quote", _quotes(ROWS)))
    before = list(read)
    dataset = make_dataset("quote", _quotes(2 * ROWS, 100, bid_price="1.20000"))
    run = validate(dataset)
    (added,) = read[len(before) :]
    assert added == dataset.files.order_by("path").last().path  # type: ignore[union-attr]
    assert _results(run) == _results(_anew(dataset))
    assert _results(run)["quote.crossed"] == (2 * ROWS + 100, 2)


def test_only_a_check_whose_facts_changed_runs_again(make_dataset: MakeDataset, read: list[str]) -> None:
    dataset = make_dataset("quote", _quotes(0))
    validate(dataset)
    kept = PartialResult.objects.get(path__startswith="data/").findings
    assert dataset.definition is not None
    dataset.definition.price_increment = "0.0003"
    assert _results(validate(dataset))["row.precision"] == (ROWS, ROWS)
    after = PartialResult.objects.get(path__startswith="data/").findings
    changed = {name for name in after if after[name]["basis"] != kept[name]["basis"]}
    assert "row.precision" in changed
    assert changed.isdisjoint({"quote.crossed", "row.duplicate", "session.outside", "time.order"})
    assert len(read) == 2


def test_parts_of_files_that_are_gone_are_forgotten(make_dataset: MakeDataset, store: Store) -> None:
    dataset = make_dataset("quote", _quotes(0))
    validate(dataset)
    file = dataset.files.get()
    path = Path(store.root) / file.path
    pq.write_table(pq.read_table(path).slice(0, 500), path)
    sync_store(store)
    assert validate(dataset).rows == 500
    assert PartialResult.objects.filter(path=file.path).count() == 1


def _job(dataset: Dataset, state: str) -> Job:
    return Job.objects.create(kind="validate", title="", parameters={"datasetIds": [str(dataset.pk)]}, state=state)


def test_helpers_do_what_the_caller_then_finds_done(make_dataset: MakeDataset, read: list[str]) -> None:
    make_dataset("quote", _quotes(0, bid_price="1.20000"))
    dataset = make_dataset("quote", _quotes(ROWS))
    checks = [check.id for check in prepare(dataset).row_checks]
    assert helping.help_validate(dataset.pk, _job(dataset, JobState.RUNNING).pk, checks) == 2
    assert len(read) == 2
    run = validate(dataset)
    assert len(read) == 2
    assert _results(run) == _results(_anew(dataset))


def test_a_helper_stops_with_the_job_that_called(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", _quotes(0))
    checks = [check.id for check in prepare(dataset).row_checks]
    assert helping.help_validate(dataset.pk, _job(dataset, JobState.CANCELLED).pk, checks) == 0
    assert helping.help_validate(uuid4(), uuid4(), checks) == 0


def test_a_file_that_another_works_on_is_waited_for(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", _quotes(0))
    parts = Parts(prepare(dataset).plan)
    (file,) = parts.plan.files
    identity = parts.plan.file_identity(file)
    claimed = PartialResult.objects.create(
        dataset=dataset, identity=identity, path=file.path, claim=uuid4(), claimed_until=timezone.now() + timedelta(1)
    )
    assert not parts.check_file(file)
    PartialResult.objects.filter(pk=claimed.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert parts.check_file(file)  # whoever had it is dead


def test_who_comes_back_after_its_claim_ran_out_leaves_the_file_to_the_next(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", _quotes(0))
    late, following = (Parts(prepare(dataset).plan) for _ in range(2))
    (file,) = late.plan.files
    stale = late._claimed(file)
    assert stale is not None
    PartialResult.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert following._claimed(file) is not None
    late._release(stale)
    assert PartialResult.objects.get().claim == following.claim
    assert not late.check_file(file)


def test_a_file_that_was_claimed_and_not_read_is_not_known(make_dataset: MakeDataset) -> None:
    parts = Parts(prepare(make_dataset("quote", _quotes(0)), ["row.duplicate"]).plan)
    (file,) = parts.plan.files
    part = parts._claimed(file)
    assert part is not None
    parts._release(part)
    parts.reload()
    assert not parts.is_known(file)
    assert parts.check_file(file)
    assert parts.is_known(file)


def test_help_ends_where_a_job_waits_for_a_worker(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", _quotes(0))
    checks = [check.id for check in prepare(dataset).row_checks]
    running, waiting = _job(dataset, JobState.RUNNING), _job(dataset, JobState.QUEUED)
    assert helping.help_validate(dataset.pk, running.pk, checks) == 0
    Job.objects.filter(pk=waiting.pk).update(state=JobState.SUCCEEDED)
    assert helping.help_validate(dataset.pk, running.pk, checks) == 1


def test_a_job_validates_and_tells(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", _quotes(0, bid_price="1.20000"))
    job = run_inline("validate", {"datasetIds": [str(dataset.pk)]})
    assert job.state == JobState.SUCCEEDED
    found = CheckResult.objects.get(run__job=job, check_id="quote.crossed")
    assert (found.violations, found.samples[0]["row"]) == (1, 10)
