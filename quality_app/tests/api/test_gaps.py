"""Gaps over HTTP: filters, one in full, decisions, scans, completeness by day and month."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog_app.models import Dataset, Job
from catalog_app.tests.api.conftest import BASE, assert_problem
from quality_app.models import Gap, GapFill, MonthCompleteness
from quality_app.tests.api.test_findings import START, make_gap
from quality_app.tests.dashboard.conftest import NOW, MakeRow

MINUTE = 60 * 10**9


@pytest.fixture
def dataset(make_row: MakeRow) -> Dataset:
    return make_row("EUR/USD.SIM", "bar", "0.8", timeframe="1-MINUTE-BID")


@pytest.fixture
def writer(trader: User, bearer: Callable[..., Client]) -> Client:
    return bearer(trader, "read", "export")


@pytest.fixture
def months(dataset: Dataset) -> None:
    for month, days in (
        ("2023-12-01", {"29": [1440, 40, 40]}),
        ("2024-01-01", {"2": [1440, 90, 0], "10": [720, 0, 0]}),
    ):
        expected, missing, explained = (sum(column) for column in zip(*days.values(), strict=True))
        MonthCompleteness.objects.create(
            dataset=dataset, month=month, expected=expected, missing=missing, explained=explained, days=days
        )


def ids(client: Client, query: str) -> list[str]:
    return [gap["id"] for gap in client.get(f"{BASE}/gaps/EURUSD.SIM?{query}").json()["gaps"]]


def test_filters_and_states(reader: Client, dataset: Dataset, make_row: MakeRow) -> None:
    quotes = make_row("EUR/USD.SIM", "quote", "0.8")
    opened = make_gap(dataset, 1)
    filled = make_gap(dataset, 2, filled_at=NOW, expected_at=NOW, expected_reason="x")
    expected = make_gap(dataset, 3, expected_at=NOW, expected_reason="Closed")
    ticks = make_gap(quotes, 4, cause="outage", unit="seconds")
    every = [opened, filled, expected, ticks]
    for query, wanted in (
        ("", [opened, ticks]),
        ("includeFilled=true", [opened, filled, ticks]),
        ("state=expected", [expected]),
        ("state=expected&includeFilled=true", [filled, expected]),
        ("state=filled", [filled]),
        ("state=all", every),
        ("dataType=quote", [ticks]),
        ("timeframe=1-MINUTE-BID", [opened]),
        ("unit=seconds&cause=outage&severity=high", [ticks]),
        ("unit=rows", []),
        (f"store={dataset.store.name}", [opened, ticks]),
        ("start=2024-01-01T04:30:00Z", [ticks]),
    ):
        assert ids(reader, query) == [str(gap.pk) for gap in wanted], query
    assert_problem(reader.get(f"{BASE}/gaps/EURUSD.SIM?store=nowhere"), 404)
    assert_problem(reader.get(f"{BASE}/gaps/EURUSD.SIM?state=odd"), 422)
    assert_problem(reader.get(f"{BASE}/gaps/NO.SUCH"), 404)


def test_a_gap_on_the_wire(reader: Client, dataset: Dataset, months: None) -> None:
    gap = make_gap(dataset, 34, lost_ns=3600 * 10**9, expected_at=NOW, expected_reason="Closed")
    (found,) = reader.get(f"{BASE}/gaps/EURUSD.SIM?state=all").json()["gaps"]
    assert found | {"detectedAt": ""} == {
        "id": str(gap.pk),
        "datasetId": str(dataset.pk),
        "store": dataset.store.name,
        "instrumentId": "EUR/USD.SIM",
        "dataType": "bar",
        "timeframe": gap.timeframe,
        "unit": "bars",
        "start": "2024-01-02T10:00:00.000000000Z",
        "end": "2024-01-02T10:59:00.000000000Z",
        "startNs": str(gap.start_ns),
        "endNs": str(gap.end_ns),
        "severity": "high",
        "reason": "unexplained",
        "missing": 60,
        "expected": 1440,
        "lostSeconds": 3600.0,
        "state": "expected",
        "detectedAt": "",
        "filledAt": None,
        "expectedReason": "Closed",
    }


def test_what_is_expected_of_an_unknown_day_is_null(reader: Client, dataset: Dataset, months: None) -> None:
    make_gap(dataset, 10 * 24)
    assert reader.get(f"{BASE}/gaps/EURUSD.SIM").json()["gaps"][0]["expected"] is None


def test_one_gap_with_its_history_and_fills(reader: Client, dataset: Dataset) -> None:
    history = [{"startNs": "1", "endNs": "2", "missing": 3, "until": "2024-01-01T00:00:00+00:00"}]
    gap = make_gap(dataset, 1, details={"history": history, "rate": 0.5})
    GapFill.objects.create(
        dataset=dataset, kind="dataset", source={"store": "b"}, spans=[], gaps=[str(gap.pk)], rows=60, seams=[]
    )
    found = reader.get(f"{BASE}/gaps/{gap.pk}").json()
    assert (found["id"], found["history"], found["details"]) == (str(gap.pk), history, {"rate": 0.5})
    assert [(fill["rows"], fill["source"], fill["undoneAt"]) for fill in found["fills"]] == [(60, {"store": "b"}, None)]
    assert_problem(reader.get(f"{BASE}/gaps/{uuid.uuid4()}"), 404)


def test_a_gap_is_marked_as_expected_and_opened_again(writer: Client, dataset: Dataset) -> None:
    gap = make_gap(dataset, 1)
    address = f"{BASE}/gaps/{gap.pk}/expected"
    found = writer.post(address, {"reason": "Maintenance"}, content_type="application/json").json()
    assert (found["state"], found["expectedReason"], found["expectedBy"]) == ("expected", "Maintenance", "trader")
    found = writer.delete(address).json()
    assert (found["state"], found["expectedReason"], found["expectedBy"]) == ("open", None, None)
    assert_problem(writer.post(address, {"reason": " "}, content_type="application/json"), 422)
    Gap.objects.filter(pk=gap.pk).update(filled_at=NOW)
    assert_problem(writer.post(address, {"reason": "x"}, content_type="application/json"), 409, "filled")
    assert_problem(writer.delete(address), 409)
    assert_problem(writer.delete(f"{BASE}/gaps/{uuid.uuid4()}/expected"), 404)


def test_a_scan_is_queued_once(
    data_admin: User, bearer: Callable[..., Client], dataset: Dataset, make_row: MakeRow
) -> None:
    make_row("EUR/USD.SIM", "quote", "0.8")
    client = bearer(data_admin, "import")

    def ask(body: dict) -> object:
        headers = {"Idempotency-Key": "once"} if body.pop("once", None) else None
        return client.post(f"{BASE}/gaps/scan", body, content_type="application/json", headers=headers)

    answer = ask({"instrumentId": "EURUSD.SIM", "dataType": "bar", "start": "2024-01-01", "once": True})
    assert answer.status_code == 202
    job = Job.objects.get(pk=answer.json()["jobId"])
    assert answer["Location"].endswith(f"/jobs/{job.pk}")
    assert (job.kind, job.user) == ("scan_gaps", data_admin)
    assert job.parameters == {"datasetIds": [str(dataset.pk)], "force": False, "startNs": START, "endNs": None}
    again = ask({"instrumentId": "EURUSD.SIM", "dataType": "bar", "start": "2024-01-01", "once": True})
    assert again.json()["jobId"] == str(job.pk)
    everything = ask({"datasetIds": [str(dataset.pk)], "instrumentId": "EURUSD.SIM"}).json()
    assert len(Job.objects.get(pk=everything["jobId"]).parameters["datasetIds"]) == 2
    assert_problem(ask({}), 422)
    assert_problem(ask({"datasetIds": [str(uuid.uuid4())]}), 404)
    assert_problem(ask({"instrumentId": "EURUSD.SIM", "timeframe": "1-HOUR-BID"}), 422)
    assert_problem(ask({"instrumentId": "EURUSD.SIM", "start": "2024-01-02", "end": "2024-01-01"}), 422)


def test_who_may_do_what(
    trader: User, bearer: Callable[..., Client], dataset: Dataset, client: Client, nobody_client: Client
) -> None:
    gap = make_gap(dataset, 1)
    for address in ("gaps/EURUSD.SIM", f"gaps/{gap.pk}", f"catalog/datasets/{dataset.pk}/completeness"):
        assert_problem(client.get(f"{BASE}/{address}"), 401)
        assert_problem(nobody_client.get(f"{BASE}/{address}"), 403, "view_gap")
        assert_problem(bearer(trader, "export").get(f"{BASE}/{address}"), 403, "scope")
    for address, permission in ((f"gaps/{gap.pk}/expected", "expect_gap"), ("gaps/scan", "scan_gaps")):
        asked = {"path": f"{BASE}/{address}", "data": {"reason": "x"}, "content_type": "application/json"}
        assert_problem(nobody_client.post(**asked), 403, permission)
        assert_problem(bearer(trader, "read").post(**asked), 403, "scope")
    assert not Job.objects.exists()


def test_completeness_by_month_and_by_day_in_pages(reader: Client, dataset: Dataset, months: None) -> None:
    address = f"{BASE}/catalog/datasets/{dataset.pk}/completeness"
    whole = reader.get(address).json()
    assert [(one["period"], one["expected"], one["missing"], one["explained"]) for one in whole["periods"]] == [
        ("2023-12", 1440, 40, 40),
        ("2024-01", 2160, 90, 0),
    ]
    assert [one["completeness"] for one in whole["periods"]] == [1.0, 1 - 90 / 2160]
    assert (whole["unit"], whole["nextCursor"]) == ("bars", None)
    first = reader.get(f"{address}?by=day&limit=2").json()
    rest = reader.get(f"{address}?by=day&limit=2&cursor={first['nextCursor']}").json()
    days = [one["period"] for one in first["periods"] + rest["periods"]]
    assert days == ["2023-12-29", "2024-01-02", "2024-01-10"]
    assert rest["nextCursor"] is None
    some = reader.get(f"{address}?by=day&start=2023-12-30&end=2024-01-02").json()
    assert [one["period"] for one in some["periods"]] == ["2024-01-02"]
    assert len(reader.get(f"{address}?end=2023-12-31").json()["periods"]) == 1
    assert_problem(reader.get(f"{address}?start=soon"), 422)
    assert_problem(reader.get(f"{address}?cursor=WzFd"), 422)
    assert_problem(reader.get(f"{BASE}/catalog/datasets/{uuid.uuid4()}/completeness"), 404)


def test_a_list_costs_a_constant_number_of_queries(
    reader: Client, make_row: MakeRow, django_assert_max_num_queries
) -> None:
    for number in range(12):
        row = make_row("EUR/USD.SIM", "bar", "0.5", timeframe=f"{number}-MINUTE-BID")
        make_gap(row, 24 + number)
        MonthCompleteness.objects.create(
            dataset=row, month="2024-01-01", expected=9, missing=1, explained=0, days={"2": [9, 1, 0]}
        )
    with django_assert_max_num_queries(12):
        found = reader.get(f"{BASE}/gaps/EURUSD.SIM").json()["gaps"]
    assert [gap["expected"] for gap in found] == [9] * 12
