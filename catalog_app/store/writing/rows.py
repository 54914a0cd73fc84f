"""What every row that we write must satisfy.

Each rule stands for something that NautilusTrader was seen to do with such a row. 1.231.0 (v1): the whole process
aborts (nulls, values out of range, unknown enumerations, trade ids), or prices beyond the precision are silently
clipped. 2.0.0rc7 (v2): the query fails, and with it all rows; it aborts for trade ids, and rounds funding rates. What
is merely bad data (high below low, crossed quotes, trades of size 0) both read, so checks judge it.
"""

from collections.abc import Callable, Iterator
from typing import Final

import polars as pl

from catalog_app.store.errors import InvalidRows
from catalog_app.store.layout import Version
from catalog_app.store.schema import (
    AGGRESSOR_SIDES,
    BOOK_ACTIONS,
    CLOSE_TYPES,
    ORDER_SIDES,
    PRICE_COLUMNS,
    PRICE_MAX_RAW,
    PRICE_MIN_RAW,
    QUANTITY_MAX_RAW,
    QUANTITY_MIN_RAW,
    SCALE_DIGITS,
    SIZE_COLUMNS,
)
from catalog_app.store.writing.losses import may_be_undefined, possible_losses

Rule = tuple[str, pl.Expr]

# nautilus_trader.model.enums.MarketStatusAction and GreeksConvention, the same in 1.231.0 and 2.0.0rc7.
STATUS_ACTIONS: Final = (
    "NONE",
    "PRE_OPEN",
    "PRE_CROSS",
    "QUOTING",
    "CROSS",
    "ROTATION",
    "NEW_PRICE_INDICATION",
    "TRADING",
    "HALT",
    "PAUSE",
    "SUSPEND",
    "PRE_CLOSE",
    "CLOSE",
    "POST_CLOSE",
    "SHORT_SELL_RESTRICTION_CHANGE",
    "NOT_AVAILABLE_FOR_TRADING",
)
GREEKS_CONVENTIONS: Final = ("BLACK_SCHOLES", "PRICE_ADJUSTED")

_PRICE_LIMITS: Final = (PRICE_MIN_RAW, PRICE_MAX_RAW)
_SIZE_LIMITS: Final = (QUANTITY_MIN_RAW, QUANTITY_MAX_RAW)
# ASCII with something that is no white space.
_TRADE_ID: Final = r"^[\x01-\x7f]*[\x01-\x08\x0e-\x1f!-\x7f][\x01-\x7f]*$"
_TRADE_ID_BYTES: Final = 36
_DECIMAL: Final = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"


def check_rows(
    frame: pl.DataFrame,
    data_type: str,
    price_precision: int | None,
    size_precision: int | None,
    *,
    version: Version = "v1",
    first_row: int = 0,
) -> None:
    """Raise InvalidRows for the first rule that a canonical frame breaks; rows are numbered from `first_row`."""
    rules = list(broken_rules(data_type, price_precision, size_precision, version))
    found = frame.select(expr.fill_null(True).any().alias(str(at)) for at, (_, expr) in enumerate(rules)).row(0)
    for broken, (text, expr) in zip(found, rules, strict=True):
        if broken:
            row = frame.select(expr.fill_null(True).arg_true().first()).item()
            values = {name: value for name, value in frame.row(row, named=True).items() if not name.startswith("ts_")}
            raise InvalidRows(f"row {first_row + row}: {text} (raw values {values})")


