"""Checks of depths: the levels of each side stand in order."""

from fractions import Fraction
from typing import Final

import polars as pl

from quality_app.checks.check import Check, CheckContext


def _levels(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return `row` (position) and `price` of a side's levels that hold something, best first."""
    return (
        frame.select(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"), side)
        .explode(side)
        .select("row", pl.col(side).struct.field("price"), pl.col(side).struct.field("size"))
        .filter(pl.col("price").is_not_null() & (pl.col("size") > 0))
        .select("row", "price")
    )


def best_levels(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `row` (position), `bid` and `ask` of depths with both sides: the highest bid and the lowest ask, raw."""
    bids = _levels(frame, "bids").group_by("row", maintain_order=True).agg(pl.col("price").max().alias("bid"))
    asks = _levels(frame, "asks").group_by("row", maintain_order=True).agg(pl.col("price").min().alias("ask"))
    return bids.join(asks, on="row", how="inner", maintain_order="left")


def _disordered(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    marks = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    for side, rises in (("bids", False), ("asks", True)):
        levels = _levels(frame, side)
        price, better = pl.col("price"), pl.col("price").shift(1)
        wrong = price <= better if rises else price >= better
        rows = levels.filter(wrong & (pl.col("row") == pl.col("row").shift(1)))["row"]
        marks = marks.scatter(rows, values=True)
    return marks


CHECKS: Final = (
    Check(
        id="depth.order",
        version=1,
        data_types=("depth10",),
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 1000),
        citation="NautilusTrader's OrderBookDepth10: levels from the best on",
        explanation="The levels of a side do not stand in order: each bid must be below, and each ask above, the "
        "level before it. Levels without a size are not compared.",
        example="Bids of 1.1012, 1.1013, 1.1011: the first two are swapped.",
        rule=_disordered,
    ),
)
