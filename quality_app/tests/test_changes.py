"""What changed is checked without being asked for."""

from pathlib import Path

import pytest

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services import changes
from catalog_app.services.jobs import run_inline, run_job
from catalog_app.tests.transfers.conftest import GOOD, Importer, bars, import_text, store  # noqa: F401

pytestmark = pytest.mark.django_db


def _dataset(store: Store, name: str, data_type: str = DataType.BAR, **fields: str) -> Dataset:  # noqa: F811
    return Dataset.objects.create(store=store, path=f"data/{name}", data_type=data_type, **fields)


def _jobs() -> dict[str, list[str]]:
    return {job.kind: job.parameters["datasetIds"] for job in Job.objects.filter(state="queued")}


def test_an_import_is_validated_and_scanned(import_text: Importer) -> None:  # noqa: F811
    item, _ = import_text(bars(*GOOD))
    assert item.dataset is not None
    assert _jobs() == {"validate": [str(item.dataset_id)], "scan_gaps": [str(item.dataset_id)]}

    for job in Job.objects.filter(state="queued"):
        run_job(job.pk)

    item.dataset.refresh_from_db()
    assert item.dataset.quality_score is not None
    assert item.dataset.last_scanned is not None


def test_a_sync_has_only_what_changed_checked(import_text: Importer, store: Store) -> None:  # noqa: F811
    import_text(bars(*GOOD))
    Job.objects.all().delete()

    run_inline("sync", {"storeId": store.pk})
    assert _jobs() == {}

    (Path(store.root) / "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL/broken.parquet").write_bytes(b"broken")
    run_inline("sync", {"storeId": store.pk})
    assert set(_jobs()) == {"validate", "scan_gaps"}


def test_many_changes_make_one_job_of_each_kind(store: Store) -> None:  # noqa: F811
    rows = [_dataset(store, f"b{number}") for number in range(3)]
    quotes = _dataset(store, "q", DataType.QUOTE)
    broken = _dataset(store, "x", state=IndexState.UNREADABLE)
    unsupported = _dataset(store, "u", state=IndexState.UNSUPPORTED)
    closes = _dataset(store, "c", DataType.CLOSE)

    changes.tell([row.pk for row in (*rows, quotes, broken, unsupported, closes)], None)

    asked = {kind: set(keys) for kind, keys in _jobs().items()}
    scanned = {str(row.pk) for row in (*rows, quotes)}
    assert asked == {"validate": scanned | {str(broken.pk), str(closes.pk)}, "scan_gaps": scanned}


def test_no_change_starts_nothing(store: Store) -> None:  # noqa: F811
    changes.tell([], None)

    assert not Job.objects.exists()


def test_a_job_over_many_datasets_counts_all_their_rows(import_text: Importer, store: Store) -> None:  # noqa: F811
    first, _ = import_text(bars(*GOOD))
    second, _ = import_text(bars(*GOOD), instrument_id="EUR/USD.SIM", bar_type="EUR/USD.SIM-1-MINUTE-BID-EXTERNAL")
    keys = [str(item.dataset_id) for item in (first, second)]

    for kind in ("validate", "scan_gaps", "scan_gaps"):
        job = run_inline(kind, {"datasetIds": keys})
        assert (job.error, job.done, job.total) == ("", 6, 6)
