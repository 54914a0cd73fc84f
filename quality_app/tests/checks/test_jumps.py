"""Levels that change over closed hours and stay."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.jumps import JUMP
from quality_app.tests.checks.seasonal_data import HOUR_NS, assert_local, marked, prepared, trades
from quality_app.tests.frames import START_NS, context

KNOWN = context("trade")
MINUTE_NS = HOUR_NS // 60


def with_breaks(prices: list[float], after: dict[int, int]) -> pl.DataFrame:
    """Trades a minute apart, with breaks of so many minutes before some rows."""
    steps = np.ones(len(prices), np.int64)
    for row, minutes in after.items():
        steps[row] = minutes
    return trades(prices).with_columns(ts_event=pl.Series(START_NS + np.cumsum(steps) * MINUTE_NS))


@pytest.mark.parametrize("level", [12.1, 8.2, 1.0, 100.0])
def test_a_level_that_changes_over_a_break_and_stays_is_marked_once(level: float) -> None:
    assert marked(JUMP, with_breaks([10.0] * 10 + [level] * 10, {10: 30}), KNOWN) == [10]


@pytest.mark.parametrize("level", [11.9, 8.4, 10.0])
def test_smaller_changes_are_no_jumps(level: float) -> None:
    assert marked(JUMP, with_breaks([10.0] * 10 + [level] * 10, {10: 600}), KNOWN) == []


def test_without_a_break_it_is_no_jump() -> None:
    assert marked(JUMP, with_breaks([10.0] * 10 + [20.0] * 10, {10: 29}), KNOWN) == []


def test_a_single_wrong_price_at_the_open_is_no_jump() -> None:
    assert marked(JUMP, with_breaks([10.0] * 10 + [20.0] + [10.0] * 9, {10: 600}), KNOWN) == []


def test_prices_that_drift_through_many_breaks_do_not_jump() -> None:
    prices = [10.0 * 1.08**n for n in range(20)]
    assert marked(JUMP, with_breaks(prices, dict.fromkeys(range(20), 1_440)), KNOWN) == []


def test_a_level_of_too_few_known_prices_gives_no_verdict() -> None:
    prices = [10.0] * 10 + [20.0] + [float("nan")] * 4 + [20.0] * 5
    assert marked(JUMP, with_breaks(prices, {10: 600}), KNOWN) == []
    assert marked(JUMP, with_breaks([10.0] * 10 + [20.0], {10: 600}), KNOWN) == []


def test_evidence_is_the_new_level_and_the_old_one() -> None:
    frame = with_breaks([10.0] * 10 + [120.0] * 10 + [1.2] * 10, {10: 600, 15: 600, 20: 600})
    assert marked(JUMP, frame, KNOWN) == [10, 20]
    assert JUMP.evidence is not None
    shown = JUMP.evidence(prepared(JUMP, frame, KNOWN), pl.Series([10, 20]), KNOWN)
    assert shown["value"].to_list() == pytest.approx([120.0, 1.2])
    assert shown["expected"].to_list() == pytest.approx([10.0, 120.0])


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(1, 60))
def test_marks_depend_on_rows_within_reach_alone(seed: int, first: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    prices = 10 * np.cumprod(np.where(rng.random(60) < 0.1, rng.choice([0.5, 2.0], 60), 1))
    prices[rng.integers(0, 60, 2)] = np.nan
    frame = with_breaks(prices.tolist(), {int(n): 60 for n in rng.integers(0, 60, 20)})
    assert_local(JUMP, frame, KNOWN, first, min(first + count, 60))
