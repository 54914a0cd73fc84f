"""Repair of rows that are bad data: just those change, NautilusTrader reads the rest, and undo brings them back."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.models import Dataset, Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.jobs import run_inline, run_job
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.store.upstream import answers
from quality_app.models import Anomaly
from quality_app.services.anomalies.recording import record
from quality_app.services.anomalies.repair import RepairRefused, repairable, request_preview, request_repair
from quality_app.services.anomalies.triage import triage
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import MakeDataset, write_rows
from quality_app.tests.frames import frame_of, rows_of
from quality_app.tests.test_anomalies import crossed, standings

MS = 10**6


@pytest.fixture
def bad(make_dataset: MakeDataset, data_admin: User) -> Dataset:
    """Fifty quotes of which two are crossed, which was decided to be bad data."""
    dataset = make_dataset("quote", crossed(50, 7, 20))
    check(dataset)
    triage(keys(), "bad_data", "vendor fault", data_admin)
    return dataset


@pytest.fixture
def other(bad: Dataset, tmp_path: Path) -> Dataset:
    """The same quotes in another store, right ones, the second crossed row two ms later; one of them is missing."""
    (tmp_path / "other" / "data").mkdir(parents=True)
    store = register_store(tmp_path / "other", name="other")
    rows = rows_of("quote", 50)
    rows[20] |= {name: rows[20][name] + 2 * MS for name in ("ts_event", "ts_init")}
    write_rows(store, "quote", frame_of("quote", rows))
    sync_store(store)
    return store.datasets.select_related("store").get(data_type="quote")


def check(dataset: Dataset) -> None:
    dataset.refresh_from_db()
    validate(dataset, check_ids=["quote.crossed"])


def keys() -> list[Any]:
    return list(Anomaly.objects.filter(check_id="quote.crossed").order_by("ts_init_ns").values_list("pk", flat=True))


def done(job: Job) -> Job:
    run_job(job.pk)
    job.refresh_from_db()
    return job


def previewed(user: User, method: str = "drop", **how: Any) -> Job:
    job = done(request_preview(repairable(keys()), method, user, **how))
    assert job.state == JobState.SUCCEEDED, job.error
    return job


def content(root: Path) -> dict[str, bytes]:
    """The store's data files."""
    return {str(path.relative_to(root)): path.read_bytes() for path in (root / "data").rglob("*") if path.is_file()}


def test_bad_rows_are_dropped_and_undo_brings_them_back(
    bad: Dataset, store: Store, data_admin: User, tmp_path: Path
) -> None:
    root, kept = Path(store.root), Path(shutil.copytree(store.root, tmp_path / "kept"))
    preview = previewed(data_admin)
    assert content(root) == content(kept)
    (plan,) = preview.result["plans"]
    assert (plan["rowsBefore"], plan["rowsAfter"], preview.result["number"]) == (50, 48, 2)
    assert [row["before"]["bid_price"] for row in preview.result["rows"]] == ["1.20000"] * 2
    assert [row["row"] for row in preview.result["rows"]] == [7, 20]

    job = done(request_repair(preview, data_admin))

    assert job.state == JobState.SUCCEEDED, job.error
    before, after = answers([(kept, "quote"), (root, "quote")])
    assert len(before) == 50
    assert after == [row for at, row in enumerate(before) if at not in {7, 20}]
    assert standings(bad) == [(7, "repaired"), (20, "repaired")]
    operation = StoreOperation.objects.get(kind="repair")
    assert (operation.rows_before, operation.rows_after, operation.user) == (50, 48, data_admin)
    assert operation.parameters == {"rowsDropped": 2, "rowsReplaced": 0, "rowsFrom": None}
    assert set(Anomaly.objects.filter(check_id="quote.crossed").values_list("operation", flat=True)) == {operation.pk}
    # The repaired dataset is validated by whoever follows changes.
    assert Job.objects.filter(kind="validate", parameters={"datasetIds": [str(bad.pk)]}, state="queued").exists()
    check(bad)
    assert standings(bad) == [(7, "repaired"), (20, "repaired")]

    undone = run_inline("undo", {"operationId": str(operation.pk)}, data_admin)

    assert undone.state == JobState.SUCCEEDED, undone.error
    assert content(root) == content(kept)
    assert standings(bad) == [(7, "bad_data"), (20, "bad_data")]
    check(bad)
    assert standings(bad) == [(7, "bad_data"), (20, "bad_data")]


