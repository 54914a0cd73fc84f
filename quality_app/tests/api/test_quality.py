"""Scores, trends, validation and runs over HTTP, each with its refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog_app.models import Dataset, Job
from catalog_app.tests.api.conftest import BASE, assert_problem
from quality_app.models import Anomaly, QualityReport, ValidationRun
from quality_app.services.history.metrics import record
from quality_app.tests.dashboard.conftest import DAY, NOW, MakeRow, MakeRun

EURUSD = quote("EUR/USD.SIM", safe="")


@pytest.fixture
def dataset(make_row: MakeRow) -> Dataset:
    make_row("EUR/USD.SIM", "bar", timeframe="1-HOUR-BID")
    return make_row(
        "EUR/USD.SIM", "quote", "0.8", accuracy="0.7", last_validated=NOW, open_gap_count=2, record_count=100
    )


@pytest.fixture
def run(dataset: Dataset, make_run: MakeRun) -> ValidationRun:
    make_run(dataset, NOW - DAY, {"quote.crossed": 0, "time.order": 1})
    return make_run(dataset, NOW, {"quote.crossed": 12, "quote.locked": 5}, files=[_FILE])


_FILE = {"path": "data/a.parquet", "size": 9, "mtimeNs": 1_704_067_200_000_000_001}
READS = [
    f"/quality/{EURUSD}",
    f"/quality/trend/{EURUSD}",
    "/quality/runs",
    f"/quality/runs/{uuid.UUID(int=7)}",
    "/quality/reports",
    f"/quality/reports/{uuid.UUID(int=7)}",
    f"/gaps/{EURUSD}",
    f"/anomalies/{EURUSD}",
    f"/integrity/{EURUSD}",
    "/reconciliations",
    "/reconciliations/1",
]


@pytest.mark.parametrize("path", READS)
def test_reading_needs_credentials_scope_and_permission(
    client: Client, nobody: User, trader: User, bearer: Callable[..., Client], data_admin: User, path: str
) -> None:
    assert_problem(client.get(BASE + path), 401)
    assert_problem(bearer(data_admin, "admin").get(BASE + path), 403, "read")
    reader = bearer(trader, "read")
    trader.groups.clear()
    assert_problem(reader.get(BASE + path), 403, "lacks the permission quality_app.")


@pytest.mark.parametrize(
    "path",
    [path.replace(EURUSD, "NO.SUCH") for path in READS if not path.endswith(("runs", "reports", "reconciliations"))],
)
def test_what_is_not_there_is_a_404(reader: Client, db: None, path: str) -> None:
    assert_problem(reader.get(BASE + path), 404)


@pytest.mark.parametrize(
    "path",
    [
        f"/quality/trend/{EURUSD}?start=yesterday",
        f"/quality/trend/{EURUSD}?start=2024-02-01&end=2024-01-01",
        f"/quality/trend/{EURUSD}?maxPoints=2",
        "/quality/runs?found=nonsense",
        "/quality/runs?start=nonsense",
        "/quality/runs?cursor=nonsense",
        "/quality/runs/not-a-uuid",
        f"/gaps/{EURUSD}?severity=grave",
        f"/gaps/{EURUSD}?end=tomorrow",
        f"/gaps/{EURUSD}?cursor=WzEsICJ4Il0",
        f"/anomalies/{EURUSD}?type=strange",
        f"/anomalies/{EURUSD}?state=lost",
        "/reconciliations?limit=0",
        "/reconciliations/9999999999999999999999",
    ],
)
def test_wrong_parameters_are_refused(reader: Client, dataset: Dataset, path: str) -> None:
    assert_problem(reader.get(BASE + path), 422)


@pytest.mark.parametrize("name", [EURUSD, "EURUSD.SIM"])
def test_the_scores_of_an_instrument(reader: Client, dataset: Dataset, run: ValidationRun, name: str) -> None:
    found = reader.get(f"{BASE}/quality/{name}").json()
    assert (found["instrumentId"], found["lowest"], found["metrics"]["overall"]) == ("EUR/USD.SIM", 0.8, 0.8)
    assert found["metrics"]["unknown"] == ["completeness", "timeliness", "consistency"]
    assert [(one["dataType"], one["metrics"]["accuracy"], one["latestRunId"]) for one in found["datasets"]] == [
        ("bar", None, None),
        ("quote", 0.7, str(run.pk)),
    ]
    only = reader.get(f"{BASE}/quality/{name}?dataType=bar").json()
    assert [one["dataType"] for one in only["datasets"]] == ["bar"]
    assert only["metrics"]["overall"] is None


def test_the_trend_of_an_instrument(reader: Client, dataset: Dataset) -> None:
    for day, value in enumerate(["0.5", None, "0.7"]):
        record(dataset, {"overall": (None if value is None else Decimal(value), {"day": day})}, NOW + day * DAY)
    found = reader.get(f"{BASE}/quality/trend/EURUSD.SIM?start=2024-03-11&metric=overall&metric=rows").json()
    assert found["metrics"] == ["overall"]
    (line,) = found["series"]
    assert [(point["time"][:10], point["value"]) for point in line["points"]] == [
        ("2024-03-11", 0.5),
        ("2024-03-11", None),
        ("2024-03-12", 0.7),
    ]


def test_runs_come_in_pages(reader: Client, dataset: Dataset, make_run: MakeRun) -> None:
    made = [str(make_run(dataset, NOW, {"time.order": number % 2}).pk) for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = reader.get(f"{BASE}/quality/runs?limit=2&instrumentId=EURUSD.SIM{cursor}").json()
        seen += [one["runId"] for one in page["runs"]]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
    critical = reader.get(f"{BASE}/quality/runs?found=critical").json()["runs"]
    assert [(one["failingChecks"], one["criticalChecks"], one["violations"]) for one in critical] == [(1, 1, 1)] * 2


def test_a_run_in_full(reader: Client, trader: User, run: ValidationRun) -> None:
    anomaly = Anomaly.objects.create(
        dataset=run.dataset, instrument_id=run.dataset.instrument_id, data_type="quote", check_id="quote.crossed",
        check_version=1, type="inconsistency", severity="critical", file="data/a.parquet", file_size=9,
        file_mtime_ns=1, row=4, ts_init_ns=1_704_067_200_000_000_001, timestamp=NOW, value="2", expected="1.5",
        identity="x", first_seen_at=NOW, last_seen_at=NOW,
    )  # fmt: skip
    found = reader.get(f"{BASE}/quality/runs/{run.pk}").json()
    results = {
        one["checkName"]: (one["violations"], one["passed"], one["change"]) for one in found["validationResults"]
    }
    assert results == {"quote.crossed": (12, False, "new"), "quote.locked": (5, True, "new")}
    assert found["noLongerRun"] == ["time.order"]
    assert found["files"] == [{"path": "data/a.parquet", "size": 9, "mtimeNs": "1704067200000000001"}]
    assert found["metrics"]["overall"] == 0.8
    (odd,) = found["anomalies"]
    assert (odd["id"], odd["timestamp"]) == (str(anomaly.pk), "2024-01-01T00:00:00.000000001Z")
    (listed,) = reader.get(f"{BASE}/anomalies/EURUSD.SIM?severity=critical&start=2024-01-01&end=2024-01-01").json()[
        "anomalies"
    ]
    assert listed == odd
    assert reader.get(f"{BASE}/anomalies/EURUSD.SIM?state=ignored").json()["anomalies"] == []
    assert reader.get(f"{BASE}/anomalies/EURUSD.SIM?start=2024-01-02").json()["anomalies"] == []


def test_an_earlier_run_has_the_scores_of_its_time(reader: Client, run: ValidationRun) -> None:
    record(run.dataset, {"overall": (Decimal("0.4"), {})}, NOW - DAY)
    record(run.dataset, {"overall": (Decimal("0.8"), {})}, NOW)
    first = ValidationRun.objects.order_by("finished_at").first()
    assert first is not None
    assert reader.get(f"{BASE}/quality/runs/{first.pk}").json()["metrics"]["overall"] == 0.4


@pytest.fixture
def starter(trader: User, bearer: Callable[..., Client]) -> Client:
    return bearer(trader, "export")


def post(client: Client, path: str, body: dict, **headers: str):
    return client.post(BASE + path, body, content_type="application/json", headers=headers)


def test_validating_queues_one_job(starter: Client, dataset: Dataset) -> None:
    body = {"instrumentId": "EURUSD.SIM", "checks": ["time.order"], "force": True}
    answers = [post(starter, "/quality/validate", body, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    job = Job.objects.get()
    assert answers[1].json() == {"jobId": str(job.pk), "state": "queued"}
    assert answers[1]["Location"].endswith(f"/jobs/{job.pk}")
    assert (len(job.parameters["datasetIds"]), job.parameters["checks"], job.parameters["force"]) == (
        2,
        ["time.order"],
        True,
    )
    assert_problem(
        post(starter, "/quality/validate", {"datasetIds": [str(dataset.pk)]}, **{"Idempotency-Key": "k"}), 409
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"checks": ["time.order"]}, 422),
        ({"instrumentId": "EURUSD.SIM", "checks": ["no.such"]}, 422),
        ({"datasetIds": ["x"]}, 422),
        ({"instrumentId": "NO.SUCH"}, 404),
        ({"datasetIds": [str(uuid.UUID(int=7))]}, 404),
    ],
)
def test_nothing_is_queued_for_a_wrong_wish(starter: Client, dataset: Dataset, body: dict, status: int) -> None:
    assert_problem(post(starter, "/quality/validate", body), status)
    assert not Job.objects.exists()


def test_refreshing_takes_what_is_due(starter: Client, dataset: Dataset, make_row: MakeRow) -> None:
    answer = post(starter, "/quality/refresh", {"instrumentId": "EURUSD.SIM"}).json()
    assert (answer["refreshedInstruments"], answer["datasetCount"], answer["state"]) == (["EUR/USD.SIM"], 1, "queued")
    make_row("BTCUSDT.BINANCE", "trade", last_validated=NOW)
    idle = post(starter, "/quality/refresh", {"instrumentId": "BTCUSDT.BINANCE"})
    assert (idle.status_code, idle.json()["jobId"], idle.json()["datasetCount"]) == (202, None, 0)
    assert Job.objects.count() == 1
    assert_problem(post(starter, "/quality/refresh", {"store": "nowhere"}), 404)


@pytest.mark.parametrize("path", ["/quality/validate", "/quality/refresh"])
def test_starting_needs_credentials_scope_and_permission(
    client: Client, reader: Client, starter: Client, trader: User, path: str
) -> None:
    assert_problem(post(client, path, {}), 401)
    assert_problem(post(reader, path, {}), 403, "export")
    trader.groups.clear()
    assert_problem(post(starter, path, {}), 403, "add_validationrun")
    assert_problem(client.get(BASE + path), 405)


def test_kept_reports_are_given_as_they_were_written(reader: Client, db: None) -> None:
    made = [
        QualityReport.objects.create(
            scope="catalog",
            label="Catalog",
            period=period,
            start=NOW - DAY,
            end=NOW,
            content={"sections": []},
            version=1,
        )
        for period in ("daily", "weekly")
    ]
    listed = reader.get(f"{BASE}/quality/reports?period=weekly").json()["reports"]
    assert [one["reportId"] for one in listed] == [str(made[1].pk)]
    found = reader.get(f"{BASE}/quality/reports/{made[0].pk}").json()
    assert (found["content"], found["score"], found["label"]) == ({"sections": []}, None, "Catalog")
