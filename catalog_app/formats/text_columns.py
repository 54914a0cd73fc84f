"""Canonical columns as exact text."""

from typing import Final

import polars as pl

from catalog_app.store.decimals import as_short_decimal, decimal_text, fits_digits
from catalog_app.store.schema import AGGRESSOR_SIDES, CANONICAL, PRICE_COLUMNS, SIZE_COLUMNS

TIMESTAMP_FORMATS: Final = ("iso", "epoch_ns")
_ISO_NS: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"


def text_columns(
    data_type: str,
    *,
    price_precision: int,
    size_precision: int,
    timestamp_format: str = "iso",
    as_decimals: bool = False,
) -> list[pl.Expr]:
    """Expressions that turn each canonical column into text (epoch_ns stays a number).

    Prices and sizes have the given decimals, more where a value needs them. iso: 2024-01-02T03:04:05.123456789Z.
    as_decimals: prices and sizes become Decimals instead, which writers print as the same text, only faster; right
    for frames that `fits` accepts.
    """
    digits = _digits(data_type, price_precision, size_precision)
    number = as_short_decimal if as_decimals else decimal_text
    columns = []
    for name in CANONICAL[data_type].names():
        column = pl.col(name)
        if name in digits:
            column = number(column, digits[name])
        elif name == "aggressor_side":
            column = column.replace_strict(AGGRESSOR_SIDES, default=None, return_dtype=pl.String)
        elif name.startswith("ts_") and timestamp_format == "iso":
            column = pl.from_epoch(column, time_unit="ns").dt.to_string(_ISO_NS)
        columns.append(column)
    return columns


def fits(data_type: str, price_precision: int, size_precision: int) -> pl.Expr:
    """Whether no value of a canonical frame needs more decimals than the given ones: one Boolean."""
    digits = _digits(data_type, price_precision, size_precision)
    return pl.all_horizontal(fits_digits(pl.col(name), places).all() for name, places in digits.items())


def _digits(data_type: str, price_precision: int, size_precision: int) -> dict[str, int]:
    prices, sizes = PRICE_COLUMNS[data_type], SIZE_COLUMNS[data_type]
    return dict.fromkeys(prices, price_precision) | dict.fromkeys(sizes, size_precision)
