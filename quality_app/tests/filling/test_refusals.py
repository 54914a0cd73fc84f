"""What is not written: rows that do not fit, rows that are there, files that changed, stores that stay as they are."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job, Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services.errors import Conflict
from catalog_app.services.sync import sync_store
from quality_app.models import Gap
from quality_app.services.gaps.filling.requests import fillable, request_fill, request_preview
from quality_app.services.gaps.filling.spans import FillRefused
from quality_app.services.gaps.scan import scan
from quality_app.tests.filling.conftest import (
    HOLE,
    MakeStore,
    content,
    done,
    found,
    open_gaps,
    previewed,
    walking_bars,
    without,
)
from quality_app.tests.frames import MINUTE_NS, raw

INSIDE = pl.int_range(pl.len()).is_between(HOLE.start, HOLE.stop - 1)


def _finer(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(pl.when(INSIDE).then(pl.col("high") + raw("0.000001")).otherwise("high").alias("high"))


def _twice(bars: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([bars, bars.slice(HOLE.start + 5, 1)]).sort("ts_init", maintain_order=True)


def _off_grid(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(pl.when(INSIDE).then(pl.col("ts_init") + 1_000).otherwise("ts_init").alias("ts_init"))


def _open_stamped(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(pl.col("ts_init", "ts_event") - MINUTE_NS)


@pytest.mark.parametrize(
    ("change", "check", "text"),
    [
        (_finer, "precision", "finer than the dataset's precision"),
        (_twice, "duplicates", "in the source more than once"),
        (_off_grid, "grid", "not stamped on the dataset's bar grid"),
        (_open_stamped, "stamp", "stamps them by their open"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    holed: Dataset,
    make_store: MakeStore,
    data_admin: User,
    change: Callable[[pl.DataFrame], pl.DataFrame],
    check: str,
    text: str,
) -> None:
    finer = change is _finer
    source = make_store(change(walking_bars()), name="other", precision=6 if finer else 5)
    preview = previewed(holed, source, data_admin)
    assert text in found(preview, check)["text"]
    assert found(preview, check)["severity"] == "refused"
    assert preview.result["rows"] == 0
    with pytest.raises(Conflict, match="no row that could be written"):
        request_fill(preview, data_admin)


def test_a_jump_of_the_price_on_a_seam_is_a_warning(holed: Dataset, make_store: MakeStore, data_admin: User) -> None:
    prices = ("open", "high", "low", "close")
    moved = walking_bars().with_columns(
        pl.when(INSIDE).then(pl.col(name) * 10).otherwise(name).alias(name) for name in prices
    )
    preview = previewed(holed, make_store(moved, name="other"), data_admin)
    for side in ("before", "after"):
        assert found(preview, f"continuity {side}")["severity"] == "warning"
    assert preview.result["severity"] == "warning"
    assert preview.result["rows"] == 60


@pytest.mark.parametrize("whose", ["target", "source"])
def test_files_that_changed_since_the_preview_are_refused(
    holed: Dataset, whole: Dataset, data_admin: User, whose: str
) -> None:
    preview = previewed(holed, whole, data_admin)
    dataset = holed if whose == "target" else whole
    path = Path(dataset.store.root) / dataset.files.get().path
    same = path.read_bytes()
    path.unlink()
    path.write_bytes(same)  # the same bytes, and yet another file
    kept = content(holed.store)
    job = done(request_fill(preview, data_admin))
    assert job.state == JobState.FAILED
    assert "changed since the preview" in job.error
    assert content(holed.store) == kept
    assert not StoreOperation.objects.filter(kind="fill").exists()


def test_a_file_that_came_since_the_preview_is_noticed(holed: Dataset, whole: Dataset, data_admin: User) -> None:
    preview = previewed(holed, whole, data_admin)
    here = Path(holed.store.root) / holed.path
    (here / "2025-01-01T00-00-00-000000000Z_2025-01-02T00-00-00-000000000Z.parquet").write_bytes(
        next(here.iterdir()).read_bytes()
    )
    job = done(request_fill(preview, data_admin))
    assert job.state == JobState.FAILED
    assert "came or went" in job.error


def test_rows_out_of_order_are_to_be_sorted_first(make_store: MakeStore, whole: Dataset, data_admin: User) -> None:
    dataset = make_store(without(walking_bars()), name="holed")
    scan(dataset)
    _swap_rows(Path(dataset.store.root) / dataset.files.get().path)
    sync_store(dataset.store)
    job = done(request_preview(open_gaps(dataset), whole, data_admin))
    assert job.state == JobState.FAILED
    assert "Sort rows first" in job.error


def test_a_read_only_store_and_filled_or_unknown_gaps_are_refused(
    holed: Dataset, whole: Dataset, data_admin: User
) -> None:
    preview = previewed(holed, whole, data_admin)
    with pytest.raises(FillRefused, match="at least one"):
        fillable([])
    with pytest.raises(FillRefused, match="no longer known"):
        fillable([holed.pk])
    Store.objects.filter(pk=holed.store_id).update(read_only=True)
    with pytest.raises(Conflict, match="read-only"):
        request_fill(preview, data_admin)
    with pytest.raises(Conflict, match="read-only"):
        request_preview(open_gaps(holed), whole, data_admin)
    assert done(request_fill_after(preview, holed, data_admin)).state == JobState.FAILED
    Gap.objects.update(filled_at=holed.last_scanned)
    with pytest.raises(FillRefused, match="filled already"):
        fillable(list(Gap.objects.values_list("pk", flat=True)))


def request_fill_after(preview: Job, holed: Dataset, user: User) -> Job:
    """Ask while it is allowed, and forbid it before the job runs."""
    Store.objects.filter(pk=holed.store_id).update(read_only=False)
    job = request_fill(preview, user)
    Store.objects.filter(pk=holed.store_id).update(read_only=True)
    return job


def _swap_rows(path: Path) -> None:
    table = pq.read_table(path)
    order = [1, 0, *range(2, table.num_rows)]
    pq.write_table(table.take(order), path)
