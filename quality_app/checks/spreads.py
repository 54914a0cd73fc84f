"""Quotes whose spread is out of all proportion."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
import polars as pl

from catalog_app.store.schema import INT64_MAX, SCALE
from quality_app.checks.check import NARROW, PRICE, WEEK, Check, CheckContext
from quality_app.checks.narrow import narrow
from quality_app.checks.param import Param
from quality_app.checks.prices import BNHLS
from quality_app.checks.seasonal import by_hour, needs, profile_facts, usual


def _wide(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    limits = float(WIDE.values(context)["multiple"]) * by_hour(usual(context, "spread").median)
    marks = np.zeros(len(frame), np.bool_)
    rows = _wide_at_all(frame, float(limits.min()))
    if len(rows):
        few = frame.select("bid_price", "ask_price", PRICE, WEEK)[rows]
        share = (_spread(few) / few[PRICE]).to_numpy()
        # An undefined or negative mid is for price.positive; it has no spread in proportion.
        marks[rows.to_numpy()[share > limits[few[WEEK].to_numpy()]]] = True
    return pl.Series(marks)


def _wide_at_all(frame: pl.DataFrame, limit: float) -> pl.Series:
    """Rows that may be wider than the smallest limit, by whole numbers: those, and prices far below the first one."""
    first = frame[PRICE].first(ignore_nulls=True)
    usual_price = max(float(first), 0.0) if isinstance(first, float) else 0.0
    least = int(limit * usual_price / 2 * SCALE * (1 - 1e-9))
    wide = _wider_than(frame, least)
    lowest = frame[PRICE].min()
    if isinstance(lowest, float) and lowest < usual_price / 2:
        wide |= frame[PRICE] < usual_price / 2
    return wide.arg_true() if wide.any() else pl.Series([], dtype=pl.UInt32)


def _wider_than(frame: pl.DataFrame, least: int) -> pl.Series:
    bid, ask = narrow(frame, "bid_price"), narrow(frame, "ask_price")
    if bid is not None and ask is not None:
        highest = bid.max()
        if isinstance(highest, int) and highest + least <= INT64_MAX:
            return ask > bid + least
    # Polars compares two columns of such numbers much faster than one with a number.
    return frame.select(pl.col("ask_price") > pl.col("bid_price") + pl.lit(least, dtype=pl.Int128)).to_series()


def _spread(frame: pl.DataFrame) -> pl.Series:
    return (frame["ask_price"] - frame["bid_price"]).cast(pl.Float64) / SCALE


def _evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    rows = frame[marked]
    typical = by_hour(usual(context, "spread").median)[rows[WEEK].to_numpy()]
    return pl.DataFrame({"value": _spread(rows), "expected": rows[PRICE] * pl.Series(typical)})


WIDE: Final = Check(
    id="quote.wide",
    version=1,
    data_types=("quote",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation=f"{BNHLS}, rule Q3, with the median of the hour of the week",
    explanation="The spread is more than so many times what is typical. The paper compares with the median of the "
    "day's session; here it is the median at this hour of the week, relative to the mid, so that quiet hours with "
    "naturally wide spreads are held against themselves and a bad day does not excuse itself.",
    example="An ask of 1.3000 over a bid of 1.1000, where two increments are usual.",
    rule=_wide,
    params=(Param("multiple", "Multiple of the typical spread", Decimal(50), "", Decimal(1), Decimal(100_000)),),
    facts=profile_facts,
    obstacle=needs("spread"),
    needs=frozenset({NARROW, PRICE, WEEK}),
    evidence=_evidence,
)
CHECKS: Final = (WIDE,)
