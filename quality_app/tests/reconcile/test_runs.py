"""Reconciliations of real stores: what is compared, kept, started, and what it says of a dataset."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from catalog_app.models import Job, Store
from catalog_app.services import changes
from catalog_app.services.jobs import request_cancel, run_inline, run_job
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.market import market_path
from quality_app.models import Reconciliation, ReconciliationRun, Schedule
from quality_app.services.reconciliation import run as reconciliation_run
from quality_app.services.reconciliation.outcome import (
    LIMIT,
    consistency_of,
    cross_validation,
    request_run,
)
from quality_app.services.reconciliation.run import run
from quality_app.services.reconciliation.sources import find_instruments, propose
from quality_app.services.schedules import run_now
from quality_app.tests.conftest import write_rows
from quality_app.tests.frames import MINUTE_NS, START_NS, frame_of, raw, rows_of
from quality_app.tests.reconcile.stores import CLOSES, PRICES, bars, reconcile


def test_what_differs_is_found_down_to_the_rows(make_stores) -> None:
    other = PRICES.copy()
    other[500] += 30 * raw("0.00001")
    kept = np.delete(np.arange(1000), slice(200, 260))
    found = run(reconcile(make_stores(bars(), bars(other[kept], CLOSES[kept]))))
    (pair,) = found.pairs
    assert (pair["matched"], pair["equal"], pair["beyond"]) == (940, 939, 1)
    assert (pair["sides"][0]["missing"], pair["sides"][1]["missing"]) == (60, 0)
    assert pair["sides"][0]["kept"] == [{"startNs": str(CLOSES[200]), "endNs": str(CLOSES[259]), "rows": 60, "peak": 0}]
    assert pair["ticks"]["max"] * found.measures["ticksPerGrain"] == 30
    largest = pair["largest"][0]
    assert (largest["left_row"], largest["right_row"], largest["left_ts"]) == (500, 440, str(CLOSES[500]))
    assert largest["left_file"].startswith("data/bar/GBPUSD.SIM")
    assert pair["fields"]["high"]["beyond"] == 1
    assert [source["rows"] for source in found.sources] == [1000, 940]
    assert found.files.keys() == {source["datasetId"] for source in found.sources}


def test_the_number_of_pieces_does_not_matter(make_stores, monkeypatch: pytest.MonkeyPatch) -> None:
    other = PRICES + np.where(np.arange(1000) % 7 == 0, raw("0.00008"), 0)
    trial = reconcile(make_stores(bars(), bars(other), bars(PRICES[::2], CLOSES[::2])))
    whole = run(trial)
    monkeypatch.setattr("quality_app.reconcile.survey.MARK_ROWS", 50)
    monkeypatch.setattr(reconciliation_run, "PIECE_ROWS", 200)
    cut_up = run(trial)
    assert (cut_up.pairs, cut_up.votes, cut_up.series) == (whole.pairs, whole.votes, whole.series)


def test_bars_are_held_against_bars_built_from_quotes(make_stores) -> None:
    """Four quotes a minute: the last bid of each minute is the close that the bars have, but for one."""
    prices = np.repeat(PRICES, 4)
    times = np.repeat(CLOSES, 4) - np.tile([45, 30, 15, 0], 1000) * 10**9
    rows = frame_of("quote", rows_of("quote", 1))
    quotes = pl.concat([rows] * 4000).with_columns(
        pl.Series("bid_price", [int(value) for value in prices], dtype=pl.Int128),
        pl.Series("ask_price", [int(value) + raw("0.00007") for value in prices], dtype=pl.Int128),
        pl.Series("ts_event", times),
        pl.Series("ts_init", times),
    )
    changed = PRICES.copy()
    changed[700] -= raw("0.00009")
    datasets = [*make_stores(bars(changed)), *make_stores(quotes, data_type="quote")]
    found = run(reconcile(datasets, ("close", "bid")))
    (pair,) = found.pairs
    # The first quote comes in the midst of the first minute: that bar is not built.
    assert found.sources[1]["isBuilt"]
    assert found.sources[1]["firstNs"] == str(CLOSES[1])
    assert (pair["matched"], pair["equal"], pair["beyond"]) == (999, 998, 1)
    assert pair["sides"][0]["missing"] == 0
    assert pair["lag"]["lagNs"] == "0"


def test_open_stamped_bars_are_found_by_their_lag_and_mended_by_a_shift(make_stores) -> None:
    trial = reconcile(make_stores(bars(), bars(PRICES, CLOSES - MINUTE_NS)))
    (pair,) = run(trial).pairs
    assert pair["lag"]["lagNs"] == str(-MINUTE_NS)
    assert pair["equal"] < 500
    trial.sources.filter(position=1).update(shift_ns=MINUTE_NS)
    (pair,) = run(trial).pairs
    assert (pair["lag"]["lagNs"], pair["equal"]) == ("0", 1000)


def test_a_range_is_all_that_is_read(make_stores) -> None:
    found = run(reconcile(make_stores(bars(), bars())), start_ns=int(CLOSES[100]), end_ns=int(CLOSES[199]))
    assert found.pairs[0]["matched"] == 100
    assert [source["rows"] for source in found.sources] == [100, 100]


@pytest.mark.parametrize(
    ("interval", "words"), [(90 * 10**9, "cannot be joined"), (MINUTE_NS // 2, "cannot be joined")]
)
def test_bars_that_do_not_fit_are_refused(make_stores, interval: int, words: str) -> None:
    trial = reconcile(make_stores(bars(), bars()), interval_ns=interval)
    job = run_inline("reconcile", {"reconciliationId": trial.pk})
    assert job.state == "failed"
    assert words in job.error
    assert not ReconciliationRun.objects.exists()


def test_a_source_that_is_gone_or_changed_is_said(make_stores) -> None:
    first, second = make_stores(bars(), bars())
    trial = reconcile([first, second])
    path = Path(second.store.root) / second.files.get().path
    path.write_bytes(path.read_bytes() + b"x")
    job = run_inline("reconcile", {"reconciliationId": trial.pk})
    assert "has changed since it was indexed" in job.error
    second.delete()
    assert "Fewer than two sources" in run_inline("reconcile", {"reconciliationId": trial.pk}).error


def test_a_job_can_be_cancelled(make_stores, data_admin) -> None:
    trial = reconcile(make_stores(bars(), bars()))
    job = request_run(trial, data_admin)
    assert request_run(trial, data_admin) == job  # the one under way
    request_cancel(job)
    assert not run_job(job.pk)
    again = request_run(trial, data_admin)
    assert again != job
    trial.refresh_from_db()
    assert trial.last_job == again


def test_two_sources_share_the_blame_and_three_vote(make_stores) -> None:
    wrong = PRICES.copy()
    wrong[100:200] += raw("0.00100")
    first, second, third = make_stores(bars(), bars(), bars(wrong))
    assert consistency_of(first) is None
    run(reconcile([first, third]))
    assert consistency_of(first) == consistency_of(third) == (100, 1000, LIMIT)
    run(reconcile([first, second, third]))
    assert consistency_of(second) == (0, 1000, LIMIT)
    assert consistency_of(third) == (100, 1000, LIMIT)
    assert Fraction(1, 20) == LIMIT
    voters = ReconciliationRun.objects.first().votes["sources"]
    assert [voter["outliers"] for voter in voters] == [0, 0, 100]
    assert voters[2]["kept"][0]["startNs"] == str(CLOSES[100])


def test_bars_and_the_ticks_they_came_from_are_one_voter(make_stores) -> None:
    """The bars and the trades of one store agree, so nothing tells that a third source is the wrong one."""
    trades = frame_of("trade", rows_of("trade", 1))
    price = pl.Series("price", [int(value) for value in PRICES], dtype=pl.Int128)
    trades = pl.concat([trades] * 1000).with_columns(price, ts_event=pl.Series(CLOSES), ts_init=pl.Series(CLOSES))
    bar, other = make_stores(bars(), bars(PRICES + raw("0.00100")))
    write_rows(bar.store, "trade", trades)
    sync_store(bar.store)
    trade = bar.store.datasets.get(data_type="trade")
    found = run(reconcile([bar, other, trade], ("close", "close", "last")))
    assert (found.measures["origins"], found.votes["sources"][1]["outliers"]) == (2, found.votes["decided"])
    assert "they vote as one" in found.measures["notes"][0]
    # Of the two pairs of each, one is beyond the limit throughout.
    assert consistency_of(bar) == (1000, 1999, LIMIT)


def test_the_worst_of_the_latest_counts_and_what_does_not_count_is_left_out(make_stores) -> None:
    wrong = PRICES + raw("0.00100")
    first, second, third = make_stores(bars(), bars(), bars(wrong))
    run(reconcile([first, second]))
    apart = reconcile([first, third])
    run(apart)
    assert consistency_of(first) == (1000, 1000, LIMIT)
    Reconciliation.objects.filter(pk=apart.pk).update(counts_in_score=False)
    assert consistency_of(first) == (0, 1000, LIMIT)


def test_changed_files_make_it_unknown_and_added_ones_do_not(make_stores) -> None:
    first, second = make_stores(bars(), bars())
    run(reconcile([first, second]))
    write_rows(first.store, "bar", bars(PRICES[:10], CLOSES[-1] + CLOSES[:10] - START_NS))
    sync_store(first.store)
    assert consistency_of(first) == (0, 1000, LIMIT)
    first.files.update(mtime_ns=1)
    assert consistency_of(first) is None


def test_an_integrity_report_names_each_other_source(make_stores) -> None:
    first, second, third = make_stores(bars(), bars(), bars(PRICES + raw("0.00100")))
    run(reconcile([first, second, third]))
    found = cross_validation(first)
    assert [(entry["source"], entry["matched"], entry["discrepancy"]) for entry in found] == [
        ("source 1", 1000, 0),
        ("source 2", 1000, 1),
    ]


def test_a_change_and_a_schedule_start_what_wants_it(make_stores) -> None:
    first, second = make_stores(bars(), bars())
    follows = reconcile([first, second], on_change=True)
    reconcile([first, second])
    reconcile([first, second], on_change=True, enabled=False)
    changes.tell([first.pk], None)
    (job,) = Job.objects.filter(kind="reconcile")
    assert job.parameters == {"reconciliationId": follows.pk}
    Job.objects.all().delete()
    for at, trial in enumerate(Reconciliation.objects.order_by("pk")):
        schedule = Schedule.objects.create(
            name=f"Nightly {at}", kind="reconcile", scope={"reconciliationId": trial.pk}, every_minutes=60
        )
        started = run_now(schedule)
        assert (started is not None) is trial.enabled
    lost = Schedule.objects.create(name="Lost", kind="reconcile", scope={"reconciliationId": 0}, every_minutes=60)
    assert run_now(lost) is None
    lost.refresh_from_db()
    assert "was deleted" in lost.last_note


def test_old_runs_are_forgotten(make_stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation_run, "KEPT_RUNS", 2)
    trial = reconcile(make_stores(bars(PRICES[:50], CLOSES[:50]), bars(PRICES[:50], CLOSES[:50])))
    kept = [run(trial).pk for _ in range(3)]
    assert set(trial.runs.values_list("pk", flat=True)) == set(kept[1:])


def test_candidates_are_the_same_instrument_in_other_stores(make_stores) -> None:
    make_stores(bars(), bars())
    found = propose("GBPUSD.SIM")
    assert [candidate.is_other_venue for candidate in found.candidates] == [False] * 2
    assert (found.chosen, found.interval_ns) == ([0, 1], MINUTE_NS)
    assert find_instruments("gbp") == [("GBP/USD.SIM", 2)]
    assert find_instruments("nothing") == []


def test_within_one_store_bars_are_proposed_with_what_they_come_from(make_stores) -> None:
    quotes = frame_of("quote", rows_of("quote", 100))
    (bar,), (quote,) = make_stores(bars()), make_stores(quotes, data_type="quote")
    found = propose("GBP/USD.SIM")
    assert [found.candidates[at].dataset for at in found.chosen] == [bar, quote]
    # The bars are of the bid.
    assert [candidate.price for candidate in found.candidates] == ["close", "bid"]
    assert found.interval_ns == MINUTE_NS


@pytest.fixture
def real(db: None) -> Store:
    """The store that 1.231.0 wrote from public files."""
    store = register_store(market_path("stores/nautilus-1.231"), read_only=True)
    sync_store(store)
    return store


def test_bid_and_ask_bars_differ_by_the_spread_in_each_minute(real: Store) -> None:
    """FXCM GBP/USD, February 2012: the same minutes, the ask above the bid, and neither ahead."""
    sides = [real.datasets.get(bar_type=f"GBP/USD.SIM-1-MINUTE-{side}-EXTERNAL") for side in ("BID", "ASK")]
    found = run(reconcile(sides))
    (pair,) = found.pairs
    assert pair["matched"] == sides[0].record_count == sides[1].record_count
    assert pair["share"] == 1
    assert pair["median"] < 0
    assert all(row["difference"] < 0 for row in pair["largest"])
    assert pair["lag"]["lagNs"] == "0"


def test_two_dialects_of_the_same_rows_do_not_differ(real: Store) -> None:
    other = register_store(market_path("stores/nautilus-2.0.0rc7"), read_only=True)
    sync_store(other)
    quotes = [store.datasets.get(data_type="quote", instrument_id="EUR/USD.SIM") for store in (real, other)]
    (pair,) = run(reconcile(quotes, ("mid", "mid"), interval_ns=None)).pairs
    assert pair["equal"] == pair["matched"] == quotes[0].record_count
    assert (pair["sides"][0]["alone"], pair["sides"][1]["alone"]) == (0, 0)
