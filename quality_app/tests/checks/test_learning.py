"""What a sample teaches, and what it is too small to teach."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from quality_app.checks.book_state import F_LAST
from quality_app.checks.learning import learn_profile, profile_from_json, profile_to_json
from quality_app.tests.checks.seasonal_data import HOUR_NS, trades
from quality_app.tests.frames import MONDAY_NS, context, frame_of, raw, rows_of

SECOND_NS = 1_000_000_000


def returns(frame: pl.DataFrame) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    seasonal = learn_profile(frame, context("trade")).seasonal["return"]
    return seasonal.median, seasonal.scale


def two_hours(calm: float, busy: float, each: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    steps = np.concatenate([rng.normal(0, calm, each), rng.normal(0, busy, each)])
    ts = np.repeat([MONDAY_NS, MONDAY_NS + HOUR_NS], each) + np.tile(np.arange(each), 2) * SECOND_NS
    return trades(100 * np.exp(np.cumsum(steps))).with_columns(ts_event=pl.Series(ts), ts_init=pl.Series(ts))


def test_each_hour_learns_its_own_scale_and_others_get_the_weeks() -> None:
    _, scale = returns(two_hours(1e-4, 1e-3))
    assert scale[0] == pytest.approx(1e-4, rel=0.15)
    assert scale[1] == pytest.approx(1e-3, rel=0.15)
    assert scale[2] is not None
    assert 1e-4 < scale[2] < 1e-3
    assert set(scale[2:]) == {scale[2]}


def test_an_hour_with_few_rows_gets_the_weeks_scale() -> None:
    frame = two_hours(1e-4, 1e-3)
    _, scale = returns(pl.concat([frame[:600], frame[600:690]]))
    assert scale[1] == scale[2]


def test_steps_between_rows_that_are_no_neighbours_say_nothing() -> None:
    frame = two_hours(1e-4, 1e-4)
    assert "return" in learn_profile(frame, context("trade")).seasonal
    assert "return" not in learn_profile(frame.with_columns(row=pl.col("row") * 2), context("trade")).seasonal
    half = pl.concat([frame, frame.with_columns(pl.col("price") * 2, file=pl.lit("data/b.parquet"))])
    mixed = half.sort("row", maintain_order=True)  # each row beside one of the other file, at twice the price
    assert "return" not in learn_profile(mixed, context("trade")).seasonal


def test_prices_that_do_nothing_but_bounce_are_measured_by_the_bounce() -> None:
    _, scale = returns(trades(np.tile([1.0, 1.001], 1_500)))
    assert all(value is not None and value >= 0.99 * np.log(1.001) for value in scale)


def test_prices_that_seldom_move_are_measured_by_their_moves() -> None:
    prices = np.full(3_000, 1.0)
    prices[np.arange(5, 3_000, 10)] = 1.001
    _, scale = returns(trades(prices))
    assert scale[0] == pytest.approx(1.4826 * np.log(1.001))
    _, scale = returns(trades(np.full(3_000, 1.0)))
    assert set(scale) == {None}


def test_too_few_rows_teach_nothing() -> None:
    profile = learn_profile(trades(np.linspace(1, 2, 50)), context("trade"))
    assert not profile.seasonal
    assert learn_profile(trades([]), context("trade")).rows == 0


def quotes(seconds: list[float], changes: list[int]) -> pl.DataFrame:
    frame = frame_of("quote", rows_of("quote", len(seconds), MONDAY_NS))
    ts = pl.Series([MONDAY_NS + int(s * SECOND_NS) for s in seconds], dtype=pl.Int64)
    bid = pl.Series([raw("1.1") - change * raw("0.00001") for change in changes], dtype=pl.Int128)
    ask = pl.Series([raw("1.1") + raw("0.00011")] * len(seconds), dtype=pl.Int128)
    return frame.with_columns(ts.alias("ts_event"), ts.alias("ts_init"), bid.alias("bid_price"), ask.alias("ask_price"))


def test_waits_last_from_change_to_change_in_trading_time() -> None:
    hours = pl.DataFrame({"open_ns": [MONDAY_NS, MONDAY_NS + 10 * HOUR_NS], "close_ns": [MONDAY_NS + HOUR_NS, 2**62]})
    # Each quote comes twice, a second apart; the market is closed between the 1,800th second pair and ten hours later.
    seconds = [*range(3_600), *range(36_000, 39_600)]
    profile = learn_profile(quotes(seconds, [n // 2 for n in range(7_200)]), context("quote", sessions=hours))
    wait = profile.seasonal["wait"]
    assert (wait.median[0], wait.scale[0], wait.rows[0]) == (2.0, 2.0, 1_800)
    assert "wait" not in learn_profile(quotes(seconds, seconds), context("quote")).seasonal


def test_an_hour_of_few_waits_is_not_held_against_busier_ones() -> None:
    hours = pl.DataFrame({"open_ns": [MONDAY_NS], "close_ns": [2**62]})
    seconds = [*range(3_600), *range(3_600, 7_200, 60)]
    wait = learn_profile(quotes(seconds, seconds), context("quote", sessions=hours)).seasonal["wait"]
    assert wait.scale[0] == 1.0
    assert wait.scale[1] == 60.0


@pytest.mark.parametrize("apart", [1, 5])
def test_hangs_do_not_stretch_what_is_usual(apart: int) -> None:
    # Three hours of quotes, of 3,600 or 720 waits each; the last hour's feed hangs three times.
    hours = pl.DataFrame({"open_ns": [MONDAY_NS], "close_ns": [2**62]})
    waits = np.random.default_rng(3).exponential(apart, 3 * 3_600 // apart)
    seconds = np.cumsum(waits)
    hung = seconds + np.sum([300.0 * (seconds > start) for start in (7_500, 8_000, 8_500)], axis=0)
    sound, broken = (
        learn_profile(quotes(list(times), list(range(len(times)))), context("quote", sessions=hours)).seasonal["wait"]
        for times in (seconds, hung)
    )
    assert sound.scale[2] == pytest.approx(apart * np.log(1_000), rel=0.35)
    assert broken.scale[2] == pytest.approx(sound.scale[2], rel=0.35)
    assert broken.scale[0] == pytest.approx(sound.scale[0], rel=0.35)


def test_hours_of_hardly_any_waits_are_judged_by_the_week_at_least() -> None:
    hours = pl.DataFrame({"open_ns": [MONDAY_NS], "close_ns": [2**62]})
    seconds = [*np.arange(0, 3_600, 2), *np.arange(3_600, 3_603, 0.1)]
    wait = learn_profile(quotes(seconds, list(range(len(seconds)))), context("quote", sessions=hours)).seasonal["wait"]
    assert wait.scale[1] == wait.scale[0] == 2.0


@pytest.mark.parametrize("data_type", ["quote", "trade"])
def test_the_smallest_usual_step_is_learned_where_no_increment_is_known(data_type: str) -> None:
    steps = np.tile([0, 3, -3, 6, -6, 0], 100)
    prices = 10_000 + np.cumsum(steps)
    prices[300] += 1  # finer than the rest: a defect
    column = {"trade": "price", "quote": "bid_price"}[data_type]
    frame = frame_of(data_type, rows_of(data_type, len(prices)))
    frame = frame.with_columns(pl.Series(column, [int(price) * 10**14 for price in prices], dtype=pl.Int128))
    unknown = replace(context(data_type), price_increment=None)
    assert learn_profile(frame, unknown).facts["price_step_raw"] == str(3 * 10**14)
    assert learn_profile(frame.head(1), unknown).facts["price_step_raw"] is None
    assert "price_step_raw" not in learn_profile(frame, replace(unknown, price_increment=10**14)).facts


def test_the_typical_spread_is_relative_to_the_mid() -> None:
    spread = learn_profile(quotes([n / 10 for n in range(200)], [0] * 200), context("quote")).seasonal["spread"]
    assert spread.median[0] == pytest.approx(0.00011 / 1.100055)


@pytest.mark.parametrize(
    ("ids", "share"),
    [(["7", "8", "9", "11"], 2 / 3), (["a", "8", "9"], None), (["1"], None)],
)
def test_venues_that_number_their_trades_are_known_by_their_steps(ids: list[str], share: float | None) -> None:
    frame = trades([1.0] * len(ids)).with_columns(trade_id=pl.Series(ids))
    assert learn_profile(frame, context("trade")).facts["trade_id_step_share"] == share


def test_messages_of_several_deltas_count_once() -> None:
    row = {"action": 1, "side": 1, "price": "1", "size": "1", "order_id": 0, "ts_event": 0, "ts_init": 0}
    numbers = [(5, 0), (5, F_LAST), (6, F_LAST), (9, 0), (9, 0), (9, F_LAST | 32), (10, F_LAST)]
    frame = frame_of("delta", [{**row, "sequence": number, "flags": flags} for number, flags in numbers])
    assert learn_profile(frame, context("delta")).facts["sequence_step_share"] == 2 / 3
    other_file = pl.concat([frame[:3], frame[3:].with_columns(file=pl.lit("data/b.parquet"))])
    assert learn_profile(other_file, context("delta")).facts["sequence_step_share"] == 1.0


def test_a_profile_survives_json_and_is_known_by_its_content() -> None:
    profile = learn_profile(two_hours(1e-4, 1e-3), context("trade"))
    assert profile_from_json(json.loads(json.dumps(profile_to_json(profile)))) == profile
    assert learn_profile(two_hours(1e-4, 1e-3), context("trade")).digest == profile.digest
    assert learn_profile(two_hours(1e-4, 2e-3), context("trade")).digest != profile.digest
    assert learn_profile(two_hours(1e-4, 1e-3), replace(context("trade"), zone="Asia/Tokyo")).digest != profile.digest
