"""GET /catalog/search: instruments with a dataset that fits."""

from decimal import Decimal

import pytest

from catalog_app.models import Dataset
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db
URL = f"{BASE}/catalog/search"


def found(client, **query) -> list[str]:
    response = client.get(URL, query)
    assert response.status_code == 200, response.content
    return [instrument["instrumentId"] for instrument in response.json()["instruments"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["BTCUSDT.BINANCE", "EUR/USD.SIM", "GBP/USD.SIM"]),
        ({"venue": "SIM"}, ["EUR/USD.SIM", "GBP/USD.SIM"]),
        ({"dataType": "trade"}, ["BTCUSDT.BINANCE"]),
        ({"timeframe": "1-MINUTE-BID"}, ["GBP/USD.SIM"]),
        ({"q": "gbp"}, ["GBP/USD.SIM"]),
        ({"q": "usd sim"}, ["EUR/USD.SIM", "GBP/USD.SIM"]),
        ({"currency": "USD"}, ["GBP/USD.SIM"]),
        ({"assetClass": "FX"}, ["GBP/USD.SIM"]),
        ({"store": "desk-test", "venue": "BINANCE"}, ["BTCUSDT.BINANCE"]),
        ({"store": "no-such-store"}, []),
        ({"dialect": "v1-16", "venue": "BINANCE"}, ["BTCUSDT.BINANCE"]),
        ({"dialect": "v2"}, []),
        ({"recordCountMin": 4500}, ["EUR/USD.SIM", "GBP/USD.SIM"]),
        ({"recordCountMin": 121, "recordCountMax": 4500}, ["GBP/USD.SIM"]),
        ({"start": "2024-01-02"}, ["GBP/USD.SIM"]),
        ({"end": "2023-12-31"}, []),
        ({"qualityThreshold": "0.5"}, ["GBP/USD.SIM"]),
        ({"qualityThreshold": "0.95"}, []),
        ({"hasGaps": "true"}, ["GBP/USD.SIM"]),
        ({"sort": "-instrument"}, ["GBP/USD.SIM", "EUR/USD.SIM", "BTCUSDT.BINANCE"]),
        ({"sort": "-rows"}, ["EUR/USD.SIM", "GBP/USD.SIM", "BTCUSDT.BINANCE"]),
        ({"sort": "score"}, ["GBP/USD.SIM", "BTCUSDT.BINANCE", "EUR/USD.SIM"]),
    ],
    ids=str,
)
def test_each_filter_restricts(reader, store, query, expected):
    Dataset.objects.filter(data_type="bar").update(quality_score=Decimal("0.9"), open_gap_count=1)
    assert found(reader, **query) == expected


def test_the_answer_says_what_was_asked_and_where_it_stands(reader, store):
    document = reader.get(URL, {"venue": "SIM", "limit": 1}).json()
    assert (document["totalCount"], document["pageSize"], document["currentPage"]) == (2, 1, 1)
    assert document["filters"] == {"venue": "SIM"}
    second = reader.get(URL, {"venue": "SIM", "limit": 1, "cursor": document["nextCursor"]}).json()
    assert [i["instrumentId"] for i in second["instruments"]] == ["GBP/USD.SIM"]
    assert (second["currentPage"], second["nextCursor"]) == (2, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"qualityThreshold": "1.1"}, "qualityThreshold"),
        ({"start": "yesterday"}, "start"),
        ({"recordCountMin": "-1"}, "recordCountMin"),
        ({"recordCountMax": str(2**70)}, "recordCountMax"),
        ({"sort": "colour"}, "sort"),
        ({"q": "x" * 201}, "q"),
    ],
)
def test_a_value_that_means_nothing_is_named(reader, query, field):
    document = assert_problem(reader.get(URL, query), 422)
    assert [error["field"] for error in document["errors"]] == [field]


def test_the_number_of_queries_does_not_grow(reader, store, django_assert_max_num_queries):
    for number in range(60):
        Dataset.objects.create(store=store, path=f"d{number}", instrument_id=f"X{number}.V", venue="V", data_type="bar")
    with django_assert_max_num_queries(8):
        assert len(found(reader, limit=1000)) == 63


def test_it_needs_the_permission(nobody_client):
    assert_problem(nobody_client.get(URL), 403)


def test_it_is_only_read(reader):
    assert_problem(reader.post(URL), 405)
