"""The pages of a dataset and an instrument."""

import json
import shutil

import pytest
from django.urls import reverse

from catalog_app.models import DataFile, Dataset, Instrument, Store, StoreOperation
from catalog_app.services.coverage import WIDTH, coverage, segments
from catalog_app.tests.pages.conftest import MINUTE, START
from catalog_app.views.dataset import read_time

HTMX = {"HX-Request": "true"}


def page(client, dataset, name="dataset", query="", **kwargs):
    return client.get(reverse(f"catalog:{name}", args=[dataset.pk]) + query, **kwargs)


def test_the_page_says_what_the_dataset_is(trader_client, bar_dataset):
    html = page(trader_client, bar_dataset).content.decode()
    for text in ("GBP/USD.SIM", "1-MINUTE-BID", "4\u202f500", "2024-01-01 00:01 UTC", "v1-16", "price 5, size 0"):
        assert text in html
    assert "data-chart" in html
    assert "plotly-finance-4.1.0.min.js" in html


def test_a_page_without_a_chart_does_not_load_the_chart_script(trader_client, bar_dataset):
    Dataset.objects.update(data_type="delta", state="unsupported", problem="Book deltas are counted, not read.")
    html = page(trader_client, bar_dataset).content.decode()
    assert "plotly" not in html
    assert "Book deltas are counted, not read." in html


def test_a_problem_file_is_listed_with_its_reason(trader_client, quote_dataset):
    html = page(trader_client, quote_dataset).content.decode()
    assert "not a whole Parquet file" in html
    assert "Unreadable" in html


def test_a_name_that_promises_another_range_is_said(trader_client, bar_dataset):
    assert "promises another range" not in page(trader_client, bar_dataset).content.decode()
    DataFile.objects.filter(dataset=bar_dataset).update(name_end_ns=START)
    assert "promises another range" in page(trader_client, bar_dataset).content.decode()


def test_htmx_gets_the_files_alone(trader_client, bar_dataset):
    html = page(trader_client, bar_dataset, query="?page=1", headers=HTMX).content.decode()
    assert "<html" not in html
    assert ".parquet" in html


def test_the_history_of_operations(trader_client, bar_dataset, trader):
    own = StoreOperation.objects.create(
        store=bar_dataset.store, kind="import", path=bar_dataset.path, user=trader, rows_after=4500
    )
    other = StoreOperation.objects.create(store=bar_dataset.store, kind="convert", path="data/bar/other")
    html = page(trader_client, bar_dataset).content.decode()
    assert reverse("manage:operation", args=[own.pk]) in html
    assert reverse("manage:operation", args=[other.pk]) not in html


def test_the_series_is_a_figure_with_its_meaning(trader_client, bar_dataset):
    response = page(trader_client, bar_dataset, "dataset-series")
    answer = json.loads(response.content)
    assert response["Content-Type"] == "application/json"
    assert answer["rows"] == 4500
    assert answer["bucketNs"] == str(5 * MINUTE)
    assert (answer["startNs"], answer["endNs"]) == (str(START + MINUTE), str(START + 6500 * MINUTE))
    assert answer["figure"]["data"][0]["type"] == "candlestick"
    assert answer["cut"] is False


def test_the_series_of_a_range(trader_client, bar_dataset):
    query = "?start=2024-01-01 00:10:00.000000&end=2024-01-01T00:19:00Z"
    answer = page(trader_client, bar_dataset, "dataset-series", query).json()
    assert (answer["rows"], answer["bucketNs"]) == (10, "0")


def test_the_series_of_an_empty_range(trader_client, bar_dataset):
    assert page(trader_client, bar_dataset, "dataset-series", "?start=2030-01-01").json() == {"figure": None}


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_series_with_a_time_that_is_none_is_refused(trader_client, bar_dataset, name):
    response = page(trader_client, bar_dataset, "dataset-series", f"?{name}=noon")
    assert response.status_code == 400
    assert "noon is not a UTC time" in response.json()["problem"]


def test_a_vanished_file_is_a_clear_answer(trader_client, bar_dataset):
    file = bar_dataset.files.first()
    DataFile.objects.filter(pk=file.pk).update(path="data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL/gone.parquet")
    for name, told in (("dataset-series", "gone.parquet"), ("dataset-rows", "gone.parquet")):
        response = page(trader_client, bar_dataset, name)
        assert response.status_code == 422
        assert told in response.content.decode()


