"""Gaps filled from another store: the real NautilusTrader reads the result, and undo brings the gap back."""

from pathlib import Path

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from catalog_app.store import reader
from catalog_app.tests.store.upstream import answers
from quality_app.models import Gap, GapFill
from quality_app.services.gaps.filling.requests import request_fill
from quality_app.services.gaps.scan import scan
from quality_app.tests.filling.conftest import (
    CLOSES,
    HOLE,
    MakeStore,
    content,
    done,
    filled,
    found,
    previewed,
    walking_bars,
    without,
)


def test_a_hole_inside_a_file_is_filled_from_another_store_and_undo_brings_it_back(
    holed: Dataset, whole: Dataset, data_admin: User, tmp_path: Path
) -> None:
    kept = content(holed.store)
    [gap] = Gap.objects.all()
    preview = previewed(holed, whole, data_admin)
    assert content(holed.store) == kept
    assert (preview.result["rows"], preview.result["severity"]) == (60, "good")
    assert found(preview, "agreement")["text"].startswith("400 of 400 rows")

    job = done(request_fill(preview, data_admin))

    assert job.state == JobState.SUCCEEDED, job.error
    ours, theirs = answers([(dataset.store.root, "bar") for dataset in (holed, whole)])
    assert len(ours) == len(CLOSES)
    assert ours == theirs
    gap.refresh_from_db()
    assert gap.filled_at is not None
    operation = StoreOperation.objects.get(kind="fill")
    assert (operation.rows_before, operation.rows_after, operation.user) == (1140, 1200, data_admin)
    fill = GapFill.objects.get()
    assert (fill.operation_id, fill.rows, fill.kind, fill.by_policy) == (operation.pk, 60, "dataset", False)
    assert fill.gaps == [str(gap.pk)]
    assert fill.spans == [[str(CLOSES[HOLE.start]), str(CLOSES[HOLE.stop - 1])]]
    file = whole.files.get()
    assert fill.source["files"] == [{"path": file.path, "size": file.size_bytes, "mtimeNs": str(file.mtime_ns)}]
    assert fill.source["store"] == "whole"
    assert fill.seams[0]["findings"]

    undone = run_inline("undo", {"operationId": str(operation.pk)}, data_admin)

    assert undone.state == JobState.SUCCEEDED, undone.error
    assert content(holed.store) == kept
    fill.refresh_from_db()
    assert fill.undone_at is not None
    rescan = Job.objects.filter(kind="scan_gaps", parameters={"datasetIds": [str(holed.pk)]}).latest("created_at")
    assert done(rescan).state == JobState.SUCCEEDED
    gap.refresh_from_db()
    assert gap.filled_at is None


def test_a_hole_between_files_becomes_a_file_of_its_own(
    make_store: MakeStore, whole: Dataset, data_admin: User
) -> None:
    bars = walking_bars()
    dataset = make_store(bars[: HOLE.start], bars[HOLE.stop :], name="two-files")
    before = content(dataset.store)
    scan(dataset)
    assert filled(dataset, whole, data_admin).state == JobState.SUCCEEDED
    after = content(dataset.store)
    assert {path: data for path, data in after.items() if path in before} == before
    assert len(after) == len(before) + 1
    ours, theirs = answers([(one.store.root, "bar") for one in (dataset, whole)])
    assert ours == theirs
    assert not Gap.objects.filter(dataset=dataset, filled_at=None).exists()


def test_a_store_of_the_other_major_version_serves_as_well(
    make_store: MakeStore, whole: Dataset, data_admin: User
) -> None:
    dataset = make_store(without(walking_bars()), name="holed", version="v2")
    scan(dataset)
    assert filled(dataset, whole, data_admin).state == JobState.SUCCEEDED
    dataset.refresh_from_db()
    assert (dataset.dialect, dataset.file_count) == ("v2", 1)
    ours, theirs = (reader.scan(one.store.root, [one.files.get().path], "bar").collect() for one in (dataset, whole))
    assert ours.equals(theirs)
