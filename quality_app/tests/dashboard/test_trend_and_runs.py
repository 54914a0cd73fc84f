"""Pages of an instrument's history and of validation runs."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.models import ValidationRun
from quality_app.services.history.metrics import record
from quality_app.services.history.trends import read_period
from quality_app.services.validation import listing as run_list
from quality_app.services.validation.changes import run_changes
from quality_app.tests.dashboard.conftest import DAY, NOW, MakeRow, MakeRun

TREND = "/quality/instruments/EUR%2FUSD.SIM/"
RUNS = "/quality/runs/"


@pytest.fixture
def dataset(make_row: MakeRow) -> Dataset:
    """A dataset with a history of three days up to now, and another of the same instrument."""
    now = timezone.now()
    row = make_row("EUR/USD.SIM", "quote", "0.8")
    for days, value in ((3, "0.9"), (2, None), (1, "0.8")):
        rate = {"check.quote.crossed": (Decimal("0.0123"), {"violations": 123, "rows": 10_000})}
        record(row, {"overall": (None if value is None else Decimal(value), {}), **rate}, now - days * DAY)
    other = make_row("EUR/USD.SIM", "bar", "0.5", timeframe="1-HOUR-BID")
    record(other, {"overall": (Decimal("0.5"), {}), "size_bytes": (Decimal(2048), {})}, now - DAY)
    return row


def test_the_trend_draws_each_dataset_and_lists_the_points(trader_client: Client, dataset: Dataset) -> None:
    response = trader_client.get(TREND)
    text = response.content.decode()
    assert len(response.context["trend"].lines) == 2
    assert len(response.context["trend"].plot.lines) == 2
    assert "80 %" in text
    assert "unknown" in text
    one = trader_client.get(TREND, {"dataset": str(dataset.pk), "metric": "check.quote.crossed", "range": "all"})
    assert len(one.context["trend"].lines) == 1
    assert "123 of 10\u202f000" in one.content.decode()


@pytest.mark.parametrize("address", ["/quality/instruments/EURUSD.SIM/", "/quality/instruments/EUR/USD.SIM/", TREND])
def test_instruments_are_found_by_each_spelling(trader_client: Client, dataset: Dataset, address: str) -> None:
    assert trader_client.get(address).status_code == 200


def test_what_the_address_gets_wrong_is_said(trader_client: Client, dataset: Dataset) -> None:
    text = trader_client.get(TREND, {"start": "yesterday", "metric": "no.such", "dataset": "x"}).content.decode()
    assert "yesterday is not a day" in text
    assert "No history yet" in text
    assert "No point in this time" in trader_client.get(TREND, {"end": "2020-01-01"}).content.decode()


def test_periods_are_read_from_the_address() -> None:
    assert read_period({}, NOW).start == NOW - 30 * DAY
    assert read_period({"range": "all"}, NOW).start is None
    own = read_period({"range": "7d", "start": "2024-03-01", "end": "2024-03-02"}, NOW)
    assert (own.chosen, own.start, own.end - own.start) == ("", NOW.replace(day=1, hour=0, minute=0), 2 * DAY - _TICK)
    turned = read_period({"start": "2024-03-02", "end": "2024-03-01"}, NOW)
    assert turned.start == NOW - 30 * DAY
    assert turned.problems


_TICK = timedelta(microseconds=1)


def test_the_trend_refuses_and_misses(
    client: Client, nobody_client: Client, trader_client: Client, dataset: Dataset
) -> None:
    assert client.get(TREND).status_code == 302
    assert nobody_client.get("/quality/instruments/NO.SUCH/").status_code == 403
    assert trader_client.get("/quality/instruments/NO.SUCH/").status_code == 404


def test_a_run_is_compared_with_the_one_before(make_row: MakeRow, make_run: MakeRun) -> None:
    dataset = make_row()
    file = {"path": "data/a.parquet", "size": 1, "mtimeNs": 1}
    first = make_run(
        dataset, NOW, {"a.fixed": 3, "a.worse": 1, "a.better": 9, "a.same": 2, "a.gone": 1, "a.new": 0}, files=[file]
    )
    second = make_run(
        dataset,
        NOW + DAY,
        {"a.fixed": 0, "a.worse": 2, "a.better": 8, "a.same": 2, "a.new": 4, "a.first": 0, "a.both": 5},
        files=[{**file, "size": 2}, {**file, "path": "data/b.parquet"}],
    )
    make_run(make_row("GBP/USD.SIM"), NOW, {"a.fixed": 7})
    found = run_changes(second)
    assert {line.check_id: line.change for line in found.lines} == {
        "a.fixed": "fixed",
        "a.worse": "worse",
        "a.better": "better",
        "a.same": "same",
        "a.gone": "dropped",
        "a.new": "new",
        "a.first": "added",
        "a.both": "new",
    }
    assert [(file.path, file.change) for file in found.files] == [
        ("data/a.parquet", "changed"),
        ("data/b.parquet", "added"),
    ]
    assert (found.before, found.following) == (first, None)
    alone = run_changes(first)
    assert (alone.before, alone.following, alone.counts) == (None, second, {"same": 6})


@pytest.fixture
def run(make_row: MakeRow, make_run: MakeRun) -> ValidationRun:
    dataset = make_row()
    make_run(dataset, NOW, {"quote.crossed": 0})
    left_out = [{"check": "quote.wide", "reason": "Too few rows."}]
    return make_run(dataset, NOW + DAY, {"quote.crossed": 12, "quote.locked": 5}, not_run=left_out)


def test_the_page_of_a_run(trader_client: Client, run: ValidationRun) -> None:
    text = trader_client.get(reverse("quality:run", args=[run.pk])).content.decode()
    for words in ("new finding", "+12", "Too few rows.", "2024-01-01 00:00:00", "Compared with"):
        assert words in text


def test_runs_are_listed_and_filtered(
    trader_client: Client, run: ValidationRun, make_row: MakeRow, make_run: MakeRun
) -> None:
    make_run(make_row("BTCUSDT.BINANCE", "trade"), NOW, {"time.order": 2})
    make_run(make_row("ETHUSDT.BINANCE", "trade"), NOW + 3 * DAY, {"quote.locked": 2})

    def count(**query: str) -> int:
        return len(trader_client.get(RUNS, query).context["lines"])

    assert count() == 4
    assert count(found="findings") == 2
    assert count(found="critical") == 1
    assert count(found="clean") == 2
    assert count(q="btc") == 1
    assert count(venue="BINANCE", data_type="trade") == 2
    assert count(start="2024-03-11", end="2024-03-11") == 1
    assert count(start="nonsense", found="nonsense") == 4
    assert b"No run fits" in trader_client.get(RUNS, {"q": "nothing"}).content


def test_runs_ask_a_constant_number_of_queries(
    trader_client: Client, make_row: MakeRow, make_run: MakeRun, django_assert_max_num_queries
) -> None:
    dataset = make_row()
    runs = [make_run(dataset, NOW + number * DAY, {"quote.crossed": number, "time.order": 0}) for number in range(25)]
    with django_assert_max_num_queries(10):
        trader_client.get(RUNS)
    with django_assert_max_num_queries(12):
        trader_client.get(reverse("quality:run", args=[runs[7].pk]))
    sums = run_list.lines(run_list.runs(run_list.RunFilters()))
    assert [(line.failing, line.violations) for line in sums[-2:]] == [(1, 1), (0, 0)]


def test_runs_are_refused_and_missed(
    client: Client, nobody_client: Client, trader_client: Client, run: ValidationRun
) -> None:
    for address in (RUNS, reverse("quality:run", args=[run.pk]), reverse("quality:run", args=[uuid.uuid4()])):
        assert client.get(address).status_code == 302
        assert nobody_client.get(address).status_code == 403
    assert trader_client.get(reverse("quality:run", args=[uuid.uuid4()])).status_code == 404
