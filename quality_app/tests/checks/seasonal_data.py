"""Profiles and prices for tests of seasonal checks, and the law that marks obey."""

from typing import Any

import numpy as np
import polars as pl

from quality_app.checks.check import Check, CheckContext
from quality_app.checks.prepare import prepare
from quality_app.checks.profile import Profile, Seasonal
from quality_app.tests.checks.marking import marks_of
from quality_app.tests.frames import frame_of, rows_of

HOUR_NS = 3_600_000_000_000


def profile(facts: dict[str, Any] | None = None, /, **usual: tuple[float | None, float | None]) -> Profile:
    """A profile that is the same at every hour: (median, scale) by name."""
    seasonal = {
        name: Seasonal((median,) * 168, (scale,) * 168, (1_000,) * 168) for name, (median, scale) in usual.items()
    }
    return Profile(1_000, "UTC", "test", seasonal, facts or {})


def raw_prices(prices: list[float] | np.ndarray[Any, Any]) -> list[int | None]:
    """Raw prices on a grid of five decimals; NaN is undefined."""
    return [None if np.isnan(price) else round(float(price) * 100_000) * 10**11 for price in prices]


def trades(prices: list[float] | np.ndarray[Any, Any]) -> pl.DataFrame:
    """Trades a minute apart."""
    frame = frame_of("trade", rows_of("trade", len(prices)))
    return frame.with_columns(pl.Series("price", raw_prices(prices), dtype=pl.Int128))


def prepared(check: Check, frame: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """The frame with the columns that the check needs."""
    return prepare(frame, check.needs, context)


def marks(check: Check, frame: pl.DataFrame, context: CheckContext) -> list[bool]:
    """What the rule marks."""
    found = marks_of(check, prepared(check, frame, context), context)
    assert found.dtype == pl.Boolean
    assert not found.null_count()
    return found.to_list()


def marked(check: Check, frame: pl.DataFrame, context: CheckContext) -> list[int]:
    """Positions of marked rows."""
    return [n for n, mark in enumerate(marks(check, frame, context)) if mark]


def assert_local(check: Check, frame: pl.DataFrame, context: CheckContext, first: int, last: int) -> None:
    """Marks of the rows [first, last) are the same when only the rows within reach are known."""
    before, after = check.reach(check.values(context))
    start = max(first - before, 0)
    part = frame[start : min(last + after, len(frame))]
    assert marks(check, part, context)[first - start : last - start] == marks(check, frame, context)[first:last]
