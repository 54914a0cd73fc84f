"""Checks of prices and sizes: positive, and a market that is not crossed."""

from fractions import Fraction
from functools import reduce
from operator import and_, or_
from typing import Final

import polars as pl

from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.check import NARROW, PRICED_TYPES, Check, CheckContext
from quality_app.checks.narrow import narrow

# Values of a delta's action that put an entry into the book: add and update.
_PUT_IN: Final = (1, 2)
BNHLS: Final = "Barndorff-Nielsen, Hansen, Lunde, Shephard (2009), Econometrics Journal 12, C1–C32"


def _price_not_positive(frame: pl.DataFrame, context: CheckContext) -> pl.Expr | None:
    names = [name for name in PRICE_COLUMNS[context.data_type] if not _all_positive(frame, name)]
    if not names:
        return None
    marks = reduce(or_, (pl.col(name) <= 0 for name in names))
    # What takes entries out of a book need not say at which price.
    return marks & pl.col("action").is_in(_PUT_IN) if context.data_type == "delta" else marks


def _all_positive(frame: pl.DataFrame, name: str) -> bool:
    known = narrow(frame, name)
    values = frame[name] if known is None else known
    least = values.min()
    return isinstance(least, int) and least > 0


def _price_obstacle(context: CheckContext) -> str | None:
    if context.negative_prices_allowed is None:
        return "The store defines no such instrument, so whether its prices may be negative is unknown."
    if context.negative_prices_allowed:
        return "Prices of this instrument class may be zero or negative."
    return None


def _size_not_positive(frame: pl.DataFrame, context: CheckContext) -> pl.Expr | None:
    names = SIZE_COLUMNS[context.data_type]
    if any(_all_positive(frame, name) for name in names):
        return None
    return reduce(and_, (pl.col(name) <= 0 for name in names))


def _crossed(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    bid, ask = _sides(frame)
    return bid > ask


def _locked(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    bid, ask = _sides(frame)
    return bid == ask


def _sides(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    bid, ask = narrow(frame, "bid_price"), narrow(frame, "ask_price")
    return (frame["bid_price"], frame["ask_price"]) if bid is None or ask is None else (bid, ask)


CHECKS: Final = (
    Check(
        id="price.positive",
        version=1,
        data_types=PRICED_TYPES,
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 1000),
        citation=f"{BNHLS}, rule P2",
        explanation="A price is zero or negative although the instrument's class does not allow that. Spreads may "
        "have such prices; for outright contracts they are rare but real: crude oil on 2020-04-20.",
        example="A missing ask was stored as 0.",
        rule=_price_not_positive,
        needs=frozenset({NARROW}),
        obstacle=_price_obstacle,
    ),
    Check(
        id="size.positive",
        version=1,
        data_types=("quote", "trade"),
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 100),
        citation="Data desk rule",
        explanation="A trade of no size, or a quote with no size on either side.",
        example="Cancelled trades that the vendor left in with size 0.",
        rule=_size_not_positive,
        needs=frozenset({NARROW}),
    ),
    Check(
        id="quote.crossed",
        version=1,
        data_types=("quote",),
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 1000),
        citation=f"{BNHLS}, rule Q2",
        explanation="The bid is above the ask: nobody leaves such a market standing, so sides are swapped, stale, or "
        "from two sources.",
        example="bid 1.1012, ask 1.1010.",
        rule=_crossed,
        needs=frozenset({NARROW}),
    ),
    Check(
        id="quote.locked",
        version=1,
        data_types=("quote",),
        dimension="",
        severity="info",
        limit=None,
        citation="Information; not scored",
        explanation="Bid and ask are equal. Common on fragmented markets and for zero-spread accounts.",
        example="bid 1.1010, ask 1.1010.",
        rule=_locked,
        needs=frozenset({NARROW}),
    ),
)
