"""Checks of prices and sizes: positive, and a market that is not crossed."""

from fractions import Fraction
from functools import reduce
from operator import and_, or_
from typing import Final

import polars as pl

from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.check import PRICED_TYPES, Check, CheckContext

# Values of a delta's action that put an entry into the book: add and update.
_PUT_IN: Final = (1, 2)
BNHLS: Final = "Barndorff-Nielsen, Hansen, Lunde, Shephard (2009), Econometrics Journal 12, C1–C32"


def _price_not_positive(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    marks = reduce(or_, (pl.col(name) <= 0 for name in PRICE_COLUMNS[context.data_type]))
    # What takes entries out of a book need not say at which price.
    return marks & pl.col("action").is_in(_PUT_IN) if context.data_type == "delta" else marks


def _price_obstacle(context: CheckContext) -> str | None:
    if context.negative_prices_allowed is None:
        return "The store defines no such instrument, so whether its prices may be negative is unknown."
    if context.negative_prices_allowed:
        return "Prices of this instrument class may be zero or negative."
    return None


def _size_not_positive(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    names = SIZE_COLUMNS[context.data_type]
    return reduce(and_, (pl.col(name) <= 0 for name in names))


def _crossed(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("bid_price") > pl.col("ask_price")


def _locked(frame: pl.DataFrame, context: CheckContext) -> pl.Expr:
    return pl.col("bid_price") == pl.col("ask_price")


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
    ),
)