def test_damage_inside_a_file_is_a_clear_answer(trader_client, bar_dataset, store_root, tmp_path):
    root = tmp_path / "catalog"
    shutil.copytree(store_root, root)
    Store.objects.update(root=str(root))
    for file in bar_dataset.files.all():
        path = root / file.path
        content = bytearray(path.read_bytes())
        content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)  # the footer stays whole
        path.write_bytes(content)
    for name in ("dataset-series", "dataset-rows"):
        response = page(trader_client, bar_dataset, name)
        assert response.status_code == 422
        assert "cannot be read" in response.content.decode()


def test_rows_are_a_page_and_a_fragment(trader_client, bar_dataset):
    whole = page(trader_client, bar_dataset, "dataset-rows").content.decode()
    part = page(trader_client, bar_dataset, "dataset-rows", headers=HTMX).content.decode()
    assert "<html" in whole
    assert "<html" not in part
    for html in (whole, part):
        assert "1.20000" in html
        assert "2024-01-01 00:01:00.000000000" in html
        assert "0–49 of 4\u202f500" in html


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?position=100", "100–149 of"),
        ("?position=last", "4\u202f450–4\u202f499 of"),
        ("?at=2024-01-01 01:40:00", "99–148 of"),
        (f"?at={START + 100 * MINUTE}", "99–148 of"),
        ("?at=2100-01-01", "4\u202f499–4\u202f499 of"),
    ],
)
def test_rows_from_any_position_or_time(trader_client, bar_dataset, query, shown):
    assert shown in page(trader_client, bar_dataset, "dataset-rows", query).content.decode()


@pytest.mark.parametrize("query", ["?position=-1", "?position=many", "?position=99999999999999999999", "?at=later"])
def test_a_position_that_is_none_is_refused(trader_client, bar_dataset, query):
    response = page(trader_client, bar_dataset, "dataset-rows", query)
    assert response.status_code == 422
    assert "is not a" in response.content.decode()


def test_rows_of_trades_show_side_and_id(trader_client, trade_dataset):
    html = page(trader_client, trade_dataset, "dataset-rows").content.decode()
    assert "BUYER" in html
    assert "T1" in html


def test_an_instrument_shows_its_definition(trader_client, bar_dataset):
    html = trader_client.get(reverse("catalog:instrument", args=[bar_dataset.definition_id])).content.decode()
    assert "price increment" in html
    assert "0.00001" in html
    assert "No definition in this store" not in html


def test_an_instrument_without_definition_is_warned_of(trader_client, quote_dataset):
    instrument = Instrument.objects.get(instrument_id="EUR/USD.SIM")
    html = trader_client.get(reverse("catalog:instrument", args=[instrument.pk])).content.decode()
    assert "No definition in this store" in html


def test_coverage_shows_the_hole_between_files(bar_dataset):
    (strip,) = coverage([bar_dataset]).strips
    assert len(strip.segments) == 2
    left, width = strip.segments[1]
    assert left == pytest.approx(4000 / 6499 * WIDTH, abs=1)
    assert left + width == pytest.approx(WIDTH, abs=1)


def test_coverage_joins_what_touches_and_stays_bounded():
    many = [(n * 10, n * 10 + 9) for n in range(50_000)]
    assert segments(many, 0, 500_000) == [(0.0, 1000.0)]
    sparse = [(n * 10, n * 10) for n in range(50_000)]
    assert len(segments(sparse, 0, 500_000)) <= 2 * WIDTH


def test_coverage_of_nothing():
    assert coverage([]) is None


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("", None),
        ("0", 0),
        ("1704067200000000001", 1704067200000000001),
        ("2024-01-01", START),
        ("2024-01-01 00:00", START),
        ("2024-01-01T00:00:00.000000001Z", START + 1),
        ("2024-01-01 00:00:00.5 UTC", START + 500_000_000),
        ("99999999999999999999", None),
    ],
)
def test_times_are_read_exactly(text, ns):
    if ns is None and text:
        with pytest.raises(ValueError, match="is not a UTC time"):
            read_time(text)
    else:
        assert read_time(text) == ns
