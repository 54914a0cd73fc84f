"""What the generator promises: the same rows for the same seed, sound, consistent, lifelike."""

import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from catalog_app.demo.calendars import open_grid
from catalog_app.demo.generate import DemoDataset, Scope, generate
from catalog_app.demo.universe import INSTRUMENTS
from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, SCALE, SIZE_COLUMNS

# A Friday, a weekend with the change to daylight saving, and a Monday: every tick window is in it.
DAYS = Scope(first=date(2026, 3, 6), last=date(2026, 3, 9))
HASHER = """
from datetime import date
from catalog_app.demo.generate import Scope
from catalog_app.tests.demo.test_generation import digest
print(digest(Scope(first=date(2026, 3, 6), last=date(2026, 3, 9))))
"""


def digest(scope: Scope) -> str:
    """A hash over every value of every dataset."""
    whole = hashlib.sha256()
    for dataset in generate(scope):
        whole.update(dataset.path.encode())
        whole.update(dataset.frame.write_csv().encode())
    return whole.hexdigest()


@pytest.fixture(scope="module")
def days() -> dict[str, DemoDataset]:
    return {dataset.path: dataset for dataset in generate(DAYS)}


@pytest.fixture(scope="module")
def quarter() -> dict[str, DemoDataset]:
    chosen = ("BTCUSDT.BINANCE", "EUR/USD.SIM", "JPM.XNYS", "GHC.XNYS", "ESH6.GLBX", "6EH6.GLBX")
    return {dataset.path: dataset for dataset in generate(Scope().only(*chosen))}


