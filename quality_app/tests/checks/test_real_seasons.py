"""Seasonal checks on real data: silent as it is, and not blind."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from catalog_app.store.reader import scan
from catalog_app.tests.market import market_path
from quality_app.calendars import calendar_for
from quality_app.checks.check import CheckContext
from quality_app.checks.learning import learn_profile
from quality_app.checks.session_rows import OUTSIDE
from quality_app.checks.spikes import SPIKE
from quality_app.checks.spreads import WIDE
from quality_app.checks.stale import STALE
from quality_app.sessions import DAY_NS, sessions
from quality_app.tests.checks.seasonal_data import HOUR_NS, marked, marks
from quality_app.tests.frames import context

EURUSD = "quote_tick/EURUSD.SIM/2020-01-01T17-00-00-065000000Z_2020-01-01T23-00-52-125000000Z.parquet"
GBPUSD = "bar/GBPUSD.SIM-1-MINUTE-ASK-EXTERNAL/2012-02-01T00-00-00-000000000Z_2012-02-10T21-58-00-000000000Z.parquet"


def read(path: str, data_type: str) -> pl.DataFrame:
    root = str(market_path("stores/nautilus-1.231"))
    return scan(root, [f"data/{path}"], data_type, positions=True).collect()


def known(frame: pl.DataFrame, data_type: str) -> CheckContext:
    """What the desk knows of a currency pair, its profile included."""
    calendar = calendar_for("SIM", symbol="EURUSD")
    first, last = frame["ts_event"].item(0), frame["ts_event"].item(-1)
    hours = sessions(calendar, first - DAY_NS, last + DAY_NS)
    facts = context(data_type, sessions=hours, calendar=calendar.name, zone="America/New_York")
    return replace(facts, profile=learn_profile(frame, facts))


@pytest.fixture(scope="module")
def eurusd() -> pl.DataFrame:
    """HistData's quotes at their true time: EST, which the store holds as if it were UTC."""
    return read(EURUSD, "quote").with_columns(pl.col("ts_event", "ts_init") + 5 * HOUR_NS)


@pytest.fixture(scope="module")
def gbpusd() -> pl.DataFrame:
    return read(GBPUSD, "bar")


def test_real_quotes_are_left_alone(eurusd: pl.DataFrame) -> None:
    facts = known(eurusd, "quote")
    for check in (SPIKE, WIDE, STALE, OUTSIDE):
        assert check.obstacle(facts) is None
        assert marked(check, eurusd, facts) == []


def test_real_bars_are_left_alone(gbpusd: pl.DataFrame) -> None:
    assert marked(SPIKE, gbpusd, known(gbpusd, "bar")) == []


def test_eastern_time_stored_as_utc_lies_outside_the_week() -> None:
    stored = read(EURUSD, "quote")
    before_the_open = (stored["ts_event"] < 1_577_916_000_000_000_000).to_list()  # 22:00 UTC, New York 17:00
    assert marks(OUTSIDE, stored, known(stored, "quote")) == before_the_open


def test_spikes_of_ten_local_deviations_and_more_are_found(gbpusd: pl.DataFrame) -> None:
    close = gbpusd["close"].cast(pl.Float64).to_numpy()
    windows = np.delete(np.lib.stride_tricks.sliding_window_view(close, 51), 25, axis=1)
    median = np.median(windows, axis=1)
    deviation = np.median(np.abs(windows - median[:, None]), axis=1)
    rng = np.random.default_rng(7)
    rows = np.arange(40, len(close) - 40, 60)
    height = rng.uniform(10, 40, len(rows)) * rng.choice([-1, 1], len(rows)) * deviation[rows - 25]
    close[rows] = median[rows - 25] + height
    spiked = gbpusd.with_columns(close=pl.Series(np.round(close / 1e11)).cast(pl.Int128) * pl.lit(10**11, pl.Int128))
    found = np.array(marks(SPIKE, spiked, known(gbpusd, "bar")))
    assert found[rows].mean() >= 0.95
    assert found[rows].sum() / found.sum() >= 0.99
