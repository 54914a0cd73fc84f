"""The dashboard: what it sums, what it says of the unknown, who sees it, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Job
from quality_app.models import QualitySnapshot
from quality_app.services import dashboard, standing
from quality_app.services.history import snapshots
from quality_app.services.history.metrics import record
from quality_app.services.standing import Scope
from quality_app.tests.dashboard.conftest import DAY, NOW, MakeRow, MakeRun

HTMX = {"HX-Request": "true"}
PAGE = "/quality/"


@pytest.fixture
def market(make_row: MakeRow) -> list[Dataset]:
    """Two venues, three types, two stores; one dataset without a score."""
    now = timezone.now()
    return [
        make_row("EUR/USD.SIM", "quote", "1.0", accuracy="1.0", last_validated=now, open_gap_count=0),
        make_row("EUR/USD.SIM", "bar", "0.5", accuracy="0.6", completeness="0.4", last_validated=now, open_gap_count=7),
        make_row("BTCUSDT.BINANCE", "trade", "0.85", accuracy="0.8", last_validated=now, asset_class="CRYPTOCURRENCY"),
        make_row("BTCUSDT.BINANCE", "bar", asset_class="CRYPTOCURRENCY", store="second"),
    ]


def test_means_are_over_what_is_known(market: list[Dataset]) -> None:
    total = standing.total(standing.groups())
    assert (total.datasets, total.known, total.unknown, total.validated, total.gaps) == (4, 3, 1, 3, 7)
    assert total.means["overall"] == pytest.approx((1 + 0.5 + 0.85) / 3)
    assert total.means["completeness"] == pytest.approx(0.4)
    assert total.means["timeliness"] is None
    assert total.worst == 0.5


def test_every_dataset_is_in_one_bar_and_the_unknown_in_its_own(market: list[Dataset]) -> None:
    bars = dashboard.distribution(standing.groups())
    assert sum(bar.count for bar in bars) == 4
    assert {(bar.low, bar.count) for bar in bars if bar.count} == {(0.95, 1), (0.5, 1), (0.85, 1), (None, 1)}
    assert dict(dashboard.band_counts(bars)) == {"excellent": 1, "good": 1, "fair": 0, "poor": 1, "unknown": 1}


@pytest.mark.parametrize("score", ["0", "0.0499", "0.05", "0.55", "0.6999", "0.7", "0.85", "0.9499", "0.95", "1"])
def test_bars_end_where_bands_do(make_row: MakeRow, score: str) -> None:
    make_row("EUR/USD.SIM", "quote", score)
    (group,) = standing.groups()
    assert group.bucket == min(int(Decimal(score) / Decimal("0.05")), 19)


def test_the_heatmap_shows_the_lowest_venue_first(market: list[Dataset]) -> None:
    heatmap = dashboard.heatmap(standing.groups(), Scope(store="main"))
    assert [label for _, label in heatmap.columns] == ["Quotes", "Trades", "Bars"]
    assert [row.venue for row in heatmap.rows] == ["SIM", "BINANCE"]
    quote, trade, bar = heatmap.rows[0].cells
    assert trade is None
    assert quote is not None
    assert bar is not None
    assert (quote.band, bar.band, bar.standing.worst) == ("excellent", "poor", 0.5)
    assert bar.query == "?store=main&venue=SIM&data_type=bar"


def test_a_scope_restricts_rows_and_queries_alike(market: list[Dataset]) -> None:
    groups = standing.groups()
    for scope in (
        Scope(venue="SIM"),
        Scope(store="second"),
        Scope(asset_class="FX", data_type="bar"),
        Scope(venue="-"),
    ):
        assert standing.total(scope.within(groups)).datasets == Dataset.objects.filter(scope.restriction()).count()


def test_a_filter_counts_under_the_other_filters(market: list[Dataset]) -> None:
    scope = Scope(venue="SIM", data_type="trade")
    found = standing.choices(standing.groups(), scope, "data_type")
    assert {one.value: one.count for one in found} == {"quote": 1, "bar": 1, "trade": 0}
    assert [one.value for one in found if one.chosen] == ["trade"]


def test_what_changed_since_its_validation_is_stale(make_row: MakeRow) -> None:
    dataset = make_row(last_validated=NOW)
    make_row("GBP/USD.SIM")
    assert standing.total(standing.groups()).stale == 0
    Dataset.objects.filter(pk=dataset.pk).update(indexed_at=NOW + timedelta(seconds=1))
    assert standing.total(standing.groups()).stale == 1
    Dataset.objects.filter(pk=dataset.pk).update(indexed_at=NOW - DAY, changed_at=NOW - DAY)
    assert standing.total(standing.groups()).stale == 1


def test_failing_checks_are_those_of_the_latest_points(make_row: MakeRow) -> None:
    one, two = make_row(), make_row("BTCUSDT.BINANCE", "trade")
    for dataset, name, rate, day in (
        (one, "check.quote.crossed", "0.2", 0),
        (one, "check.quote.crossed", "0", 1),
        (one, "check.time.order", "0.01", 0),
        (two, "check.time.order", "0.3", 0),
        (two, "check.size.positive", "0.4", 0),
        (two, "check.quote.locked", "0.9", 0),
    ):
        record(dataset, {name: (Decimal(rate), {})}, NOW + day * DAY)
    found = [(line.check_id, line.datasets, line.worst_rate) for line in dashboard.failing_checks(Scope())]
    assert found == [("time.order", 2, 0.3), ("size.positive", 1, 0.4)]
    assert [line.check_id for line in dashboard.failing_checks(Scope(venue="SIM"))] == ["time.order"]


def test_snapshots_keep_the_last_look_of_an_hour_and_a_day(market: list[Dataset]) -> None:
    assert snapshots.take(NOW) == 2 * 4
    Dataset.objects.filter(venue="SIM", data_type="quote").update(quality_score=Decimal("0.7"))
    snapshots.take(NOW + timedelta(minutes=10))
    snapshots.take(NOW + timedelta(hours=1))
    hours = snapshots.history(Scope(), NOW - DAY, "hour")
    assert [(moment.at.hour, moment.datasets, moment.known["overall"]) for moment in hours] == [(12, 4, 3), (13, 4, 3)]
    assert hours[0].means["overall"] == pytest.approx((0.7 + 0.5 + 0.85) / 3)
    (day,) = snapshots.history(Scope(venue="SIM"), None, "day")
    assert (day.at.hour, day.datasets, day.means["timeliness"]) == (0, 2, None)
    snapshots.take(NOW + 4 * DAY)
    assert QualitySnapshot.objects.filter(period="hour").values("at").distinct().count() == 1
    assert QualitySnapshot.objects.filter(period="day").values("at").distinct().count() == 2


def test_the_trend_ends_now_and_keeps_what_is_gone(market: list[Dataset]) -> None:
    now = timezone.now()
    snapshots.take(now - 2 * DAY)
    market[1].delete()
    total = standing.total(standing.groups())
    trend = dashboard.trend(Scope(), now, "nonsense", total)
    assert (trend.chosen, trend.period) == ("30d", "day")
    assert [moment.datasets for moment in trend.moments] == [4, 3]
    assert trend.plot is not None
    assert [line.label for line in trend.plot.lines][-1] == "Overall"


@pytest.mark.parametrize(
    "query", [{}, {"venue": "SIM", "range": "24h"}, {"venue": "NOWHERE"}, {"range": "x", "store": "\x01"}]
)
def test_the_page_and_its_part(trader_client: Client, market: list[Dataset], query: dict[str, str]) -> None:
    page, part = trader_client.get(PAGE, query), trader_client.get(PAGE, query, headers=HTMX)
    assert (page.status_code, part.status_code) == (200, 200)
    assert b"<html" in page.content
    assert part.content.strip().startswith(b'<div id="quality"')
    assert b"style=" not in page.content
    assert "HX-Request" in part["Vary"]


def test_the_page_leads_on(trader_client: Client, market: list[Dataset], make_run: MakeRun) -> None:
    run = make_run(market[0], timezone.now(), {"quote.crossed": 3, "time.order": 1})
    Job.objects.create(kind="validate", title="Validate the lot", state="running")
    text = trader_client.get(PAGE).content.decode()
    for address in (
        reverse("quality:run", args=[run.pk]),
        "/catalog/?venue=SIM&amp;data_type=bar",
        reverse("quality:trend", args=["EUR/USD.SIM"]),
        reverse("quality:runs"),
    ):
        assert address in text
    assert "Validate the lot" in text
    assert "2 checks, 4 violations" in text


def test_without_data_and_without_scores_the_page_says_what_to_do(trader_client: Client, make_row: MakeRow) -> None:
    assert b"Nothing is indexed yet" in trader_client.get(PAGE).content
    make_row()
    text = trader_client.get(PAGE).content.decode()
    assert "Appears with the first score" in text
    assert "No dataset here has a score yet" in text


def test_who_may_not_see_it_is_refused(client: Client, nobody_client: Client) -> None:
    assert client.get(PAGE).status_code == 302
    assert nobody_client.get(PAGE).status_code == 403
    assert nobody_client.post(PAGE).status_code in {403, 405}


def test_parts_need_their_own_permissions(
    nobody: Any, nobody_client: Client, market: list[Dataset], make_run: MakeRun
) -> None:
    make_run(market[0], timezone.now(), {"quote.crossed": 3})
    Job.objects.create(kind="validate", title="Validate the lot", state="running")
    nobody.user_permissions.add(Permission.objects.get(codename="view_qualitymetric"))
    text = nobody_client.get(PAGE).content.decode()
    assert "Score distribution" in text
    for hidden in ("Validate the lot", "Last runs", "Checks that find most", "open anomalies"):
        assert hidden not in text


def test_the_page_asks_a_constant_number_of_queries(
    trader_client: Client, make_row: MakeRow, make_run: MakeRun, django_assert_max_num_queries
) -> None:
    now = timezone.now()
    for number in range(30):
        dataset = make_row(f"S{number}.V{number}", "quote", "0.8", last_validated=now)
        make_run(dataset, now, {"quote.crossed": number})
    snapshots.take(now - DAY)
    with django_assert_max_num_queries(16):
        trader_client.get(PAGE)
