"""Pages of checks and gaps: who may see and start what, and what they show."""

import uuid

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Job
from quality_app.checks.registry import CHECKS
from quality_app.services.gaps.scan import scan
from quality_app.services.inputs import inputs_of
from quality_app.services.samples import near
from quality_app.services.scores import GAP_SCAN
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import MakeDataset, bars_at
from quality_app.tests.frames import rows_of
from quality_app.tests.gaps.gap_rows import make_dataset as dataset_without_files
from quality_app.tests.gaps.gap_rows import make_gap, ns
from quality_app.tests.test_gap_scan import WEEK

HTMX = {"HX-Request": "true"}


@pytest.fixture
def bars(make_dataset: MakeDataset) -> Dataset:
    return make_dataset("bar", bars_at(np.delete(WEEK, slice(1000, 1090))))


@pytest.mark.parametrize("name", ["checks", "gaps", "gap-intervals"])
def test_reading_needs_the_permission(nobody_client: Client, client: Client, name: str) -> None:
    """Refused before anything is looked up: a missing dataset makes no difference."""
    address = reverse(f"quality:{name}", args=[uuid.uuid4()])
    assert nobody_client.get(address).status_code == 403
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("name", ["checks", "gaps", "gap-intervals"])
def test_a_missing_dataset_is_not_found(trader_client: Client, name: str) -> None:
    assert trader_client.get(reverse(f"quality:{name}", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize(("name", "kind"), [("validate", "validate"), ("scan-gaps", "scan_gaps")])
def test_starting_makes_one_job_and_leads_to_it(trader_client: Client, bars: Dataset, name: str, kind: str) -> None:
    address = reverse(f"quality:{name}", args=[bars.pk])
    response = trader_client.post(address)
    job = Job.objects.get()
    assert (job.kind, job.parameters) == (kind, {"datasetIds": [str(bars.pk)]})
    assert job.user is not None
    assert job.user.username == "trader"
    assert response.status_code == 302
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    again = trader_client.post(address, headers=HTMX)
    assert again["HX-Redirect"] == response["Location"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize("name", ["validate", "scan-gaps"])
def test_starting_is_refused_by_method_permission_and_missing_dataset(
    trader_client: Client, nobody_client: Client, bars: Dataset, name: str
) -> None:
    address = reverse(f"quality:{name}", args=[bars.pk])
    assert trader_client.get(address).status_code == 405
    assert nobody_client.post(address).status_code == 403
    assert trader_client.post(reverse(f"quality:{name}", args=[uuid.uuid4()])).status_code == 404
    assert not Job.objects.exists()


def test_before_any_run_the_pages_say_so(trader_client: Client, bars: Dataset) -> None:
    assert b"Not validated yet" in trader_client.get(reverse("quality:checks", args=[bars.pk])).content
    assert b"Not scanned yet" in trader_client.get(reverse("quality:gaps", args=[bars.pk])).content


def test_the_checks_page_shows_findings_down_to_the_row_and_the_sum(
    trader_client: Client, make_dataset: MakeDataset
) -> None:
    rows = rows_of("quote", 1000)
    rows[7] |= {"bid_price": "1.20000"}
    dataset = make_dataset("quote", rows, defined=False)
    crossed = validate(dataset).results.get(check_id="quote.crossed")
    (sample,) = crossed.samples
    sample["values"] = dict(reversed(sample["values"].items()))  # PostgreSQL keeps no order of keys
    crossed.save()
    text = trader_client.get(reverse("quality:checks", args=[dataset.pk])).content.decode()
    assert "<html" in text
    assert f"{reverse('catalog:dataset-rows', args=[dataset.pk])}?at={rows[7]['ts_init']}" in text
    assert text.index(">bid_price</th>") < text.index(">ask_price</th>") < text.index(">ts_event, UTC</th>")
    assert '<td class="num mono">1.20000</td>' in text
    assert '1 of 1\u202f000 rows, <span class="nowrap">0.1 %</span>' in text
    assert "The store defines no such instrument" in text
    assert "Unknown: counts nowhere." in text
    assert str(dataset.quality_score) in text
    assert text.index("quote.crossed") < text.index("time.order")


def test_a_fragment_is_not_a_page_and_is_cached_apart(trader_client: Client, bars: Dataset) -> None:
    validate(bars)
    scan(bars)
    for name in ("checks", "gaps"):
        response = trader_client.get(reverse(f"quality:{name}", args=[bars.pk]), headers=HTMX)
        assert b"<html" not in response.content
        assert b"style=" not in response.content
        assert "HX-Request" in response["Vary"]


def test_changed_files_are_said(trader_client: Client, bars: Dataset, make_dataset: MakeDataset) -> None:
    validate(bars)
    scan(bars)
    make_dataset("bar", bars_at(WEEK[-1:] + 60_000_000_000))
    assert b"validate again" in trader_client.get(reverse("quality:checks", args=[bars.pk])).content
    assert b"scan again" in trader_client.get(reverse("quality:gaps", args=[bars.pk])).content


def test_the_gaps_page_lists_and_filters(trader_client: Client, bars: Dataset) -> None:
    scan(bars)
    address = reverse("quality:gaps", args=[bars.pk])
    text = trader_client.get(address).content.decode()
    assert "2024-01-08 16:41:00 UTC" in text
    assert "2024-01-08 18:10:00 UTC" in text
    assert "1 h 30 min" in text
    assert "FX week" in text
    assert "2024-01-08" not in trader_client.get(address, {"show": "filled"}).content.decode()
    assert "2024-01-08" in trader_client.get(address, {"show": "nonsense", "page": "99"}).content.decode()


def test_unknown_completeness_has_its_reason(trader_client: Client) -> None:
    dataset = dataset_without_files()
    scan(dataset)
    text = trader_client.get(reverse("quality:gaps", args=[dataset.pk])).content.decode()
    assert "Completeness is unknown: No file of the dataset can be read." in text


def test_the_gaps_page_tells_trading_time_and_what_was_decided(trader_client: Client) -> None:
    dataset = dataset_without_files(data_type="quote")
    dataset.metadata = {GAP_SCAN: {"unit": "seconds", "expected": 7200, "missing": 600, "explained": 60}}
    dataset.save()
    make_gap(dataset, "2024-01-08 10:00", 10)
    make_gap(dataset, "2024-01-09 10:00", 1, expected_at=timezone.now(), expected_reason="Works")
    text = trader_client.get(reverse("quality:gaps", args=[dataset.pk])).content.decode()
    assert "Last row before, UTC" in text
    assert "10 min, of these 1 min explained" in text
    assert "2024-01-08 10:00:00 UTC" in text
    assert "2024-01-09" not in text
    expected = trader_client.get(reverse("quality:gaps", args=[dataset.pk]), {"show": "expected"}).content.decode()
    assert 'title="Works"' in expected
    (interval,) = trader_client.get(reverse("quality:gap-intervals", args=[dataset.pk])).json()["intervals"]
    assert (interval["startNs"], interval["missing"]) == (str(ns("2024-01-08 10:00")), 600)


def test_the_chart_gets_the_open_gaps_as_text(trader_client: Client, bars: Dataset) -> None:
    scan(bars)
    (interval,) = trader_client.get(reverse("quality:gap-intervals", args=[bars.pk])).json()["intervals"]
    assert interval == {
        "startNs": str(WEEK[1000]),
        "endNs": str(WEEK[1089]),
        "missing": 90,
        "cause": "unexplained",
        "severity": "high",
    }


@pytest.mark.parametrize(("name", "queries"), [("checks", 14), ("gaps", 18)])
def test_pages_ask_a_constant_number_of_queries(
    trader_client: Client, make_dataset: MakeDataset, django_assert_max_num_queries, name: str, queries: int
) -> None:
    dataset = make_dataset("bar", bars_at(np.delete(WEEK, list(range(10, 4000, 2)))))
    validate(dataset)
    scan(dataset)
    with django_assert_max_num_queries(queries):
        trader_client.get(reverse(f"quality:{name}", args=[dataset.pk]))


@pytest.mark.parametrize(
    ("value", "expected", "shown"),
    [("2903.41", "2908.71553191", "2908.716"), ("0", "0.3453", "0.3453"), ("0.02", "9.07047865866e-05", "0.00009070")],
)
def test_an_expected_value_has_the_digits_that_tell_it_from_what_was_found(
    value: str, expected: str, shown: str
) -> None:
    assert near(value, expected) == shown


def test_inputs_are_told_in_words() -> None:
    given = {"zone": "UTC", "priceIncrementRaw": 10**14, "intervalNs": 60 * 10**9, "other": None, "rows": 5}
    assert inputs_of(CHECKS["return.spike"], given)[0] == ("Back within, rows", "5")
    assert set(inputs_of(None, given)) == {
        ("Time zone", "UTC"),
        ("Price increment", "0.01"),
        ("Length of a bar", "1 min"),
        ("other", "unknown"),
        ("rows", "5"),
    }
