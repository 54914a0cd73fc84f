"""Prices that leap away and come back, and volumes out of proportion."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks import spikes
from quality_app.checks.learning import learn_profile
from quality_app.checks.spikes import SPIKE, VOLUME
from quality_app.tests.checks.seasonal_data import assert_local, marked, prepared, profile, trades
from quality_app.tests.frames import MONDAY_NS, context, frame_of, raw, rows_of

USUAL = context("trade", profile=profile(**{"return": (0.0, 1e-4)}))


def walk(count: int, seed: int = 1, scale: float = 1e-4) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0, scale, count))) * 1.1


def test_finds_each_spike_and_nothing_else() -> None:
    prices = walk(2_000)
    rows = list(range(50, 1_950, 100))
    prices[rows] *= 1 + np.where(np.arange(len(rows)) % 2, 0.006, -0.006)
    assert marked(SPIKE, trades(prices), USUAL) == rows


def test_marks_all_rows_of_a_spike_until_the_price_is_back() -> None:
    prices = walk(200)
    prices[100:105] *= 1.08
    assert marked(SPIKE, trades(prices), USUAL) == [100, 101, 102, 103, 104]


def test_a_level_that_stays_is_no_spike() -> None:
    prices = walk(200)
    prices[100:] *= 1.08
    prices[50:56] *= 1.08  # back after six rows, one more than counts
    assert marked(SPIKE, trades(prices), USUAL) == []


def test_a_move_that_comes_back_by_less_than_four_fifths_is_no_spike() -> None:
    prices = np.full(100, 1.1)
    prices[50] *= 1.01
    prices[51:] *= 1.0021
    assert marked(SPIKE, trades(prices), USUAL) == []
    prices[51:] = 1.1 * 1.0019
    assert marked(SPIKE, trades(prices), USUAL) == [50]


def test_sound_rows_between_two_spikes_are_not_marked() -> None:
    prices = walk(200)
    prices[[100, 102, 105]] *= 1.02
    assert marked(SPIKE, trades(prices), USUAL) == [100, 102, 105]


def test_bouncing_between_bid_and_ask_is_no_spike() -> None:
    prices = 1.1 + 0.0004 * np.random.default_rng(3).integers(0, 2, 3_000)
    frame = trades(prices)
    known = replace(USUAL, profile=learn_profile(frame, USUAL))
    assert marked(SPIKE, frame, known) == []
    frame = trades(np.append(prices, [1.15, 1.1]))
    assert marked(SPIKE, frame, known) == [3_000]


def test_prices_that_never_moved_are_held_against_the_increment() -> None:
    still = replace(USUAL, profile=profile(**{"return": (0.0, None)}))
    prices = np.full(100, 1.1)
    prices[50], prices[70] = 1.10005, 1.1002
    assert marked(SPIKE, trades(prices), still) == [70]
    assert SPIKE.obstacle(still) is None
    assert "increment is unknown" in (SPIKE.obstacle(replace(still, price_increment=None)) or "")


def test_each_hour_has_its_own_scale() -> None:
    usual = profile(**{"return": (0.0, 1e-4)})
    seasonal = usual.seasonal["return"]
    busy = replace(seasonal, scale=(*seasonal.scale[:25], 1e-2, *seasonal.scale[26:]))
    prices = np.full(180, 1.1)
    prices[[30, 90, 150]] *= 1.005  # rows 59 to 118 lie in the second hour of Tuesday
    known = replace(USUAL, profile=replace(usual, seasonal={"return": busy}))
    assert marked(SPIKE, trades(prices), known) == [30, 150]


def test_a_price_of_zero_is_a_spike_only_where_it_is_not_allowed() -> None:
    prices = walk(100)
    prices[50] = 0
    assert marked(SPIKE, trades(prices), USUAL) == [50]
    assert marked(SPIKE, trades(prices), replace(USUAL, negative_prices_allowed=True)) == []


def test_undefined_prices_are_passed_over() -> None:
    prices = walk(100)
    prices[50] *= 1.05
    prices[[20, 45, 52, 60]] = np.nan
    assert marked(SPIKE, trades(prices), USUAL) == [50]
    assert marked(SPIKE, trades(np.full(30, np.nan)), USUAL) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_rows_are_enough_to_run(count: int) -> None:
    assert marked(SPIKE, trades(walk(count)), USUAL) == []


def test_evidence_is_the_price_and_the_level_around() -> None:
    prices = np.full(100, 1.1)
    prices[50:52] = 1.2
    ready = prepared(SPIKE, trades(prices), USUAL)
    assert SPIKE.evidence is not None
    shown = SPIKE.evidence(ready, pl.Series([50, 51]), USUAL)
    assert shown["value"].to_list() == pytest.approx([1.2, 1.2])
    assert shown["expected"].to_list() == pytest.approx([1.1, 1.1])


def test_rules_change_threshold_and_rows() -> None:
    prices = np.full(100, 1.1)
    prices[50:53] *= 1.003
    assert marked(SPIKE, trades(prices), USUAL) == [50, 51, 52]
    for values in ({"threshold": Decimal(40)}, {"rows": 2}):
        assert marked(SPIKE, trades(prices), replace(USUAL, values={"return.spike": values})) == []


def test_does_not_run_without_a_profile() -> None:
    assert SPIKE.obstacle(context("trade"))
    assert VOLUME.obstacle(context("trade"))
    assert SPIKE.obstacle(USUAL) is None


@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(1, 120))
def test_marks_depend_on_rows_within_reach_alone(seed: int, first: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    prices = walk(300, seed)
    prices[rng.integers(0, 300, 30)] *= 1 + rng.normal(0, 0.003, 30)
    prices[rng.integers(0, 300, 3)] = np.nan
    prices[rng.integers(0, 300, 1)] = 0
    whole = marked(SPIKE, trades(prices), USUAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spikes, "_BLOCK", 16)
        assert marked(SPIKE, trades(prices), USUAL) == whole
    assert_local(SPIKE, trades(prices), USUAL, min(first, 299), min(first + count, 300))


def bars(volumes: list[str | None]) -> pl.DataFrame:
    frame = frame_of("bar", rows_of("bar", len(volumes), MONDAY_NS))
    return frame.with_columns(pl.Series("volume", [v and raw(v) for v in volumes], dtype=pl.Int128))


def test_a_huge_volume_is_marked_and_shown_beside_the_usual_one() -> None:
    known = context("bar", profile=profile(volume=(float(np.log(10)), 0.5)))
    # exp(8 x 0.5) is 54.6 times as much.
    frame = bars(["10", "545", "547", None, "0"])
    assert marked(VOLUME, frame, known) == [2]
    assert VOLUME.evidence is not None
    shown = VOLUME.evidence(prepared(VOLUME, frame, known), pl.Series([2]), known)
    assert shown.row(0) == pytest.approx((547, 10))


def test_volumes_that_are_all_the_same_give_no_verdict() -> None:
    known = context("bar", profile=profile(volume=(0.0, 0.0)))
    assert "all the same" in (VOLUME.obstacle(known) or "")


def test_a_short_spike_counts_in_a_calm_market_and_a_long_one_needs_more() -> None:
    prices = np.full(200, 1.1)
    prices[50] *= 1.0008  # eight scales
    prices[100:103] *= 1.0018  # eighteen: below 12 x the root of 3
    prices[150:153] *= 1.0022
    assert marked(SPIKE, trades(prices), USUAL) == [50, 150, 151, 152]
