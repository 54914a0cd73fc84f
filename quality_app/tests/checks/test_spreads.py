"""Quotes whose spread is out of proportion for the hour of the week."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.spreads import WIDE
from quality_app.tests.checks.seasonal_data import assert_local, marked, prepared, profile
from quality_app.tests.frames import context, frame_of, raw, rows_of

# One increment in ten thousand of the mid is usual: 50 times as much is half a percent.
KNOWN = context("quote", profile=profile(spread=(1e-4, 0.0)))


def quotes(*sides: tuple[str | None, str | None]) -> pl.DataFrame:
    frame = frame_of("quote", rows_of("quote", len(sides)))
    bids, asks = (
        pl.Series([side and raw(side) for side in column], dtype=pl.Int128) for column in zip(*sides, strict=True)
    )
    return frame.with_columns(bids.alias("bid_price"), asks.alias("ask_price"))


def test_spreads_beyond_the_multiple_are_marked() -> None:
    frame = quotes(("99.75", "100.25"), ("99.74", "100.26"), ("101", "99"), (None, "100"), ("100", "100.01"))
    assert marked(WIDE, frame, KNOWN) == [1]
    assert marked(WIDE, frame, replace(KNOWN, values={"quote.wide": {"multiple": Decimal(53)}})) == []


@pytest.mark.parametrize(
    "first", [("100", "100.01"), ("0.0001", "0.0002"), ("900000", "900000.1"), (None, None), ("-5", "-4")]
)
def test_the_first_price_of_a_batch_does_not_matter(first: tuple[str | None, str | None]) -> None:
    frame = quotes(first, ("0.010", "0.011"), ("1.0", "1.0001"), ("90000", "91000"))
    assert [n for n in marked(WIDE, frame, KNOWN) if n] == [1, 3]


def test_evidence_is_the_spread_and_the_typical_one() -> None:
    frame = quotes(("99", "101"))
    assert WIDE.evidence is not None
    shown = WIDE.evidence(prepared(WIDE, frame, KNOWN), pl.Series([0]), KNOWN)
    assert shown.row(0) == pytest.approx((2, 0.01))


def test_does_not_run_without_a_typical_spread() -> None:
    assert "Too few rows" in (WIDE.obstacle(context("quote")) or "")
    assert WIDE.obstacle(KNOWN) is None


@given(st.integers(0, 10**6), st.integers(0, 39), st.integers(1, 40))
def test_marks_depend_on_the_row_alone(seed: int, first: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    sides = [
        (f"{bid:.2f}", f"{bid * (1 + share):.2f}")
        for bid, share in zip(rng.lognormal(3, 3, 40), rng.choice([0, 0.01], 40), strict=True)
    ]
    assert_local(WIDE, quotes(*sides), KNOWN, first, min(first + count, 40))
