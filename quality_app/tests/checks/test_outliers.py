"""Quotes and trades that stand off and come back are found; moves, pauses and single steps are not."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_app.checks import neighbours
from quality_app.checks.check import Check
from quality_app.checks.outliers import QUOTE_OUTLIER, TRADE_OUTLIER
from quality_app.tests.checks.seasonal_data import profile
from quality_app.tests.checks.windowed import (
    SECOND_NS,
    TICK,
    in_price,
    known,
    marked,
    marked_in_slices,
    quotes_at,
    trades_at,
    walk,
)

Case = tuple[Check, Any, str]
QUOTES: Case = (QUOTE_OUTLIER, quotes_at, "quote")
TRADES: Case = (TRADE_OUTLIER, trades_at, "trade")
both = pytest.mark.parametrize("case", [QUOTES, TRADES], ids=["quotes", "trades"])


def found(case: Case, prices: Sequence[int | None], **facts: Any) -> list[int]:
    check, frame_of, data_type = case
    return marked(check, frame_of(prices), known(data_type, **facts))


def local_deviation(prices: list[int], row: int, half: int = 25) -> float:
    """The mean absolute deviation of a row's neighbours from their median, in ticks."""
    others = np.array([*prices[row - half : row], *prices[row + 1 : row + half + 1]])
    return float(np.abs(others - np.median(others)).mean())


@both
def test_spikes_of_twelve_local_deviations_are_found_exactly(case: Case) -> None:
    prices, spikes = walk(3_000), range(100, 2_900, 200)
    bad = list(prices)
    for row in spikes:
        bad[row] += round(12 * local_deviation(prices, row)) * (1 if row % 400 else -1)
    assert found(case, bad) == list(spikes)
    assert found(case, prices) == []


@both
def test_a_spike_of_a_few_deviations_is_none(case: Case) -> None:
    prices = walk(1_000)
    prices[500] += round(4 * local_deviation(prices, 500))
    assert found(case, prices) == []


@both
@pytest.mark.parametrize(("length", "rows"), [(1, [300]), (3, [300, 301, 302]), (6, [])])
def test_a_short_run_is_found_and_a_longer_one_is_a_level(case: Case, length: int, rows: list[int]) -> None:
    prices = walk(600)
    prices[300 : 300 + length] = [price + 1_000 for price in prices[300 : 300 + length]]
    assert found(case, prices, values=longest_run(case, 5)) == rows


def longest_run(case: Case, rows: int) -> dict[str, dict[str, int]]:
    return {case[0].id: {"longestRun": rows}}


@both
@pytest.mark.parametrize("row", [3, 150, 297])
def test_a_level_that_persists_is_no_outlier(case: Case, row: int) -> None:
    prices = walk(300)
    assert found(case, [*prices[:row], *(price + 500 for price in prices[row:])]) == []


@both
def test_a_steep_move_there_and_back_is_no_outlier(case: Case) -> None:
    prices = walk(300, still=True)
    for away in range(-4, 5):
        prices[150 + away] += 200 - 50 * abs(away)
    assert found(case, prices) == []


@both
@pytest.mark.parametrize(("aside", "rows"), [(4, [150]), (5, [])])
def test_most_of_the_way_there_and_back_is_one_step(case: Case, aside: int, rows: list[int]) -> None:
    prices = walk(300, still=True)
    prices[150] += 10
    prices[149] += aside
    prices[151] += aside
    # Just above the floor: here what saves work must not leave it out.
    floor = {case[0].id: {"floorTicks" if case is QUOTES else "granularityTicks": Decimal(9)}}
    assert found(case, prices, values=floor) == rows


@both
@pytest.mark.parametrize(("ticks", "rows"), [(1, []), (40, [100])])
def test_one_step_of_a_quiet_market_is_no_outlier(case: Case, ticks: int, rows: list[int]) -> None:
    prices = walk(200, still=True)
    prices[100] += ticks
    assert found(case, prices) == rows


@both
@pytest.mark.parametrize("precision", [2, None])
def test_where_the_increment_is_unknown_the_smallest_step_of_the_window_counts(
    case: Case, precision: int | None
) -> None:
    # The contract trades in quarters; its increment is not known.
    prices = [price * 25 for price in walk(200, still=True)]
    prices[80] += 25
    prices[150] += 5_000
    unknown = {"price_precision": precision, "price_increment": None}
    assert found(case, prices, **unknown) == [150]


@both
@pytest.mark.parametrize(("learned", "rows"), [(4, [150]), (5, []), (None, [])])
def test_where_neighbours_do_not_differ_the_step_of_the_sample_counts(
    case: Case, learned: int | None, rows: list[int]
) -> None:
    prices = walk(200, still=True)
    prices[80] += 7
    # Less than two such steps is no outlier, more is one.
    prices[150] += 9
    facts = {"price_step_raw": None if learned is None else str(learned * TICK)}
    unknown = {"price_precision": None, "price_increment": None, "profile": profile(facts)}
    assert found(case, prices, **unknown) == rows
    basis = case[0].basis(known(case[2], **unknown))
    assert basis["priceStepRaw"] == facts["price_step_raw"]
    assert case[0].basis(known(case[2], profile=profile(facts)))["priceStepRaw"] is None


