"""Checks that treat all kinds of rows alike: repeats, and values finer than the instrument allows."""

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any, Final

import polars as pl

from catalog_app.store.schema import CANONICAL, INT64_MAX, PRICE_COLUMNS, SCALE_DIGITS, SIZE_COLUMNS
from quality_app.checks.check import EVERY_TYPE, NARROW, PRICED_TYPES, SIZED_TYPES, Check, CheckContext, row_before
from quality_app.checks.multiples import all_multiples
from quality_app.checks.narrow import narrow

# What makes two rows of one moment the same row; of other kinds it is all columns.
_IDENTITY: Final[Mapping[str, tuple[str, ...]]] = {"trade": ("trade_id",), "bar": ("ts_event",)}
# Kinds whose identity is also telling between neighbours of different ts_init.
_NEIGHBOUR_KEY: Final = {"trade": "trade_id", "bar": "ts_event"}


def _repeats(frame: pl.DataFrame, context: CheckContext) -> pl.Series | None:
    """Mark repeats of an earlier row among rows that share ts_init and stand together.

    Sorted data holds all identical rows in such a run, so memory is bounded by the longest run, and only
    runs of two and more are hashed.
    """
    ts, key = frame["ts_init"], _NEIGHBOUR_KEY.get(context.data_type)
    any_same = (ts.slice(1) == ts.head(-1)).any()
    if not any_same and key is None:
        return None
    marks = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    if any_same:
        same = ts.eq(ts.shift(1)).fill_null(value=False)
        in_run = (same | same.shift(-1, fill_value=False)).arg_true()
        run = (~same.gather(in_run)).cum_sum().alias("_run")
        identity = frame.select(_identity(context.data_type))[in_run].with_columns(run)
        repeated = ~identity.to_struct().is_first_distinct()
        marks = marks.scatter(in_run.filter(repeated), values=True)
    if key is not None:
        marks = marks | frame[key].eq(frame[key].shift(1)).fill_null(value=False)
    return marks


def _identity(data_type: str) -> tuple[str, ...]:
    columns = (name for name in CANONICAL[data_type] if name != "ts_init")
    return _IDENTITY.get(data_type) or tuple(columns)


def _identity_params(context: CheckContext) -> dict[str, Any]:
    return {"identity": ["ts_init", *_identity(context.data_type)]}


def _identity_obstacle(context: CheckContext) -> str | None:
    if context.data_type == "trade" and context.profile and context.profile.facts.get("trade_ids_shared"):
        return "The venue gives the fills of one order the same trade id, so a repeat cannot be told from a fill."
    return None


def _too_fine(frame: pl.DataFrame, context: CheckContext) -> pl.Expr | None:
    steps = [
        *(
            (name, step)
            for step in _steps(context.price_precision, context.price_increment)
            for name in PRICE_COLUMNS[context.data_type]
        ),
        *(
            (name, step)
            for step in _steps(context.size_precision, context.size_increment)
            for name in SIZE_COLUMNS[context.data_type]
        ),
    ]
    odd = [
        pl.col(name) % pl.lit(step, dtype=pl.Int128) != 0
        for name, step in steps
        if not _are_multiples(frame, name, step)
    ]
    return reduce(or_, odd) if odd else None


def _are_multiples(frame: pl.DataFrame, name: str, step: int) -> bool:
    known = narrow(frame, name)
    values = frame[name] if known is None else known
    return step <= INT64_MAX and not values.null_count() and all_multiples(values, step)


def _steps(precision: int | None, increment: int | None) -> list[int]:
    """Raw steps that a value must be a multiple of; one where it implies the other."""
    unit = None if precision is None else 10 ** (SCALE_DIGITS - precision)
    if increment is not None and increment > 0:
        return [increment] if unit is None or increment % unit == 0 else [unit, increment]
    return [] if unit is None or unit == 1 else [unit]


def _precision_params(context: CheckContext) -> dict[str, Any]:
    return {
        "pricePrecision": context.price_precision,
        "sizePrecision": context.size_precision,
        "priceIncrementRaw": None if context.price_increment is None else str(context.price_increment),
        "sizeIncrementRaw": None if context.size_increment is None else str(context.size_increment),
    }


def _precision_obstacle(context: CheckContext) -> str | None:
    if _steps(context.price_precision, context.price_increment) or _steps(
        context.size_precision, context.size_increment
    ):
        return None
    return "Neither precision nor increment of the instrument is known, or they allow every value."


CHECKS: Final = (
    Check(
        id="row.duplicate",
        version=1,
        data_types=EVERY_TYPE,
        dimension="consistency",
        severity="major",
        limit=Fraction(1, 100),
        citation="Data desk rule; NautilusTrader's catalog offers deduplication for the same reason",
        explanation="The row repeats one that is there: an identical quote of the same moment, a bar of the same "
        "ts_event, a trade of the same trade_id. Repeats count volume twice and fire strategies twice. Compared "
        "are rows that share ts_init, and for bars and trades also direct neighbours.",
        example="Two downloads overlapped by a minute and were joined.",
        rule=_repeats,
        reach=row_before,
        facts=_identity_params,
        obstacle=_identity_obstacle,
    ),
    Check(
        id="row.precision",
        version=1,
        data_types=tuple(dict.fromkeys((*PRICED_TYPES, *SIZED_TYPES))),
        dimension="accuracy",
        severity="major",
        limit=Fraction(1, 100),
        citation="NautilusTrader value types: a value has at most its declared decimals; venues trade in increments",
        explanation="A price or size is finer than the instrument's precision, or not a multiple of its increment "
        "(off-tick): no venue can have sent it.",
        example="A price of 1.10783 for a contract that trades in steps of 0.00005.",
        rule=_too_fine,
        facts=_precision_params,
        needs=frozenset({NARROW}),
        obstacle=_precision_obstacle,
    ),
)
