"""Live and backtest runs: their streams are listed, counted once at rest, and grouped by run."""

import os
from pathlib import Path

import pyarrow as pa
import pytest
from django.urls import reverse

from catalog_app.models import RunFile, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.pages.conftest import START

LONG_AGO = 10**18
QUOTES = "backtest/run-1/quote_tick/EURUSD.SIM/EURUSD.SIM_1704067200000000000.feather"
FILLS = "backtest/run-1/order_filled_1704067200000000000.feather"
OPEN = "live/NODE-7/trade_tick/BTCUSDT.BINANCE/BTCUSDT.BINANCE_1704067200000000000.feather"


def put(root: Path, path: str, *, rows: int = 3, whole: bool = True, at_rest: bool = True) -> None:
    """Write a stream of some rows."""
    table = pa.table({"ts_init": pa.array([START + n for n in range(rows)], pa.uint64())})
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as sink:
        writer = pa.ipc.new_stream(sink, table.schema)
        writer.write_table(table)
        if whole:
            writer.close()
    if at_rest:
        os.utime(target, ns=(LONG_AGO, LONG_AGO))


@pytest.fixture
def runs_store(db: None, tmp_path: Path) -> Store:
    root = tmp_path / "runs"
    (root / "data").mkdir(parents=True)
    put(root, QUOTES)
    put(root, FILLS, rows=2)
    put(root, OPEN, whole=False)
    store = register_store(root)
    assert sync_store(store).run_files == 3
    return store


def test_streams_are_listed_with_what_they_hold(runs_store):
    quotes, fills, open_end = (runs_store.run_files.get(path=path) for path in (QUOTES, FILLS, OPEN))
    assert (quotes.kind, quotes.instance_id, quotes.class_name, quotes.identifier) == (
        "backtest", "run-1", "quote_tick", "EURUSD.SIM",
    )  # fmt: skip
    assert (quotes.rows, quotes.start_ns, quotes.end_ns, quotes.problem) == (3, START, START + 2, "")
    assert (fills.class_name, fills.identifier, fills.rows) == ("order_filled", "", 2)
    assert open_end.rows == 3
    assert "has not closed it" in open_end.problem


def test_a_stream_that_is_being_written_is_counted_once_at_rest(runs_store):
    put(Path(runs_store.root), OPEN, rows=9, at_rest=False)
    sync_store(runs_store)
    file = runs_store.run_files.get(path=OPEN)
    assert (file.state, file.rows) == (IndexState.LISTED, None)

    os.utime(Path(runs_store.root) / OPEN, ns=(LONG_AGO, LONG_AGO + 1))
    sync_store(runs_store)
    assert runs_store.run_files.get(path=OPEN).rows == 9


def test_damage_and_loss_are_seen(runs_store):
    root = Path(runs_store.root)
    (root / QUOTES).write_bytes(b"no stream")
    os.utime(root / QUOTES, ns=(LONG_AGO, LONG_AGO))
    (root / FILLS).unlink()
    sync_store(runs_store)
    assert runs_store.run_files.get(path=QUOTES).state == IndexState.UNREADABLE
    assert not runs_store.run_files.filter(path=FILLS).exists()


def test_a_stream_that_nothing_was_written_to_is_no_damage(trader_client, runs_store):
    empty = Path(runs_store.root) / "backtest/run-1/account_state_1.feather"
    empty.touch()
    os.utime(empty, ns=(LONG_AGO, LONG_AGO))
    sync_store(runs_store)
    assert runs_store.run_files.get(class_name="account_state").rows == 0
    assert "Damage" not in trader_client.get(reverse("catalog:runs")).content.decode()
    run = trader_client.get(reverse("catalog:run", args=[runs_store.pk, "backtest", "run-1"])).content.decode()
    assert "Nothing was written to 1 other stream: account state." in run


def test_the_page_lists_runs_and_leads_to_their_streams(trader_client, runs_store):
    html = trader_client.get(reverse("catalog:runs")).content.decode()
    assert "run-1" in html
    assert "NODE-7" in html
    run = trader_client.get(reverse("catalog:run", args=[runs_store.pk, "backtest", "run-1"])).content.decode()
    assert "quote tick" in run
    assert "order filled" in run
    assert "NODE-7" not in run


def test_runs_are_those_of_the_store_and_kind_that_are_asked_for(trader_client, runs_store, store):
    url = reverse("catalog:runs")
    assert "NODE-7" not in trader_client.get(url, {"store": store.name}).content.decode()
    live = trader_client.get(url, {"kind": "live"}).content.decode()
    assert "NODE-7" in live
    assert "run-1" not in live
    assert trader_client.get(url, {"store": "nowhere"}).status_code == 404
    assert "No runs" in trader_client.get(url, {"store": store.name}).content.decode()


def test_a_run_that_is_not_there(trader_client, runs_store):
    assert trader_client.get(reverse("catalog:run", args=[runs_store.pk, "live", "other"])).status_code == 404


def test_runs_need_the_permission(nobody_client, runs_store):
    for url in (reverse("catalog:runs"), reverse("catalog:run", args=[runs_store.pk, "live", "NODE-7"])):
        assert nobody_client.get(url).status_code == 403


def test_the_overview_counts_the_runs_of_a_store(trader_client, runs_store):
    assert "2 runs" in trader_client.get("/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_runs(trader_client, runs_store, django_assert_max_num_queries):
    for number in range(60):
        RunFile.objects.create(
            store=runs_store, kind="live", instance_id=f"N-{number}", class_name="x", path=f"live/N-{number}/x.feather",
            size_bytes=1, mtime_ns=1,
        )  # fmt: skip
    with django_assert_max_num_queries(10):
        trader_client.get(reverse("catalog:runs"))
