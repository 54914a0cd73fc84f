"""What goes out equals what is in the store, and comes back equal."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.conf import settings

from catalog_app.models import Dataset, Store
from catalog_app.services.exporting import ExportRefused, ExportRequest, export_now
from catalog_app.store.reader import scan
from catalog_app.tests.transfers.conftest import GOOD, Importer, bars

MINUTE = 60_000_000_000
FIRST = 1_704_189_600_000_000_000 + MINUTE


@pytest.fixture
def dataset(import_text: Importer) -> Dataset:
    item, _ = import_text(bars(*GOOD))
    assert item.dataset is not None
    return item.dataset


def _request(dataset: Dataset, **changes: Any) -> ExportRequest:
    return ExportRequest(**{"dataset": dataset, "export_format": "csv", "compression": "none", **changes})


def _rows(dataset: Dataset) -> pl.DataFrame:
    return scan(Path(dataset.store.root), [f.path for f in dataset.files.all()], dataset.data_type).collect()


def test_csv_holds_exact_decimals_and_utc_times(dataset: Dataset) -> None:
    export, job = export_now(_request(dataset))

    assert (job.error, export.status, export.record_count) == ("", "succeeded", 3)
    lines = Path(export.file_path).read_text().splitlines()
    assert lines[0] == "ts_event,ts_init,open,high,low,close,volume"
    stamp = "2024-01-02T10:01:00.000000000Z"
    assert lines[1] == f"{stamp},{stamp},1.10000,1.10020,1.09990,1.10010,5"


def test_size_and_checksum_are_those_of_the_file(dataset: Dataset) -> None:
    export, _ = export_now(_request(dataset, compression="gzip"))

    content = Path(export.file_path).read_bytes()
    assert export.file_size_bytes == len(content)
    assert export.sha256 == hashlib.sha256(content).hexdigest()
    assert export.file_path.endswith("GBPUSD.SIM_1-MINUTE-BID_20240102-20240102.csv.gz")


def test_parquet_holds_decimals_and_nanoseconds(dataset: Dataset) -> None:
    export, _ = export_now(_request(dataset, export_format="parquet", compression="zstd"))

    frame = pl.read_parquet(export.file_path)
    assert frame.schema["open"] == pl.Decimal(38, 5)
    assert frame.schema["ts_init"] == pl.Datetime("ns", "UTC")
    assert [str(value) for value in frame["close"]] == ["1.10010", "1.10020", "1.10030"]


def test_the_range_is_inclusive_at_both_ends(dataset: Dataset) -> None:
    export, _ = export_now(_request(dataset, start_ns=FIRST + MINUTE, end_ns=FIRST + 2 * MINUTE))

    assert export.record_count == 2


def test_an_empty_range_fails_and_offers_no_file(dataset: Dataset) -> None:
    export, job = export_now(_request(dataset, start_ns=1, end_ns=2))

    assert "no rows in this range" in job.error
    assert (export.status, export.file_path) == ("failed", "")
    assert not list((settings.EXPORTS_DIR / export.export_id.hex).iterdir())


def test_an_exported_csv_imports_to_an_equal_dataset(dataset: Dataset, import_text: Importer, tmp_path: Path) -> None:
    export, _ = export_now(_request(dataset))
    other = Store.objects.create(name="other", root=str(tmp_path / "other"))
    Path(other.root, "data").mkdir(parents=True)

    item, job = import_text(Path(export.file_path), store=other)

    assert job.error == ""
    assert item.dataset is not None
    assert _rows(item.dataset).equals(_rows(dataset))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"export_format": "xlsx"}, "no xlsx export"),
        ({"compression": "zstd"}, "no csv export with compression 'zstd'"),
        ({"start_ns": 2, "end_ns": 1}, "ends before it starts"),
    ],
)
def test_impossible_requests_are_refused(dataset: Dataset, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ExportRefused, match=reason):
        export_now(_request(dataset, **changes))


def test_a_file_that_vanished_fails_with_its_name(dataset: Dataset) -> None:
    file = dataset.files.get()
    (Path(dataset.store.root) / file.path).unlink()

    export, job = export_now(_request(dataset))

    assert file.name in job.error
    assert export.status == "failed"


def test_damaged_pages_fail_with_the_dataset_and_the_way_on(dataset: Dataset) -> None:
    path = Path(dataset.store.root) / dataset.files.get().path
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)

    export, job = export_now(_request(dataset))

    assert f"Rows of {dataset} cannot be read" in job.error
    assert (export.status, export.file_path) == ("failed", "")
