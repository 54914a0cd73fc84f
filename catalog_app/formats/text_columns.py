"""Canonical columns as exact text."""

from typing import Final

import polars as pl

from catalog_app.store.decimals import decimal_text
from catalog_app.store.schema import AGGRESSOR_SIDES, CANONICAL, PRICE_COLUMNS, SIZE_COLUMNS

TIMESTAMP_FORMATS: Final = ("iso", "epoch_ns")
_ISO_NS: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"


def text_columns(
    data_type: str, *, price_precision: int, size_precision: int, timestamp_format: str = "iso"
) -> list[pl.Expr]:
    """Expressions that turn each canonical column into text (epoch_ns stays a number).

    Prices and sizes have the given decimals, more where a value needs them. iso: 2024-01-02T03:04:05.123456789Z.
    """
    digits = dict.fromkeys(PRICE_COLUMNS[data_type], price_precision)
    digits |= dict.fromkeys(SIZE_COLUMNS[data_type], size_precision)
    columns = []
    for name in CANONICAL[data_type].names():
        column = pl.col(name)
        if name in digits:
            column = decimal_text(column, digits[name])
        elif name == "aggressor_side":
            column = column.replace_strict(AGGRESSOR_SIDES, default=None, return_dtype=pl.String)
        elif name.startswith("ts_") and timestamp_format == "iso":
            column = pl.from_epoch(column, time_unit="ns").dt.to_string(_ISO_NS)
        columns.append(column)
    return columns
