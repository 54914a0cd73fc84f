"""GET /catalog/datasets/{id}, its files and its rows."""

import uuid

import pytest

from catalog_app.models import DataFile, Dataset
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db


def url(dataset: Dataset, part: str = "") -> str:
    return f"{BASE}/catalog/datasets/{dataset.pk}{part}"


def test_a_dataset_is_described(reader, bar_dataset):
    document = reader.get(url(bar_dataset)).json()
    assert document["datasetId"] == str(bar_dataset.pk)
    assert document["path"] == "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL"
    assert (document["recordCount"], document["fileCount"], document["dialect"]) == (4500, 2, "v1-16")
    assert (document["pricePrecision"], document["sizePrecision"], document["state"]) == (5, 0, "ok")
    assert document["lastValidated"] is None


def test_its_files_come_in_pages_by_path(reader, bar_dataset):
    first = reader.get(url(bar_dataset, "/files"), {"limit": 1}).json()
    second = reader.get(url(bar_dataset, "/files"), {"limit": 1, "cursor": first["nextCursor"]}).json()
    assert [file["rows"] for file in first["files"] + second["files"]] == [2000, 2500]
    assert first["files"][0]["path"] < second["files"][0]["path"]
    assert second["nextCursor"] is None


def test_an_unreadable_file_is_listed_with_its_problem(reader, quote_dataset):
    states = {file["state"]: file for file in reader.get(url(quote_dataset, "/files")).json()["files"]}
    assert set(states) == {"ok", "unreadable"}
    assert states["unreadable"]["problem"]
    assert states["unreadable"]["rows"] is None


def test_rows_are_exact(reader, bar_dataset):
    document = reader.get(url(bar_dataset, "/rows"), {"limit": 2}).json()
    assert document["columns"] == ["open", "high", "low", "close", "volume", "tsEvent", "tsInit"]
    assert document["totalCount"] == 4500
    row = document["rows"][1]
    assert (row["open"], row["high"], row["low"], row["close"], row["volume"]) == (
        "1.20001", "1.20003", "1.20000", "1.20002", "10",
    )  # fmt: skip
    assert row["tsInit"] == "2024-01-01T00:02:00.000000000Z"
    assert row["row"] == 1
    assert DataFile.objects.filter(path=row["file"]).exists()


def test_rows_go_on_over_files_to_the_end(reader, bar_dataset):
    seen, cursor, pages = [], None, 0
    while cursor or not pages:
        query = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
        document = reader.get(url(bar_dataset, "/rows"), query).json()
        seen += [row["tsInit"] for row in document["rows"]]
        cursor, pages = document["nextCursor"], pages + 1
    assert pages == 5
    assert len(seen) == len(set(seen)) == 4500
    assert seen == sorted(seen)


def test_trades_name_their_side_and_keep_nanoseconds(reader, trade_dataset):
    rows = reader.get(url(trade_dataset, "/rows"), {"limit": 2}).json()["rows"]
    assert [row["aggressorSide"] for row in rows] == ["BUYER", "SELLER"]
    assert rows[1]["tsEvent"] == "2024-01-01T00:00:01.000000001Z"
    assert (rows[1]["price"], rows[1]["size"], rows[1]["tradeId"]) == ("42000.01", "0.000002", "T1")


def test_a_file_that_vanished_is_a_problem_not_a_crash(reader, bar_dataset, tmp_path):
    bar_dataset.store.root = str(tmp_path)
    bar_dataset.store.save()
    document = assert_problem(reader.get(url(bar_dataset, "/rows")), 422)
    assert "data/bar" in document["detail"]


@pytest.mark.parametrize("part", ["", "/files", "/rows"])
def test_what_is_not_there_not_allowed_not_read(client, reader, nobody_client, bar_dataset, part):
    assert_problem(reader.get(f"{BASE}/catalog/datasets/{uuid.uuid4()}{part}"), 404)
    assert_problem(reader.get(f"{BASE}/catalog/datasets/not-a-uuid{part}"), 422, "dataset_id")
    assert_problem(client.get(url(bar_dataset, part)), 401)
    assert_problem(nobody_client.get(url(bar_dataset, part)), 403)
    assert_problem(reader.delete(url(bar_dataset, part)), 405)


def test_a_dataset_costs_a_constant_number_of_queries(reader, bar_dataset, django_assert_max_num_queries):
    for number in range(50):
        DataFile.objects.create(
            store=bar_dataset.store, dataset=bar_dataset, path=f"{bar_dataset.path}/{number}", size_bytes=1, mtime_ns=1
        )
    with django_assert_max_num_queries(7):
        assert len(reader.get(url(bar_dataset, "/files")).json()["files"]) == 52
