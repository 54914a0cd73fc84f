"""GET /catalog: totals, venues, stores, instruments in pages."""

from decimal import Decimal

import pytest

from catalog_app.models import Dataset
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db
URL = f"{BASE}/catalog"


def test_an_empty_desk_has_an_empty_catalog(reader):
    document = reader.get(URL).json()
    assert document["instruments"] == document["venues"] == document["dataSources"] == []
    assert (document["totalInstruments"], document["totalRecords"], document["storageSize"]) == (0, 0, 0)
    assert document["qualityMetrics"]["overall"] is None
    assert set(document["qualityMetrics"]["unknown"]) == {
        "completeness", "accuracy", "timeliness", "consistency", "overall",
    }  # fmt: skip


def test_it_sums_up_what_the_stores_hold(reader, store):
    document = reader.get(URL).json()
    assert document["totalInstruments"] == 3
    assert document["totalRecords"] == 4500 + 6000 + 120
    assert document["storageSize"] == sum(Dataset.objects.values_list("size_bytes", flat=True))
    assert [i["instrumentId"] for i in document["instruments"]] == ["BTCUSDT.BINANCE", "EUR/USD.SIM", "GBP/USD.SIM"]
    assert document["instruments"][2]["dateRange"]["start"] == "2024-01-01T00:01:00.000000000Z"
    assert {v["id"]: (v["instrumentCount"], v["dataTypes"]) for v in document["venues"]} == {
        "BINANCE": (1, ["trade"]),
        "SIM": (2, ["bar", "quote"]),
    }
    [source] = document["dataSources"]
    assert (source["name"], source["type"], source["status"]) == ("desk-test", "historical", "active")
    assert document["nextCursor"] is None


def test_scores_are_those_that_are_known(reader, store):
    Dataset.objects.filter(data_type="bar").update(quality_score=Decimal("0.9"), completeness=Decimal("0.8"))
    document = reader.get(URL).json()
    assert document["qualityMetrics"]["overall"] == pytest.approx(0.9)
    assert document["qualityMetrics"]["completeness"] == pytest.approx(0.8)
    assert document["qualityMetrics"]["unknown"] == ["accuracy", "timeliness", "consistency"]
    assert [i["qualityScore"] for i in document["instruments"]] == [None, None, 0.9]


def test_instruments_come_in_pages(reader, store):
    seen, cursor = [], ""
    for _ in range(3):
        document = reader.get(URL, {"limit": 1} | ({"cursor": cursor} if cursor else {})).json()
        seen += [i["instrumentId"] for i in document["instruments"]]
        cursor = document["nextCursor"]
    assert seen == ["BTCUSDT.BINANCE", "EUR/USD.SIM", "GBP/USD.SIM"]
    assert cursor is None


@pytest.mark.parametrize("limit", [0, 1001, -1, "many"])
def test_a_limit_outside_is_refused(reader, limit):
    document = assert_problem(reader.get(URL, {"limit": limit}), 422, "limit")
    assert document["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "WzFd", "eyJhIjoxfQ", "é", "=" * 9, "x" * 3000])
def test_a_cursor_that_is_not_ours_is_refused(reader, cursor):
    assert_problem(reader.get(URL, {"cursor": cursor}), 422, "cursor")


def test_the_number_of_queries_does_not_grow(reader, store, django_assert_max_num_queries):
    for number in range(60):
        Dataset.objects.create(
            store=store, path=f"data/bar/X{number}", instrument_id=f"X{number}.V{number % 9}", venue=f"V{number % 9}",
            data_type="bar",
        )  # fmt: skip
    with django_assert_max_num_queries(11):
        assert len(reader.get(URL).json()["instruments"]) == 63
