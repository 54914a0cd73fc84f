"""Wanted data and incidents over HTTP."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog_app.models import Dataset
from catalog_app.tests.api.conftest import BASE, assert_problem
from quality_app.models import SourceIncident, WantedData
from quality_app.tests.api.test_findings import HOUR, START
from quality_app.tests.dashboard.conftest import NOW, MakeRow


@pytest.fixture
def dataset(make_row: MakeRow) -> Dataset:
    found = make_row("EUR/USD.SIM", "quote", "0.8", last_validated=NOW)
    Dataset.objects.filter(pk=found.pk).update(start_ns=START, end_ns=START + 100 * HOUR)
    found.refresh_from_db()
    return found


@pytest.fixture
def declared(dataset: Dataset) -> list[WantedData]:
    wanted = {
        "EURUSD.SIM": {"end_ns": START + 100 * HOUR},
        "GBPUSD.SIM": {"store": dataset.store},
        "USDJPY.SIM": {"is_active": False},
    }
    return [
        WantedData.objects.create(instrument_id=name, data_type="quote", start_ns=START, **given)
        for name, given in wanted.items()
    ]


def test_declarations_and_how_they_stand(reader: Client, declared: list[WantedData], dataset: Dataset) -> None:
    def ask(query: str) -> list[tuple[str, str]]:
        found = reader.get(f"{BASE}/wanted?{query}").json()["wanted"]
        return [(one["instrumentId"], one["state"]) for one in found]

    every = [("EURUSD.SIM", "met"), ("GBPUSD.SIM", "missing"), ("USDJPY.SIM", "paused")]
    assert ask("") == every
    assert ask("instrumentId=EUR/USD.SIM&dataType=quote") == every[:1]
    assert ask(f"store={dataset.store.name}") == every[1:2]
    assert ask("state=paused") == every[2:]
    assert ask("dataType=bar") == []
    one = reader.get(f"{BASE}/wanted/{declared[0].pk}").json()
    assert (one["completeness"], one["datasetIds"], one["store"]) == (1.0, [str(dataset.pk)], None)
    assert (one["start"], one["ageSeconds"]) == ("2024-01-01T00:00:00.000000000Z", None)
    assert_problem(reader.get(f"{BASE}/wanted/{uuid.uuid4()}"), 404)
    assert_problem(reader.get(f"{BASE}/wanted?store=nowhere"), 404)
    assert_problem(reader.get(f"{BASE}/wanted?state=odd"), 422)


@pytest.mark.parametrize("state", ["", "missing"])
def test_declarations_come_in_pages(reader: Client, state: str) -> None:
    for number in range(5):
        WantedData.objects.create(instrument_id=f"A{number}.SIM", data_type="quote", start_ns=START)
    names: list[str] = []
    cursor = ""
    for _ in range(3):
        page = reader.get(f"{BASE}/wanted?limit=2&state={state}{cursor}").json()
        names += [one["instrumentId"] for one in page["wanted"]]
        cursor = f"&cursor={page['nextCursor']}"
    assert names == [f"A{number}.SIM" for number in range(5)]
    assert page["nextCursor"] is None


def test_incidents_are_filtered_and_come_in_pages(reader: Client, dataset: Dataset, trader: User) -> None:
    made = [
        SourceIncident.objects.create(venue="SIM", title="Lasting", start_ns=START + 9 * HOUR, created_by=trader),
        SourceIncident.objects.create(
            instrument_id="EURUSD.SIM",
            title="Short",
            start_ns=START,
            end_ns=START + HOUR,
            url="https://venue.example/1",
        ),
        SourceIncident.objects.create(store=dataset.store, title="Ours", start_ns=1, end_ns=2, origin="feed"),
    ]
    for query, wanted in (
        ("", made),
        ("venue=SIM", made[:1]),
        ("instrumentId=EUR/USD.SIM", made[1:2]),
        (f"store={dataset.store.name}", made[2:]),
        ("isOpen=true", made[:1]),
        ("isOpen=false", made[1:]),
        ("start=2024-01-01T00:30:00Z&end=2024-01-01T02:00:00Z", made[1:2]),
    ):
        found = reader.get(f"{BASE}/incidents?{query}").json()["incidents"]
        assert [one["incidentId"] for one in found] == [str(row.pk) for row in wanted], query
    first = reader.get(f"{BASE}/incidents?limit=2").json()
    rest = reader.get(f"{BASE}/incidents?limit=2&cursor={first['nextCursor']}").json()
    assert [one["title"] for one in first["incidents"] + rest["incidents"]] == ["Lasting", "Short", "Ours"]
    lasting, ours = first["incidents"][0], rest["incidents"][0]
    assert (lasting["end"], lasting["createdBy"], ours["store"], ours["origin"]) == (
        None, "trader", dataset.store.name, "feed",
    )  # fmt: skip


def test_who_may_look(client: Client, nobody_client: Client, dataset: Dataset) -> None:
    for path in ("wanted", "incidents"):
        assert_problem(client.get(f"{BASE}/{path}"), 401)
        assert_problem(nobody_client.get(f"{BASE}/{path}"), 403, "view_")