def bars(datasets: dict[str, DemoDataset], bar_type: str) -> pl.DataFrame:
    """Bars as floats with a UTC time, for statistics."""
    frame = datasets[f"data/bar/{bar_type}-EXTERNAL"].frame
    values = [pl.col(name).cast(pl.Float64) / SCALE for name in ("open", "high", "low", "close", "volume")]
    return frame.select(*values, t=pl.col("ts_init").cast(pl.Datetime("ns", "UTC")))


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    other = subprocess.run(
        [sys.executable, "-c", HASHER],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={"PYTHONHASHSEED": "7", "PATH": "", "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert other.stdout.strip() == digest(DAYS)


def test_another_seed_gives_other_rows() -> None:
    small = Scope(first=date(2026, 3, 6), last=date(2026, 3, 6)).only("JPM.XNYS")
    assert digest(Scope(seed=99, first=small.first, last=small.last, instruments=small.instruments)) != digest(small)


def test_an_instruments_rows_do_not_depend_on_the_others(days: dict[str, DemoDataset]) -> None:
    for dataset in generate(DAYS.only("6EH6.GLBX", "EUR/GBP.SIM")):
        assert dataset.frame.equals(days[dataset.path].frame)


def test_rows_are_canonical_sorted_positive_and_on_the_increment(days: dict[str, DemoDataset]) -> None:
    for dataset in days.values():
        frame, instrument = dataset.frame, dataset.instrument
        assert frame.schema == CANONICAL[dataset.data_type]
        assert frame["ts_init"].is_sorted()
        assert frame.height
        increments = ((PRICE_COLUMNS, instrument.price_increment), (SIZE_COLUMNS, instrument.size_increment))
        for columns, increment in increments:
            raw = pl.lit(int(pl.select(pl.lit(increment).str.to_decimal(scale=16)).item() * SCALE), dtype=pl.Int128)
            for name in columns[dataset.data_type]:
                assert frame.select((pl.col(name) > 0).all() & (pl.col(name) % raw == 0).all()).item(), (
                    dataset.path,
                    name,
                )


def test_bars_are_consistent_and_unique(days: dict[str, DemoDataset]) -> None:
    for dataset in days.values():
        if dataset.data_type == "bar":
            top = pl.col("high") >= pl.max_horizontal("open", "close", "low")
            bottom = pl.col("low") <= pl.min_horizontal("open", "close")
            assert dataset.frame.select(top.all() & bottom.all()).item()
            assert dataset.frame["ts_init"].is_unique().all()
            assert dataset.frame["ts_event"].equals(dataset.frame["ts_init"], check_names=False)


def test_trades_aggregate_to_the_bars_of_their_days(days: dict[str, DemoDataset]) -> None:
    for instrument in ("ESH6.GLBX", "BTCUSDT.BINANCE", "JPM.XNYS"):
        trades = days[f"data/trade_tick/{instrument}"].frame
        stamped = trades.with_columns(t=pl.col("ts_event").cast(pl.Datetime("ns")))
        price = pl.col("price")
        made = stamped.group_by_dynamic("t", every="1m", label="right").agg(
            open=price.first(), high=price.max(), low=price.min(), close=price.last(), volume=pl.col("size").sum()
        )
        written = days[f"data/bar/{instrument}-1-MINUTE-LAST-EXTERNAL"].frame
        aligned = written.with_columns(t=pl.col("ts_init").cast(pl.Datetime("ns")))
        both = aligned.join(made, on="t", how="inner", suffix="_made")
        assert both.height == made.height
        for name in ("open", "high", "low", "close", "volume"):
            assert both[name].equals(both[f"{name}_made"], check_names=False), (instrument, name)


@pytest.mark.parametrize("instrument", ["SOLUSDT.BINANCE", "CLJ6.GLBX", "GHC.XNYS"])
def test_coarser_bars_are_made_of_the_minutes(days: dict[str, DemoDataset], instrument: str) -> None:
    minutes = days[f"data/bar/{instrument}-1-MINUTE-LAST-EXTERNAL"].frame
    opened = minutes.with_columns(t=(pl.col("ts_init") - 1).cast(pl.Datetime("ns")))
    for timeframe, every in (("5-MINUTE", "5m"), ("1-HOUR", "1h"), ("1-DAY", "1d")):
        made = opened.group_by_dynamic("t", every=every, label="right").agg(
            pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
            pl.col("volume").sum(),
        )  # fmt: skip
        written = days[f"data/bar/{instrument}-{timeframe}-LAST-EXTERNAL"].frame
        assert written["ts_init"].to_list() == made["t"].cast(pl.Int64).to_list()
        assert written.select("open", "high", "low", "close", "volume").equals(made.drop("t"))


def test_trades_happen_at_the_quote_before_them(days: dict[str, DemoDataset]) -> None:
    quotes = days["data/quote_tick/XOM.XNYS"].frame
    trades = days["data/trade_tick/XOM.XNYS"].frame
    assert quotes.select((pl.col("bid_price") < pl.col("ask_price")).all()).item()
    near = trades.sort("ts_event").join_asof(quotes.sort("ts_event"), on="ts_event", suffix="_quote")
    at_touch = (pl.col("price") == pl.col("bid_price")) | (pl.col("price") == pl.col("ask_price"))
    assert near.select(at_touch.mean()).item() > 0.99
    assert trades["trade_id"].cast(pl.Int64).diff().drop_nulls().eq(1).all()


def test_arrival_is_milliseconds_after_the_event(days: dict[str, DemoDataset]) -> None:
    frame = days["data/quote_tick/EURUSD.SIM"].frame
    latency = frame["ts_init"] - frame["ts_event"]
    assert latency.min() > 0
    assert 500_000 < latency.median() < 5_000_000
    assert latency.max() < 100_000_000


def test_sessions_follow_the_exchanges_through_holidays_and_daylight_saving(
    quarter: dict[str, DemoDataset], days: dict[str, DemoDataset]
) -> None:
    stock = bars(quarter, "JPM.XNYS-1-MINUTE-LAST")["t"]
    by_day = pl.DataFrame({"t": stock}).group_by(day=stock.dt.date()).agg(pl.col("t").min().dt.time().alias("first"),
        pl.col("t").max().dt.time().alias("last"))  # fmt: skip
    firsts = dict(zip(by_day["day"], by_day["first"], strict=True))
    assert date(2026, 1, 19) not in firsts
    assert date(2026, 2, 16) not in firsts
    assert firsts[date(2026, 3, 6)].isoformat() == "14:31:00"
    assert firsts[date(2026, 3, 9)].isoformat() == "13:31:00"
    currencies = bars(days, "EURUSD.SIM-1-MINUTE-BID")["t"]
    assert currencies.filter(currencies.dt.date() == date(2026, 3, 7)).is_empty()
    assert currencies.filter(currencies.dt.date() == date(2026, 3, 6)).max().strftime("%H:%M") == "22:00"
    assert currencies.filter(currencies.dt.date() == date(2026, 3, 8)).min().strftime("%H:%M") == "21:01"
    future = bars(quarter, "ESH6.GLBX-1-MINUTE-LAST")["t"]
    winter = future.filter(future.dt.date() == date(2026, 2, 3))
    assert winter.filter((winter.dt.hour() == 22) & (winter.dt.minute() > 0)).is_empty()
    assert future.max() <= pl.select(pl.datetime(2026, 3, 20, 13, 30, time_zone="UTC")).item()
    holiday = future.filter(future.dt.date() == date(2026, 1, 19))
    assert holiday.filter((holiday.dt.hour() > 18) & (holiday.dt.hour() < 23)).is_empty()


def test_returns_have_fat_tails_and_clustered_volatility(quarter: dict[str, DemoDataset]) -> None:
    for bar_type in ("BTCUSDT.BINANCE-1-MINUTE-LAST", "EURUSD.SIM-1-MINUTE-BID", "ESH6.GLBX-1-MINUTE-LAST"):
        returns = bars(quarter, bar_type)["close"].log().diff().drop_nulls()
        assert returns.kurtosis() > 3
        size = returns.abs().to_numpy()
        assert np.corrcoef(size[:-10], size[10:])[0, 1] > 0.05
        raw = returns.to_numpy()
        assert abs(np.corrcoef(raw[:-1], raw[1:])[0, 1]) < 0.1


def test_activity_has_the_shape_of_its_market(quarter: dict[str, DemoDataset]) -> None:
    def volume(bar_type: str, zone: str) -> dict[int, float]:
        frame = bars(quarter, bar_type).with_columns(hour=pl.col("t").dt.convert_time_zone(zone).dt.hour())
        means = frame.group_by("hour").agg(pl.col("volume").mean())
        return dict(zip(means["hour"], means["volume"], strict=True))

    stock = volume("JPM.XNYS-1-MINUTE-LAST", "America/New_York")
    assert stock[9] > 1.5 * stock[12] < stock[15]
    currencies = volume("EURUSD.SIM-1-MINUTE-BID", "America/New_York")
    assert currencies[10] > 2 * currencies[19]
    future = volume("ESH6.GLBX-1-MINUTE-LAST", "America/New_York")
    assert future[10] > 3 * future[22]
    coins = bars(quarter, "BTCUSDT.BINANCE-1-DAY-LAST").with_columns(
        weekend=(pl.col("t") - pl.duration(hours=1)).dt.weekday() >= 6
    )
    means = coins.group_by("weekend").agg(pl.col("volume").mean()).sort("weekend")["volume"]
    assert means[1] < 0.8 * means[0]


def test_steady_instruments_have_a_bar_in_every_open_minute(days: dict[str, DemoDataset]) -> None:
    checked = 0
    for dataset in days.values():
        if dataset.instrument.steady and dataset.bar_type and "-1-MINUTE-" in dataset.bar_type:
            closes = open_grid(dataset.instrument.calendar, DAYS.first, DAYS.last).opens + 60 * 10**9
            assert dataset.frame["ts_init"].to_list() == closes.tolist(), dataset.path
            checked += 1
    assert checked > 40


def test_illiquid_instruments_have_quiet_minutes(quarter: dict[str, DemoDataset]) -> None:
    sessions, minutes = 60, 390
    assert bars(quarter, "JPM.XNYS-1-MINUTE-LAST").height == sessions * minutes
    assert 0.1 < bars(quarter, "GHC.XNYS-1-MINUTE-LAST").height / (sessions * minutes) < 0.5
    future = quarter["data/bar/6EH6.GLBX-1-MINUTE-LAST-EXTERNAL"]
    assert future.instrument.expires_ns is not None
    opens = open_grid("cme_fx", date(2026, 1, 4), date(2026, 3, 31)).opens
    assert 0.99 < future.frame.height / (opens < future.instrument.expires_ns).sum() < 1


def test_the_currency_future_follows_the_spot(quarter: dict[str, DemoDataset]) -> None:
    spot = bars(quarter, "EURUSD.SIM-1-HOUR-MID").select("t", spot="close")
    future = bars(quarter, "6EH6.GLBX-1-HOUR-LAST").select("t", future="close")
    ratio = spot.join(future, on="t").select(pl.col("future") / pl.col("spot"))["future"]
    assert ratio.min() > 0.999
    assert ratio.max() < 1.006


def test_about_forty_instruments_on_four_venues() -> None:
    venues = {item.instrument_id.rpartition(".")[2] for item in INSTRUMENTS}
    assert venues == {"BINANCE", "SIM", "XNYS", "GLBX"}
    assert 38 <= len(INSTRUMENTS) <= 45
    assert len({item.instrument_id for item in INSTRUMENTS}) == len(INSTRUMENTS)
    futures = [item for item in INSTRUMENTS if item.instrument_class == "futures_contract"]
    assert all(item.activated and item.expires for item in futures)