def test_one_side_that_moves_by_less_than_a_spread_is_no_outlier() -> None:
    frame = quotes_at(walk(200, still=True), spread=40)
    wider = pl.int_range(pl.len()) == 100
    for ticks, rows in ((36, []), (60, [100])):
        ask = pl.when(wider).then(pl.col("ask_price") + ticks * 10**14).otherwise("ask_price").cast(pl.Int128)
        moved = frame.with_columns(ask.alias("ask_price")).with_columns(
            _price=pl.col("_price") + pl.when(wider).then(in_price(ticks / 2)).otherwise(0.0)
        )
        assert marked(QUOTE_OUTLIER, moved, known("quote")) == rows


@both
def test_neighbours_end_where_a_session_breaks(case: Case) -> None:
    check, frame_of, data_type = case
    prices = walk(200)
    # The first three prints of a session that opens lower; the day before is no measure of them.
    prices[100:] = [price - 2_000 for price in prices[100:]]
    prices[100:103] = [price + 2_000 for price in prices[100:103]]
    prices[140] += 2_000
    frame = frame_of(prices)
    overnight = pl.col("ts_init") + (pl.int_range(pl.len()) >= 100).cast(pl.Int64) * 31 * 60 * SECOND_NS
    assert marked(check, frame.with_columns(overnight), known(data_type)) == [140]
    longer = {check.id: {"breakMinutes": 60}}
    assert 140 in marked(check, frame.with_columns(overnight), known(data_type, values=longer))


@both
def test_undefined_prices_are_neither_outliers_nor_neighbours(case: Case) -> None:
    prices: list[int | None] = [*walk(300)]
    prices[100] = (prices[100] or 0) + 3_000
    prices[99] = prices[101] = prices[140] = None
    prices[200:290] = [None] * 90
    assert found(case, prices) == [100]
    far_away: list[int | None] = [*walk(400)]
    far_away[100], far_away[300] = (far_away[100] or 0) + 3_000, None
    assert found(case, far_away) == [100]
    assert found(case, [None] * 80) == []
    assert found(case, []) == []


@both
def test_too_few_neighbours_tell_nothing(case: Case) -> None:
    prices = walk(10, still=True)
    prices[5] += 5_000
    assert found(case, prices) == []
    assert found(case, [*prices, 10_000]) == [5]


@both
def test_evidence_shows_the_price_and_what_its_neighbours_suggest(case: Case) -> None:
    check, frame_of, data_type = case
    prices = walk(200, still=True)
    prices[100] += 1_000
    assert check.evidence is not None
    evidence = check.evidence(frame_of(prices), pl.Series([100]), known(data_type))
    assert evidence.schema == {"value": pl.Float64, "expected": pl.Float64}
    assert evidence.row(0) == pytest.approx((110.0, 100.0))


def test_the_trimmed_deviation_of_trades_ignores_other_outliers() -> None:
    prices = walk(400)
    for row in (190, 200, 210):
        prices[row] += 2_000
    prices[205] += 300
    assert found(TRADES, prices) == [190, 200, 205, 210]
    untrimmed = {"trade.outlier": {"trim": Decimal(0)}}
    assert found(TRADES, prices, values=untrimmed) == []


steps = st.one_of(st.integers(-4, 4), st.just(0), st.integers(-600, 600), st.none())


@st.composite
def wild_prices(draw: st.DrawFn) -> list[int | None]:
    """Prices with spikes, moves, quiet stretches and holes; enough of them for the fast path."""
    size = draw(st.integers(0, 400))
    base = walk(size, draw(st.integers(0, 50)), still=draw(st.booleans()))
    prices: list[int | None] = [*base]
    for row, step in draw(st.dictionaries(st.integers(0, 399), steps, max_size=40)).items():
        if row < size:
            prices[row] = None if step is None else base[row] + step
    return prices


@both
@settings(max_examples=40)
@given(prices=wild_prices(), size=st.integers(20, 200), pause=st.integers(0, 399))
def test_marks_do_not_depend_on_how_rows_are_cut(case: Case, prices: list[int | None], size: int, pause: int) -> None:
    check, frame_of, data_type = case
    frame = frame_of(prices).with_columns(
        pl.col("ts_init") + (pl.int_range(pl.len()) >= pause).cast(pl.Int64) * 3_600 * SECOND_NS
    )
    about = known(data_type)
    assert marked_in_slices(check, frame, about, size) == marked(check, frame, about)


@both
@settings(max_examples=25)
@given(prices=wild_prices(), deviations=st.integers(1, 9))
def test_the_fast_path_leaves_out_no_outlier(case: Case, prices: list[int | None], deviations: int) -> None:
    # Slices of one row have no complete surroundings: there every row is looked at.
    check, frame_of, data_type = case
    about = known(data_type, values={check.id: {"deviations": Decimal(deviations)}})
    frame = frame_of(prices[:120])
    expected = marked_in_slices(check, frame, about, 1)
    assert marked(check, frame, about) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_CHUNK", 16)
        assert marked(check, frame, about) == expected
