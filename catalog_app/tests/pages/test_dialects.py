"""Dialects are shown with what they mean, and can be filtered by."""

import pytest
from django.urls import reverse

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services import browse, overview

BROWSER = "/catalog/"


@pytest.fixture
def dialects(store) -> None:
    """The bars in 2.x, the quotes mixed, the trades in 1.x."""
    Dataset.objects.filter(data_type="bar").update(dialect="v2")
    Dataset.objects.filter(data_type="quote").update(dialect="mixed", problem="its files are in 2 dialects")


def test_the_browser_filters_by_dialect(trader_client, dialects):
    html = trader_client.get(BROWSER, {"dialect": "v2"}).content.decode()
    results = html[html.index('id="results"') :]
    assert "GBP/USD.SIM" in results
    assert "BTCUSDT" not in results


def test_the_facet_counts_and_explains_each_dialect(store, dialects):
    facet = next(facet for facet in browse.facets(browse.Filters()) if facet.name == "dialect")
    assert {(value.value, value.label, value.count) for value in facet.values} == {
        ("v2", "v2 (2.x)", 1),
        ("v1-16", "v1-16 (1.x)", 1),
        ("mixed", "mixed", 1),
    }


def test_the_overview_says_which_nautilustrader_reads_what(trader_client, dialects):
    (line,) = overview.store_lines()
    assert line.dialects == ["mixed", "v1-16", "v2"]
    html = trader_client.get("/").content.decode()
    assert "1.x finds 0 rows in it, and reports no error" in html
    assert "2.x finds 0 rows in it, and reports no error" in html


def test_a_mixed_dataset_is_a_finding_on_its_page_and_in_the_browser(trader_client, quote_dataset, dialects):
    html = trader_client.get(reverse("catalog:dataset", args=[quote_dataset.pk])).content.decode()
    assert "Its files are in 2 dialects." in html
    assert "Mixed dialects" in trader_client.get(BROWSER).content.decode()


def test_files_show_their_dialect_and_precision(trader_client, bar_dataset):
    html = trader_client.get(reverse("catalog:dataset", args=[bar_dataset.pk])).content.decode()
    files = html[html.index('id="files"') :]
    assert "v1-16" in files
    assert "5 / 0" in files


def test_a_note_on_a_readable_file_is_a_finding(trader_client, bar_dataset):
    file = bar_dataset.files.first()
    DataFile.objects.filter(pk=file.pk).update(problem="part-0.parquet is not named <start>_<end>.parquet")
    assert file in overview.findings()
    assert "is not named &lt;start&gt;" in trader_client.get("/").content.decode()


def test_what_is_listed_and_not_read_is_marked_and_no_finding(trader_client, bar_dataset):
    Dataset.objects.filter(pk=bar_dataset.pk).update(state="listed", record_count=None, listed_count=2)
    bar_dataset.files.update(state=IndexState.LISTED, rows=None)
    browser = trader_client.get(BROWSER, {"data_type": "bar"}).content.decode()
    assert "Listed, not read yet" in browser
    assert "2 files listed and not read yet" in browser
    html = trader_client.get(reverse("catalog:dataset", args=[bar_dataset.pk])).content.decode()
    assert "2 of 2 files are listed and not read yet" in html
    assert not [file for file in overview.findings() if file.dataset_id == bar_dataset.pk]


def test_rows_of_a_part_are_at_least_so_many(trader_client, bar_dataset):
    Dataset.objects.filter(pk=bar_dataset.pk).update(record_count=2000, listed_count=1)
    html = trader_client.get(reverse("catalog:dataset", args=[bar_dataset.pk])).content.decode()
    assert "≥ 2\u202f000" in html
    assert "at least" in html


def test_the_overview_says_when_a_store_was_looked_at(trader_client, store):
    html = trader_client.get("/").content.decode()
    assert "Looked at" in html
    assert "Looked for changes" in html