def broken_rules(
    data_type: str, price_precision: int | None, size_precision: int | None, version: Version = "v1"
) -> Iterator[Rule]:
    """(what is wrong, expression that is true or null for such rows) over a canonical frame."""
    for loss in possible_losses(data_type, version, price_precision, size_precision):
        yield loss.text, loss.rows.fill_null(False)
    for names, precision, limits in (
        (PRICE_COLUMNS[data_type], price_precision, _PRICE_LIMITS),
        (SIZE_COLUMNS[data_type], size_precision, _SIZE_LIMITS),
    ):
        nullable = may_be_undefined(data_type, version, precision)
        for name in names:
            for text, wrong in _fixed_point(pl.col(name), precision or 0, limits):
                yield f"{name} {text}", wrong.fill_null(False) if nullable else wrong
    for name in ("ts_event", "ts_init"):
        yield f"{name} is empty or before 1970", pl.col(name) < 0
    if data_type == "depth10":
        yield from _level_rules(price_precision or 0, size_precision or 0)
    elif data_type in _OWN_RULES:
        yield from _OWN_RULES[data_type]()


def _fixed_point(value: pl.Expr, precision: int, limits: tuple[int, int]) -> tuple[Rule, Rule]:
    low, high, step = (pl.lit(raw, pl.Int128) for raw in (*limits, 10 ** (SCALE_DIGITS - precision)))
    return (
        ("is outside NautilusTrader's range", ~value.is_between(low, high)),
        (f"needs more decimals than the precision of {precision}", value % step != 0),
    )


def _level_rules(price_precision: int, size_precision: int) -> Iterator[Rule]:
    level = pl.element().struct
    for side in ("bids", "asks"):
        levels = pl.col(side)
        yield f"{side} is empty: a side without levels is an empty list", levels.is_null()
        hole = level.field("count").is_null() | level.field("order_id").is_null()
        yield f"{side} has a level without count or order id", levels.list.eval(hole).list.any()
        for name, precision, limits in (
            ("price", price_precision, _PRICE_LIMITS),
            ("size", size_precision, _SIZE_LIMITS),
        ):
            for text, wrong in _fixed_point(level.field(name), precision, limits):
                yield f"a {name} in {side} {text}", levels.list.eval(wrong.fill_null(False)).list.any()


def _trade_rules() -> Iterator[Rule]:
    yield _code("aggressor_side", AGGRESSOR_SIDES)
    trade_id = pl.col("trade_id")
    bad = ~trade_id.str.contains(_TRADE_ID) | (trade_id.str.len_bytes() > _TRADE_ID_BYTES)
    yield f"trade_id must be 1 to {_TRADE_ID_BYTES} ASCII characters, not all blank", bad


def _delta_rules() -> Iterator[Rule]:
    yield _code("action", BOOK_ACTIONS)
    yield _code("side", ORDER_SIDES)
    yield from _filled("order_id", "flags", "sequence")


def _funding_rules() -> Iterator[Rule]:
    yield "rate is not a decimal number", ~pl.col("rate").str.contains(_DECIMAL)
    yield "next_funding_ns is before 1970", (pl.col("next_funding_ns") < 0).fill_null(False)


def _status_rules() -> Iterator[Rule]:
    yield _name("action", STATUS_ACTIONS)


def _close_rules() -> Iterator[Rule]:
    yield _code("close_type", CLOSE_TYPES)


def _greeks_rules() -> Iterator[Rule]:
    yield _name("convention", GREEKS_CONVENTIONS)
    yield from _filled("delta", "gamma", "vega", "theta", "rho")


_OWN_RULES: Final[dict[str, Callable[[], Iterator[Rule]]]] = {
    "trade": _trade_rules,
    "delta": _delta_rules,
    "funding_rate": _funding_rules,
    "status": _status_rules,
    "close": _close_rules,
    "greeks": _greeks_rules,
}


def _filled(*names: str) -> Iterator[Rule]:
    for name in names:
        yield f"{name} is empty", pl.col(name).is_null()


def _code(name: str, names: dict[int, str]) -> Rule:
    codes = sorted(names)
    text = f"{name} must be one of {', '.join(f'{code} ({names[code]})' for code in codes)}"
    return text, ~pl.col(name).is_between(codes[0], codes[-1])


def _name(name: str, names: tuple[str, ...]) -> Rule:
    return f"{name} must be one of {', '.join(names)}", ~pl.col(name).is_in(names)
