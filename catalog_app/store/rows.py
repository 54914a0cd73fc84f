"""What every row that we write must satisfy.

Each rule stands for something that NautilusTrader 1.231.0 was seen to do with such a row: its reader aborts the whole
process (nulls, sizes out of range, unknown sides, trade ids), or silently clips (prices) or rounds (decimals beyond the
precision). What is merely bad data (high below low, crossed quotes, trades of size 0) it reads, so checks judge it.
"""

from collections.abc import Iterator
from typing import Final

import polars as pl

from catalog_app.store.errors import InvalidRows
from catalog_app.store.schema import (
    PRICE_COLUMNS,
    PRICE_MAX_RAW,
    PRICE_MIN_RAW,
    QUANTITY_MAX_RAW,
    QUANTITY_MIN_RAW,
    SCALE_DIGITS,
    SIZE_COLUMNS,
)

_TRADE_ID: Final = r"^[\x20-\x7e]{1,36}$"
_BLANK: Final = r"^ *$"


def check_rows(
    frame: pl.DataFrame, data_type: str, price_precision: int, size_precision: int, *, first_row: int = 0
) -> None:
    """Raise InvalidRows for the first rule that a canonical frame breaks; rows are numbered from `first_row`."""
    rules = list(broken_rules(data_type, price_precision, size_precision))
    found = frame.select(expr.fill_null(True).any().alias(str(at)) for at, (_, expr) in enumerate(rules)).row(0)
    for broken, (text, expr) in zip(found, rules, strict=True):
        if broken:
            row = frame.select(expr.fill_null(True).arg_true().first()).item()
            values = {name: value for name, value in frame.row(row, named=True).items() if not name.startswith("ts_")}
            raise InvalidRows(f"row {first_row + row}: {text} (raw values {values})")


def broken_rules(data_type: str, price_precision: int, size_precision: int) -> Iterator[tuple[str, pl.Expr]]:
    """(what is wrong, expression that is true or null for such rows) over a canonical frame."""
    limits = (
        (PRICE_COLUMNS[data_type], price_precision, PRICE_MIN_RAW, PRICE_MAX_RAW),
        (SIZE_COLUMNS[data_type], size_precision, QUANTITY_MIN_RAW, QUANTITY_MAX_RAW),
    )
    for names, precision, low, high in limits:
        step = pl.lit(10 ** (SCALE_DIGITS - precision), pl.Int128)
        for name in names:
            column = pl.col(name)
            yield f"{name} is empty", column.is_null()
            yield (
                f"{name} is outside NautilusTrader's range",
                ~column.is_between(pl.lit(low, pl.Int128), pl.lit(high, pl.Int128)),
            )
            yield f"{name} needs more decimals than the precision of {precision}", column % step != 0
    for name in ("ts_event", "ts_init"):
        yield f"{name} is empty or before 1970", pl.col(name) < 0
    if data_type == "trade":
        yield "aggressor_side must be 0, 1 or 2", pl.col("aggressor_side") > 2
        yield "trade_id must be 1 to 36 printable ASCII characters", _bad_trade_id()


def _bad_trade_id() -> pl.Expr:
    trade_id = pl.col("trade_id")
    return ~trade_id.str.contains(_TRADE_ID) | trade_id.str.contains(_BLANK)
