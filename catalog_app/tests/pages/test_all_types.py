"""Every data type has its page, its rows, and a chart or the reason why there is none."""

import math
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.urls import reverse

from catalog_app.models import Dataset, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services.exporting import ExportRefused, ExportRequest, export_now, has_decimals
from catalog_app.services.preview import row_page
from catalog_app.services.series import build_series, can_draw
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.store.schema import CANONICAL
from catalog_app.tests.pages.conftest import MINUTE, START
from catalog_app.tests.store.conversions import write_dataset
from catalog_app.tests.store.frames import UNIT, frame

CUSTOM = "data/custom_my_signal/EURUSD.SIM"
NAME = "2024-01-01T00-00-00-000000000Z_2024-01-01T00-02-00-000000000Z.parquet"
TIMES = [START + n * MINUTE for n in range(3)]


@pytest.fixture(scope="module")
def all_types_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rows of every data type, and custom data with columns that the desk has never seen."""
    root = tmp_path_factory.mktemp("all-types") / "catalog"
    for data_type in CANONICAL:
        write_dataset(root, data_type, frame(data_type, TIMES))
    (root / CUSTOM).mkdir(parents=True)
    table = pa.table(
        {
            "strength": [0.5, math.nan, None],
            "label": ["a", "b", None],
            "blob": [b"\x00\xff", b"", None],
            "parts": [[1, 2], [], None],
            "ts_event": pa.array(TIMES, pa.uint64()),
            "ts_init": pa.array(TIMES, pa.uint64()),
        }
    )
    pq.write_table(table, root / CUSTOM / NAME)
    return root


@pytest.fixture
def all_types(all_types_root: Path, db: None) -> Store:
    store = register_store(all_types_root, name="all-types")
    report = sync_store(store)
    assert (report.unreadable, report.unsupported) == ([], [])
    return store


def dataset_of(store: Store, data_type: str) -> Dataset:
    return store.datasets.select_related("store", "definition").get(data_type=data_type)


@pytest.mark.parametrize("data_type", [*CANONICAL, "custom"])
def test_its_page_and_rows_are_shown(trader_client, all_types, data_type):
    dataset = dataset_of(all_types, data_type)
    html = trader_client.get(reverse("catalog:dataset", args=[dataset.pk])).content.decode()
    assert "NautilusTrader 1.x reads it" in html
    assert ("data-chart" in html) == can_draw(dataset)
    assert ("No chart" in html) != can_draw(dataset)
    rows = trader_client.get(reverse("catalog:dataset-rows", args=[dataset.pk])).content.decode()
    assert "0–2 of 3 rows" in rows
    assert "2024-01-01 00:02:00.000000000" in rows


@pytest.mark.parametrize("data_type", [*CANONICAL, "custom"])
def test_the_api_gives_its_rows(data_admin_client, all_types, data_type):
    dataset = dataset_of(all_types, data_type)
    rows = data_admin_client.get(f"/api/v1/nautilus/data/catalog/datasets/{dataset.pk}/rows").json()["rows"]
    assert rows[0]["tsInit"] == "2024-01-01T00:00:00.000000000Z"
    assert len(rows) == 3


def test_levels_of_a_depth_are_exact(data_admin_client, all_types):
    dataset = dataset_of(all_types, "depth10")
    row = data_admin_client.get(f"/api/v1/nautilus/data/catalog/datasets/{dataset.pk}/rows").json()["rows"][0]
    assert row["bids"][0] == {"price": "1.0000", "size": "1.00", "count": 1, "orderId": 0}
    assert row["asks"][0]["price"] == "2.0000"


def test_numbers_that_stand_for_names_are_named(trader_client, all_types):
    deltas = dataset_of(all_types, "delta")
    html = trader_client.get(reverse("catalog:dataset-rows", args=[deltas.pk])).content.decode()
    assert "ADD" in html
    assert "BUY" in html


def test_custom_data_is_opaque_and_none_of_it_is_lost(all_types):
    dataset = dataset_of(all_types, "custom")
    page = row_page(dataset, 0)

    assert str(dataset) == "EURUSD.SIM custom my signal"
    assert page.columns == ["strength", "label", "blob", "parts", "ts_event", "ts_init"]
    first, second, third = page.rows
    assert (first["strength"], first["label"], first["blob"], first["parts"]) == (0.5, "a", "00ff", "[1, 2]")
    assert second["strength"] == "nan"
    assert (third["strength"], third["label"], third["blob"], third["parts"]) == (None, None, None, None)


@pytest.mark.parametrize("data_type", [*CANONICAL, "custom"])
def test_it_is_exported(analyst_client, all_types, data_type):
    dataset = dataset_of(all_types, data_type)
    url = reverse("exports:new") + f"?dataset={dataset.pk}"
    assert url in analyst_client.get(reverse("catalog:dataset", args=[dataset.pk])).content.decode()
    assert ("<dt>Decimals</dt>" in analyst_client.get(url).content.decode()) == has_decimals(dataset)

    for fmt, compression, read in (("csv", "gzip", pl.read_csv), ("parquet", "zstd", pl.read_parquet)):
        export, job = export_now(ExportRequest(dataset, fmt, compression, timestamp_format="epoch_ns"))
        assert (job.error, export.record_count) == ("", 3)
        assert read(export.file_path)["ts_init"].cast(pl.Int64).to_list() == TIMES


def test_an_export_of_custom_data_is_named_by_its_class(all_types):
    export, _ = export_now(ExportRequest(dataset_of(all_types, "custom"), "csv", "none"))
    assert Path(export.file_path).name == "EURUSD.SIM_custom-my-signal_20240101-20240101.csv"
    first = pl.read_csv(export.file_path).row(0, named=True)
    assert (first["strength"], first["label"], first["blob"], first["parts"]) == (0.5, "a", "00ff", "[1,2]")


def test_a_dataset_that_cannot_be_read_is_not_exported(all_types):
    dataset = dataset_of(all_types, "greeks")
    dataset.state, dataset.problem = IndexState.UNSUPPORTED, "its columns are of no known kind"
    with pytest.raises(ExportRefused, match="columns are of no known kind"):
        ExportRequest(dataset, "parquet", "zstd").check()


def test_a_dataset_with_files_to_read_is_not_exported_in_part(all_types):
    dataset = dataset_of(all_types, "quote")
    dataset.listed_count = 2
    with pytest.raises(ExportRefused, match=r"2 files .* not read yet"):
        ExportRequest(dataset, "csv", "none").check()


def traces(dataset: Dataset) -> dict[str, list[float]]:
    built = build_series(dataset)
    assert built is not None
    return {trace.name: list(trace.y) for trace in built.figure.data}


@pytest.mark.parametrize(
    ("data_type", "name", "value"),
    [
        ("mark_price", "Mark price", 1.0),
        ("index_price", "Index price", 1.0),
        ("close", "Close", 1.0),
        ("funding_rate", "Funding rate", 0.0001),
    ],
)
def test_a_value_is_a_line(all_types, data_type, name, value):
    assert traces(dataset_of(all_types, data_type)) == {name: pytest.approx([value] * 3)}


def test_a_depth_is_drawn_by_its_best_bid_and_ask(all_types):
    found = traces(dataset_of(all_types, "depth10"))
    assert (found["Bid"], found["Ask"]) == (pytest.approx([1.0] * 3), pytest.approx([2.0] * 3))


def test_a_funding_rate_holds_until_the_next(all_types):
    built = build_series(dataset_of(all_types, "funding_rate"))
    assert built is not None
    assert built.figure.data[0].line.shape == "hv"
    assert built.figure.layout.yaxis.tickformat == ".4%"


def test_extremes_of_a_value_stay_in_the_band(db: None, tmp_path: Path):
    rows = frame("mark_price", [START + n * 10**9 for n in range(6000)])
    rows = rows.with_columns(
        value=pl.when(pl.int_range(pl.len()) == 3001).then(pl.lit(9 * UNIT, pl.Int128)).otherwise(pl.col("value"))
    )
    write_dataset(tmp_path / "catalog", "mark_price", rows)
    store = register_store(tmp_path / "catalog")
    sync_store(store)

    found = traces(dataset_of(store, "mark_price"))

    assert max(filter(None, found["Mark price, lowest to highest"])) == pytest.approx(9)
    assert max(found["Mark price"]) < 9
