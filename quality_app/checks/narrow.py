"""Raw prices in 64 bits, which processors count by, wherever they fit: next to all do."""

from typing import Final

import polars as pl

from catalog_app.store.schema import INT64_MAX
from quality_app.checks.check import NARROW

_LEAST: Final = -INT64_MAX - 1


def narrowed(values: pl.Series) -> pl.Series:
    """Return Int128 values as Int64, in one piece; null where they do not fit."""
    least, most = values.min(), values.max()
    if isinstance(least, int) and isinstance(most, int) and least >= _LEAST and most <= INT64_MAX:
        return values.cast(pl.Int64, wrap_numerical=True).rechunk()
    return values.cast(pl.Int64, strict=False).rechunk()


def narrow(frame: pl.DataFrame, name: str) -> pl.Series | None:
    """Return a prepared column in 64 bits; None where it is not prepared, or does not hold every value."""
    values = frame.get_column(f"{NARROW}{name}", default=None)
    return None if values is None or values.null_count() else values
