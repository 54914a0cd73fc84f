"""/runs: list, one, its streams."""

import pytest

from catalog_app.models import RunFile, Store
from catalog_app.tests.api.conftest import BASE, assert_problem
from catalog_app.tests.pages.conftest import START
from catalog_app.tests.pages.test_runs import FILLS, OPEN, QUOTES, runs_store  # noqa: F401

URL = f"{BASE}/runs"


@pytest.fixture
def many(db: None, tmp_path) -> Store:
    """Five runs, written at two moments."""
    store = Store.objects.create(name="many", root=str(tmp_path))
    for number in range(5):
        RunFile.objects.create(
            store=store, kind="live" if number % 2 else "backtest", instance_id=f"N-{number}", class_name="x",
            path=f"N-{number}/x.feather", size_bytes=1, mtime_ns=10**18 + number // 3,
        )  # fmt: skip
    return store


def instances(document: dict) -> list[str]:
    return [run["instanceId"] for run in document["runs"]]


def test_a_run_is_the_sum_of_its_streams(reader, runs_store):  # noqa: F811
    run = reader.get(f"{URL}/{runs_store.pk}/backtest/run-1").json()
    assert (run["storeId"], run["store"], run["kind"]) == (str(runs_store.pk), runs_store.name, "backtest")
    assert (run["streamCount"], run["recordCount"], run["unreadStreams"], run["unreadableStreams"]) == (2, 5, 0, 0)
    assert run["dateRange"] == {"start": "2024-01-01T00:00:00.000000000Z", "end": "2024-01-01T00:00:00.000000002Z"}
    assert run["lastWritten"] == "2001-09-09T01:46:40.000000000Z"
    assert START == 1_704_067_200 * 10**9


def test_its_streams_say_what_they_hold_and_lack(reader, runs_store):  # noqa: F811
    streams = reader.get(f"{URL}/{runs_store.pk}/backtest/run-1/streams").json()["streams"]
    assert [stream["path"] for stream in streams] == sorted((QUOTES, FILLS))
    quotes = next(stream for stream in streams if stream["path"] == QUOTES)
    assert (quotes["className"], quotes["identifier"], quotes["rows"], quotes["state"], quotes["problem"]) == (
        "quote_tick", "EURUSD.SIM", 3, "ok", "",
    )  # fmt: skip
    (open_end,) = reader.get(f"{URL}/{runs_store.pk}/live/NODE-7/streams").json()["streams"]
    assert open_end["path"] == OPEN
    assert "has not closed it" in open_end["problem"]


def test_streams_come_in_pages_and_are_narrowed(reader, runs_store):  # noqa: F811
    url = f"{URL}/{runs_store.pk}/backtest/run-1/streams"
    first = reader.get(url, {"limit": 1}).json()
    second = reader.get(url, {"limit": 1, "cursor": first["nextCursor"]}).json()
    assert [page["streams"][0]["path"] for page in (first, second)] == sorted((QUOTES, FILLS))
    assert second["nextCursor"] is None
    assert [s["path"] for s in reader.get(url, {"className": "order_filled"}).json()["streams"]] == [FILLS]
    assert reader.get(url, {"state": "unreadable"}).json()["streams"] == []


def test_the_last_written_run_is_first_and_none_is_lost_between_pages(reader, many):
    seen, cursor = [], ""
    while cursor is not None:
        page = reader.get(URL, {"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen, cursor = seen + instances(page), page["nextCursor"]
    # The two of the later moment, then the three of the earlier; backtests before live runs.
    assert seen == ["N-4", "N-3", "N-0", "N-2", "N-1"]


def test_runs_of_a_store_or_kind(reader, many, runs_store):  # noqa: F811
    assert set(instances(reader.get(URL, {"store": runs_store.name}).json())) == {"run-1", "NODE-7"}
    assert set(instances(reader.get(URL, {"kind": "live"}).json())) == {"N-1", "N-3", "NODE-7"}
    assert instances(reader.get(URL, {"kind": "live", "store": "many"}).json()) == ["N-3", "N-1"]


def test_the_list_costs_a_constant_number_of_queries(reader, many, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        assert len(reader.get(URL).json()["runs"]) == 5


def test_what_is_not_there_not_allowed_not_read(client, reader, nobody_client, trader, bearer, many):
    run = f"{URL}/{many.pk}/live/N-1"
    for url in (URL, run, f"{run}/streams"):
        assert reader.get(url).status_code == 200
        assert_problem(client.get(url), 401)
        assert_problem(nobody_client.get(url), 403, "view_dataset")
        assert_problem(bearer(trader, "export").get(url), 403, "scope read")
        assert_problem(reader.post(url), 405)
    for part in ("", "/streams"):
        assert_problem(reader.get(f"{URL}/{many.pk}/backtest/N-1{part}"), 404)
        assert_problem(reader.get(f"{URL}/{many.pk + 1}/live/N-1{part}"), 404)
        assert_problem(reader.get(f"{URL}/{many.pk}/paper/N-1{part}"), 422)
        assert_problem(reader.get(f"{URL}/{many.pk}/live/N%00{part}"), 422)
        assert_problem(reader.get(f"{URL}/{10**30}/live/N-1{part}"), 404)
    assert_problem(reader.get(URL, {"store": "nowhere"}), 404)
    assert_problem(reader.get(URL, {"kind": "paper"}), 422)
    assert_problem(reader.get(URL, {"cursor": "xyz"}), 422, "cursor")
    assert_problem(reader.get(f"{run}/streams", {"cursor": "xyz"}), 422, "cursor")