def test_bad_rows_give_place_to_those_of_another_store(
    bad: Dataset, other: Dataset, store: Store, data_admin: User, tmp_path: Path
) -> None:
    kept = Path(shutil.copytree(store.root, tmp_path / "kept"))
    preview = previewed(data_admin, "replace", source=other)
    assert [one["reason"] for one in preview.result["refused"]] == ["The other dataset has no row at this time."]
    (row,) = preview.result["rows"]
    assert (row["before"]["bid_price"], row["after"]["bid_price"]) == ("1.20000", "1.10000")

    assert done(request_repair(preview, data_admin)).state == JobState.SUCCEEDED

    before, right, after = answers([(root, "quote") for root in (kept, other.store.root, store.root)])
    assert after == [*before[:7], right[7], *before[8:]]
    assert standings(bad) == [(7, "repaired"), (20, "bad_data")]


def test_a_tolerance_finds_the_nearest_row_but_never_one_of_the_future(
    bad: Dataset, other: Dataset, data_admin: User
) -> None:
    preview = previewed(data_admin, "replace", source=other, tolerance_ns=5 * MS)
    assert [row["row"] for row in preview.result["rows"]] == [7]
    assert "see the future" in preview.result["refused"][0]["reason"]


def test_a_source_that_agrees_with_the_row_replaces_nothing(
    bad: Dataset, tmp_path: Path, store: Store, data_admin: User
) -> None:
    (tmp_path / "same" / "data").mkdir(parents=True)
    same = register_store(tmp_path / "same", name="same")
    write_rows(same, "quote", frame_of("quote", crossed(50, 7, 20)))
    sync_store(same)
    job = done(request_preview(repairable(keys()), "replace", data_admin, source=same.datasets.get()))
    assert job.state == JobState.FAILED
    assert "no fault of one source" in job.error


def test_files_that_changed_since_the_validation_are_refused(bad: Dataset, store: Store, data_admin: User) -> None:
    preview = previewed(data_admin)
    path = Path(store.root) / bad.files.get().path
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)  # the same bytes, and yet another file

    late = done(request_repair(preview, data_admin))
    early = done(request_preview(repairable(keys()), "drop", data_admin))

    for job in (late, early):
        assert job.state == JobState.FAILED
        assert "changed since" in job.error
    assert path.read_bytes() == content
    assert not StoreOperation.objects.filter(kind="repair").exists()
    assert standings(bad) == [(7, "bad_data"), (20, "bad_data")]


def test_a_decision_that_was_changed_meanwhile_stops_the_repair(bad: Dataset, data_admin: User) -> None:
    preview = previewed(data_admin)
    triage(keys()[:1], "real_event", "was real", data_admin)
    with pytest.raises(Conflict, match="Decide first"):
        request_repair(preview, data_admin)


def test_a_job_that_is_repeated_after_its_commit_only_links(bad: Dataset, data_admin: User) -> None:
    job = done(request_repair(previewed(data_admin), data_admin))
    Anomaly.objects.update(operation=None)  # the worker was killed right after the commit
    assert run_inline("repair", job.parameters, data_admin).state == JobState.SUCCEEDED
    assert standings(bad) == [(7, "repaired"), (20, "repaired")]
    assert StoreOperation.objects.filter(kind="repair").count() == 1


def test_a_row_that_comes_back_after_its_repair_is_open_again(bad: Dataset, data_admin: User) -> None:
    done(request_repair(previewed(data_admin), data_admin))
    run = bad.runs.get()
    record(run)  # it saw the rows before the repair
    assert standings(bad) == [(7, "repaired"), (20, "repaired")]
    run.started_at = timezone.now()
    record(run)
    assert standings(bad) == [(7, "open"), (20, "open")]
    decision = Anomaly.objects.filter(check_id="quote.crossed")[0].decisions.first()
    assert decision is not None
    assert "again after it was repaired" in decision.reason


@pytest.mark.parametrize("decision", ["open", "real_event", "ignored"])
def test_only_bad_data_is_repaired(bad: Dataset, data_admin: User, decision: str) -> None:
    triage(keys()[:1], decision, "because", data_admin)
    with pytest.raises(RepairRefused, match="1 of these is not"):
        repairable(keys())


def test_a_read_only_store_a_strange_source_and_a_strange_method_are_refused(
    bad: Dataset, store: Store, data_admin: User
) -> None:
    found = repairable(keys())
    for method, how, why in (
        ("mend", {}, "Say how"),
        ("replace", {}, "Choose the dataset"),
        ("replace", {"source": bad}, "another store"),
        ("drop", {"tolerance_ns": -1}, "tolerance"),
    ):
        with pytest.raises(RepairRefused, match=why):
            request_preview(found, method, data_admin, **how)
    with pytest.raises(RepairRefused, match="at least one"):
        repairable([])
    Store.objects.filter(pk=store.pk).update(read_only=True)
    with pytest.raises(Conflict, match="read-only"):
        repairable(keys())
