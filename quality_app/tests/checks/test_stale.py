"""Quotes that stand unchanged for too long, in trading time."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks import stale
from quality_app.checks.stale import STALE
from quality_app.tests.checks.seasonal_data import HOUR_NS, assert_local, marked, profile
from quality_app.tests.frames import START_NS, context, frame_of, rows_of

SECOND_NS = 1_000_000_000
DAY = pl.DataFrame({"open_ns": [START_NS], "close_ns": [START_NS + 24 * HOUR_NS]})
# 99.9 % of quotes change within 30 s: 90 s are too long.
KNOWN = context("quote", profile=profile(wait=(2.0, 30.0)), sessions=DAY, calendar="24/7")


def quotes(seconds: list[int], bids: list[int]) -> pl.DataFrame:
    """Quotes at so many seconds after the start, bids in increments above 1.1."""
    frame = frame_of("quote", rows_of("quote", len(seconds)))
    ts = pl.Series([START_NS + second * SECOND_NS for second in seconds], dtype=pl.Int64)
    bid = pl.Series([11_000 * 10**12 + bid * 10**11 for bid in bids], dtype=pl.Int128)
    return frame.with_columns(ts.alias("ts_event"), ts.alias("ts_init"), bid.alias("bid_price"))


def test_a_quote_that_nothing_follows_for_too_long_is_stale() -> None:
    assert marked(STALE, quotes([0, 10, 100, 191, 200], [1, 2, 3, 4, 5]), KNOWN) == [2]


def test_repeats_are_stale_from_when_they_are_too_old() -> None:
    seconds = list(range(0, 200, 10))
    bids = [*range(5), *[9] * 12, *range(10, 13)]  # stands from 50 s to 170 s
    # At 140 s it is 90 s old, and stays for 10 more.
    assert marked(STALE, quotes(seconds, bids), KNOWN) == [14, 15, 16]


def test_a_change_of_size_alone_is_news() -> None:
    frame = quotes([0, 40, 80, 120], [1, 1, 1, 1])
    assert marked(STALE, frame, KNOWN) == [2, 3]
    sizes = pl.Series([10**16, 10**16, 2 * 10**16, 2 * 10**16], dtype=pl.Int128)
    assert marked(STALE, frame.with_columns(ask_size=sizes), KNOWN) == []


def test_other_quotes_with_the_same_mid_are_news() -> None:
    frame = quotes([0, 50, 100], [0, 1, 0])
    wider = pl.Series([11_000 * 10**12 + step * 10**11 for step in (10, 9, 10)], dtype=pl.Int128)
    assert marked(STALE, frame.with_columns(ask_price=wider), KNOWN) == []


def test_closed_hours_take_no_time() -> None:
    hours = pl.DataFrame(
        {"open_ns": [START_NS, START_NS + 3_000 * SECOND_NS], "close_ns": [START_NS + 60 * SECOND_NS, 2**62]}
    )
    closed = replace(KNOWN, sessions=hours)
    assert marked(STALE, quotes([0, 50, 3_050, 3_200], [1, 2, 3, 4]), closed) == [2]
    nothing = DAY.clear()
    assert marked(STALE, quotes([0, 500], [1, 2]), replace(KNOWN, sessions=nothing)) == []


def test_undefined_quotes_are_followed_like_others() -> None:
    frame = quotes([0, 50, 100, 150], [1, 1, 1, 1])
    frame = frame.with_columns(bid_price=pl.lit(None, dtype=pl.Int128))
    assert marked(STALE, frame, KNOWN) == [1, 2, 3]


def test_rows_out_of_order_do_not_fail() -> None:
    assert marked(STALE, quotes([500, 100, 0, 20], [1, 1, 1, 1]), KNOWN) == []


def test_rules_change_the_limit() -> None:
    frame = quotes([0, 50, 130], [1, 2, 3])
    assert marked(STALE, frame, KNOWN) == []
    shorter = replace(KNOWN, values={"price.stale": {"factor": 2}})
    assert marked(STALE, frame, shorter) == [1]
    assert marked(STALE, frame, replace(shorter, values={"price.stale": {"factor": 2, "leastSeconds": 81}})) == []


def test_does_not_run_where_sessions_or_waits_are_unknown() -> None:
    assert "sessions" in (STALE.obstacle(replace(KNOWN, sessions=None)) or "")
    assert "Too few rows" in (STALE.obstacle(replace(KNOWN, profile=None)) or "")
    assert STALE.obstacle(KNOWN) is None


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(1, 60))
def test_marks_depend_on_rows_within_reach_alone(seed: int, first: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.choice([1, 20, 100], 60)).tolist()
    frame = quotes(seconds, rng.integers(0, 2, 60).tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stale, "LOOK_BACK", 7)
        assert_local(STALE, frame, KNOWN, first, min(first + count, 60))


@given(st.integers(0, 10**6), st.sampled_from([0, 5, 150]))
def test_every_quote_that_stood_too_long_is_found(seed: int, disorder: int) -> None:
    rng = np.random.default_rng(seed)
    seconds = (np.cumsum(rng.choice([1, 1, 1, 20, 100], 80)) + rng.integers(0, disorder + 1, 80)).tolist()
    bids: list[int] = rng.choice([0, 0, 0, 1], 80).tolist()
    expected, came = [], 0
    for row in range(80):
        came = row if row == 0 or bids[row] != bids[row - 1] else came
        if seconds[min(row + 1, 79)] - seconds[came] > 90:
            expected.append(row)
    assert marked(STALE, quotes(seconds, bids), KNOWN) == expected
