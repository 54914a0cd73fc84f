"""A decimal point that moves for some rows is found; levels that stay, and prices of few ticks, are not."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_app.checks.shifts import DECIMAL_SHIFT
from quality_app.tests.checks.windowed import known, marked, marked_in_slices, trades_at, walk


def shifted(rows: list[int], factor: Decimal, count: int = 200) -> list[int | None]:
    prices: list[int | None] = [*walk(count)]
    for row in rows:
        prices[row] = int((prices[row] or 0) * factor)
    return prices


@pytest.mark.parametrize("factor", ["0.01", "0.1", "10", "100", "1000"])
@pytest.mark.parametrize("rows", [[50], [1], [198], list(range(60, 80)), [50, 52, 54]])
def test_shifted_rows_are_found_exactly(rows: list[int], factor: str) -> None:
    assert marked(DECIMAL_SHIFT, trades_at(shifted(rows, Decimal(factor))), known("trade")) == rows


@pytest.mark.parametrize("factor", ["2", "5", "8.5", "30", "0.3", "0.02"])
def test_other_factors_are_no_shift(factor: str) -> None:
    assert marked(DECIMAL_SHIFT, trades_at(shifted([50], Decimal(factor))), known("trade")) == []


@pytest.mark.parametrize("rows", [range(50, 71), range(180, 200), range(3)])
def test_a_level_that_stays_is_no_shift(rows: range) -> None:
    assert marked(DECIMAL_SHIFT, trades_at(shifted(list(rows), Decimal("0.1"))), known("trade")) == []


def test_a_jump_that_comes_back_to_another_level_is_no_shift() -> None:
    prices = shifted([50], Decimal(10))
    prices[51:] = [(price or 0) * 5 // 4 for price in prices[51:]]
    assert marked(DECIMAL_SHIFT, trades_at(prices), known("trade")) == []


def test_a_price_of_few_ticks_may_jump_tenfold() -> None:
    cheap: list[int | None] = [5] * 100
    cheap[50] = 50
    assert marked(DECIMAL_SHIFT, trades_at(cheap), known("trade")) == []


def test_prices_without_a_ratio_are_passed_over() -> None:
    prices = shifted([50, 51, 53], Decimal("0.01"))
    prices[52], prices[49], prices[100] = None, 0, -10_000
    assert marked(DECIMAL_SHIFT, trades_at(prices), known("trade")) == [50, 51, 53]
    assert marked(DECIMAL_SHIFT, trades_at([None, 0, None]), known("trade")) == []
    assert marked(DECIMAL_SHIFT, trades_at([]), known("trade")) == []


def test_evidence_shows_the_price_with_its_point_in_place() -> None:
    prices = shifted([50], Decimal(100))
    assert DECIMAL_SHIFT.evidence is not None
    evidence = DECIMAL_SHIFT.evidence(trades_at(prices), pl.Series([50]), known("trade"))
    assert evidence.row(0) == pytest.approx(((prices[50] or 0) / 100, (prices[50] or 0) / 10_000))


@settings(max_examples=40)
@given(
    st.dictionaries(st.integers(0, 199), st.sampled_from(["0", "0.01", "0.1", "3", "10", "1000"]), max_size=60),
    st.integers(10, 120),
)
def test_marks_do_not_depend_on_how_rows_are_cut(changes: dict[int, str], size: int) -> None:
    prices: list[int | None] = [*walk(200)]
    for row, factor in changes.items():
        prices[row] = int((prices[row] or 0) * Decimal(factor))
    frame = trades_at(prices)
    assert marked_in_slices(DECIMAL_SHIFT, frame, known("trade"), size) == marked(DECIMAL_SHIFT, frame, known("trade"))
