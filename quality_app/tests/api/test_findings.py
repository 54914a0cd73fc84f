"""Gaps, integrity and reconciliations over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from catalog_app.models import Dataset
from catalog_app.tests.api.conftest import BASE
from quality_app.models import Gap, Reconciliation, ReconciliationRun, ReconciliationShare, ReconciliationSource
from quality_app.tests.dashboard.conftest import DAY, NOW, MakeRow, MakeRun

HOUR = 3_600_000_000_000
START = 1_704_067_200_000_000_000


@pytest.fixture
def dataset(make_row: MakeRow) -> Dataset:
    return make_row("EUR/USD.SIM", "quote", "0.8", last_validated=NOW, record_count=100)


def make_gap(dataset: Dataset, hour: int, missing: int = 60, cause: str = "unexplained", **fields: object) -> Gap:
    start = START + hour * HOUR
    return Gap.objects.create(
        dataset=dataset,
        instrument_id=dataset.instrument_id,
        data_type=dataset.data_type,
        gap_start=datetime.fromtimestamp(start // 10**9, UTC),
        gap_end=datetime.fromtimestamp(start // 10**9 + 3540, UTC),
        start_ns=start,
        end_ns=start + HOUR - 60 * 10**9,
        missing=missing,
        severity="high",
        cause=cause,
        **fields,
    )


def test_gaps_are_filtered_and_come_in_pages(reader: Client, dataset: Dataset) -> None:
    made = [make_gap(dataset, hour) for hour in range(5)]
    make_gap(dataset, 9, filled_at=NOW)

    def ask(query: str) -> dict:
        return reader.get(f"{BASE}/gaps/EURUSD.SIM?{query}").json()

    first = ask("limit=3")
    rest = ask(f"limit=3&cursor={first['nextCursor']}")
    assert [gap["id"] for gap in first["gaps"] + rest["gaps"]] == [str(gap.pk) for gap in made]
    assert rest["nextCursor"] is None
    assert len(ask("includeFilled=true")["gaps"]) == 6
    assert [gap["id"] for gap in ask("start=2024-01-01T01:30:00Z&end=2024-01-01T02:00:00Z")["gaps"]] == [
        str(made[1].pk),
        str(made[2].pk),
    ]
    assert ask("cause=illiquid")["gaps"] == []
    (one,) = ask("limit=1&severity=high")["gaps"]
    assert (one["start"], one["missing"], one["reason"]) == ("2024-01-01T00:00:00.000000000Z", 60, "unexplained")


def test_integrity_of_what_was_never_checked_is_unknown(reader: Client, dataset: Dataset) -> None:
    found = reader.get(f"{BASE}/integrity/EURUSD.SIM").json()
    assert (found["totalRecords"], found["checkedRecords"]) == (100, 0)
    assert (found["validRecords"], found["invalidRecords"], found["duplicateRecords"]) == (None, None, None)


def test_integrity_is_exact_while_one_check_marks_rows(reader: Client, dataset: Dataset, make_run: MakeRun) -> None:
    make_run(dataset, NOW - DAY, {"price.positive": 50})
    make_run(dataset, NOW, {"price.positive": 4, "row.duplicate": 0, "quote.locked": 9, "file.small": 1})
    make_gap(dataset, 1)
    make_gap(dataset, 3, missing=7, cause="illiquid")
    found = reader.get(f"{BASE}/integrity/EURUSD.SIM").json()
    assert (found["validRecords"], found["invalidRecords"], found["exact"]) == (96, 4, True)
    assert (found["duplicateRecords"], found["missingRecords"]) == (0, 60)
    assert [(issue["check"], issue["count"]) for issue in found["dataRangeIssues"]] == [("price.positive", 4)]


def test_integrity_is_a_bound_where_checks_may_mark_the_same_rows(
    reader: Client, dataset: Dataset, make_run: MakeRun
) -> None:
    make_run(dataset, NOW, {"price.positive": 4, "quote.crossed": 10})
    found = reader.get(f"{BASE}/integrity/EURUSD.SIM").json()
    assert (found["exact"], found["invalidRecordsAtLeast"], found["invalidRecords"]) == (False, 10, 14)
    assert found["validRecords"] == 86


@pytest.fixture
def reconciliation(dataset: Dataset, make_row: MakeRow) -> Reconciliation:
    other = make_row("EUR/USD.SIM", "bar", timeframe="1-MINUTE-BID")
    made = Reconciliation.objects.create(name="EUR/USD", instrument_id="EUR/USD.SIM")
    labels = ((dataset, "Quotes"), (other, "Bars"))
    for at, (row, label) in enumerate(labels):
        ReconciliationSource.objects.create(reconciliation=made, position=at, dataset=row, label=label, price="mid")
    sources = [{"datasetId": str(row.pk), "label": label} for row, label in labels]
    for day, beyond in ((-1, 90), (0, 5)):
        run = ReconciliationRun.objects.create(
            reconciliation=made, started_at=NOW, finished_at=NOW + day * DAY, start_ns=START, end_ns=START + HOUR,
            sources=sources, pairs=[{"left": 0, "right": 1, "matched": 100, "beyond": beyond}],
        )  # fmt: skip
        ReconciliationShare.objects.create(run=run, dataset=dataset, rows=100, violations=beyond)
    return made


def test_integrity_names_the_other_sources(reader: Client, reconciliation: Reconciliation) -> None:
    (cross,) = reader.get(f"{BASE}/integrity/EURUSD.SIM?dataType=quote").json()["crossValidationResults"]
    assert (cross["source"], cross["matched"], cross["discrepancy"]) == ("Bars", 100, 0.05)


def test_reconciliations_with_their_latest_run(reader: Client, reconciliation: Reconciliation) -> None:
    Reconciliation.objects.create(name="Another", instrument_id="GBP/USD.SIM")
    first = reader.get(f"{BASE}/reconciliations?limit=1").json()
    rest = reader.get(f"{BASE}/reconciliations?limit=1&cursor={first['nextCursor']}").json()
    assert [one["name"] for one in first["reconciliations"] + rest["reconciliations"]] == ["Another", "EUR/USD"]
    assert rest["nextCursor"] is None
    assert len(reader.get(f"{BASE}/reconciliations?instrumentId=EURUSD.SIM").json()["reconciliations"]) == 1
    found = reader.get(f"{BASE}/reconciliations/{reconciliation.pk}").json()
    assert [source["label"] for source in found["sources"]] == ["Quotes", "Bars"]
    assert found["latestRun"]["pairs"] == [{"left": 0, "right": 1, "matched": 100, "beyond": 5}]


def test_an_instrument_costs_a_constant_number_of_queries(
    reader: Client, make_row: MakeRow, make_run: MakeRun, django_assert_max_num_queries
) -> None:
    for number in range(12):
        make_run(make_row("EUR/USD.SIM", "bar", "0.5", timeframe=f"{number}-HOUR"), NOW, {"time.order": 1})
    for path in ("quality", "integrity", "gaps", "anomalies", "quality/trend"):
        with django_assert_max_num_queries(16):
            assert reader.get(f"{BASE}/{path}/EURUSD.SIM").status_code == 200
