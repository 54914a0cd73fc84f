"""Walks of quotes and trades for tests of windowed checks, in ticks of 0.01."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.check import PRICE, Check, CheckContext
from quality_app.checks.prepare import prepare
from quality_app.tests.checks.marking import marks_of
from quality_app.tests.frames import START_NS, context, raw

TICK = raw("0.01")
SECOND_NS = 1_000_000_000


def known(data_type: str, **facts: Any) -> CheckContext:
    """What is known of a share that trades in cents."""
    return context(data_type, **{"price_precision": 2, "price_increment": TICK, **facts})


def walk(count: int, seed: int = 0, *, still: bool = False) -> list[int]:
    """Prices in ticks: steps of 3 ticks or so about 100.00, or one price all the time."""
    steps = np.random.default_rng(seed).normal(0, 0 if still else 3, count)
    return [int(price) for price in 10_000 + np.cumsum(steps).round()]


def quotes_at(mids: Sequence[int | None], *, spread: int = 2, apart: int = SECOND_NS) -> pl.DataFrame:
    """Quotes around mids in ticks; no ask where the mid is None."""
    return _frame(
        {
            "bid_price": [None if mid is None else mid - spread // 2 for mid in mids],
            "ask_price": [None if mid is None else mid - spread // 2 + spread for mid in mids],
        },
        "quote",
        apart,
    )


def trades_at(prices: Sequence[int | None], *, apart: int = SECOND_NS) -> pl.DataFrame:
    """Trades at prices in ticks."""
    return _frame({"price": prices}, "trade", apart)


def _frame(ticks: dict[str, Sequence[int | None]], data_type: str, apart: int) -> pl.DataFrame:
    columns = {
        name: pl.Series([None if value is None else value * TICK for value in values], dtype=pl.Int128)
        for name, values in ticks.items()
    }
    times = (START_NS + pl.int_range(pl.len()) * apart).alias("ts_init")
    return prepare(pl.DataFrame(columns).with_columns(times), {PRICE}, known(data_type))


def marked(check: Check, frame: pl.DataFrame, about: CheckContext) -> list[int]:
    """Positions of the rows that a check marks; marks are never null."""
    marks = marks_of(check, frame, about)
    assert marks.dtype == pl.Boolean
    assert marks.null_count() == 0
    return list(marks.arg_true())


def marked_in_slices(check: Check, frame: pl.DataFrame, about: CheckContext, size: int) -> list[int]:
    """The same, of slices that see no more than the check's reach around them."""
    before, after = check.reach(check.values(about))
    found = []
    for start in range(0, len(frame), size):
        first = max(start - before, 0)
        part = frame[first : start + size + after]
        found += [first + row for row in marked(check, part, about) if start <= first + row < start + size]
    return found


def in_price(ticks: float) -> float:
    """Ticks as a price."""
    return ticks * TICK / SCALE
