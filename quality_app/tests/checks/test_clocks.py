"""Times that came late, and times in the wrong unit."""

from dataclasses import replace

import polars as pl
import pytest

from quality_app.checks.clocks import LATENCY, UNIT
from quality_app.checks.times import IN_FUTURE
from quality_app.tests.checks.seasonal_data import marked
from quality_app.tests.frames import MINUTE_NS, context, frame_of, rows_of

BINANCE_SWITCH_MS = 1_735_689_600_000  # 2025-01-01


def at(*ns: int) -> pl.DataFrame:
    times = pl.Series(ns, dtype=pl.Int64)
    frame = frame_of("trade", rows_of("trade", len(ns)))
    return frame.with_columns(times.alias("ts_event"), times.alias("ts_init"))


def test_a_row_is_late_beyond_a_minute_and_not_at_it() -> None:
    frame = at(*[BINANCE_SWITCH_MS * 10**6] * 3)
    frame = frame.with_columns(ts_init=frame["ts_event"] + pl.Series([0, MINUTE_NS, MINUTE_NS + 1]))
    assert marked(LATENCY, frame, context("trade")) == [2]
    limit = replace(context("trade"), values={"time.latency": {"limitMs": 59_999}})
    assert marked(LATENCY, frame, limit) == [1, 2]


def test_a_vendors_switch_from_milliseconds_to_microseconds_is_found_on_whichever_side_is_wrong() -> None:
    before, after = BINANCE_SWITCH_MS - 1_000, BINANCE_SWITCH_MS * 1_000
    all_microseconds = at(before * 1_000, after * 1_000)
    assert marked(UNIT, all_microseconds, context("trade")) == [0]
    assert marked(IN_FUTURE, all_microseconds, context("trade")) == []
    # Microseconds read as milliseconds are past what nanoseconds can hold: importers refuse or saturate.
    all_milliseconds = at(before * 10**6, 2**63 - 1)
    assert marked(UNIT, all_milliseconds, context("trade")) == []
    assert marked(IN_FUTURE, all_milliseconds, context("trade")) == [1]


def test_times_around_january_1970_are_right() -> None:
    assert marked(UNIT, at(-1, 0, 31 * 86_400 * 10**9 - 1, 31 * 86_400 * 10**9), context("trade")) == [1, 2]


@pytest.mark.parametrize(("interval_ns", "runs"), [(None, True), (MINUTE_NS, True), (1_440 * MINUTE_NS, False)])
def test_day_bars_may_reach_back_to_1970(interval_ns: int | None, runs: bool) -> None:
    assert (UNIT.obstacle(context("bar", interval_ns=interval_ns)) is None) is runs
