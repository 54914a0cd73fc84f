"""Rows of any data type as values that people and JSON can read: exact decimals as text, times as whole nanoseconds."""

from math import isfinite
from typing import Any, Final

import polars as pl

from catalog_app.formats.export_columns import NAMES, TIMES
from catalog_app.models import Dataset
from catalog_app.store import schema
from catalog_app.store.decimals import decimal_text, format_raw

_TEXTS: Final = frozenset({"trade_id", "reason", "trading_event", "convention"})
_BYTES_SHOWN = 64


def kind_of(name: str, dtype: pl.DataType | None, data_type: str) -> str:
    """How a column is to be read: time, number, name, levels, or text."""
    if name in TIMES:
        return "time"
    if data_type not in schema.CANONICAL:
        return "number" if dtype is not None and dtype.is_numeric() else "text"
    if name in {"bids", "asks"}:
        return "levels"
    if name in NAMES:
        return "name"
    return "text" if name in _TEXTS else "number"


def as_text(frame: pl.DataFrame, dataset: Dataset) -> list[dict[str, Any]]:
    """The rows of a frame of `reader.scan`, in the dataset's precisions; values that are finer show every digit."""
    if frame.is_empty():
        return []
    rows = _known(frame, dataset) if dataset.data_type in schema.CANONICAL else _opaque(frame)
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    for row in rows if floats else ():
        # JSON has no NaN and no infinity.
        row.update({name: str(row[name]) for name in floats if row[name] is not None and not isfinite(row[name])})
    return rows


def _known(frame: pl.DataFrame, dataset: Dataset) -> list[dict[str, Any]]:
    """Rows of a canonical frame."""
    price, size = dataset.price_precision or 0, dataset.size_precision or 0
    digits = dict.fromkeys(schema.PRICE_COLUMNS[dataset.data_type], price)
    digits |= dict.fromkeys(schema.SIZE_COLUMNS[dataset.data_type], size)
    rows = frame.with_columns(decimal_text(pl.col(name), places) for name, places in digits.items()).to_dicts()
    if dataset.data_type == "depth10":
        for row in rows:
            row["bids"], row["asks"] = (_levels(row[side], price, size) for side in ("bids", "asks"))
    return rows


def _levels(levels: list[dict[str, Any]] | None, price: int, size: int) -> list[dict[str, Any]]:
    """One side of a book, best level first."""
    return [
        {**level, "price": _raw_text(level["price"], price), "size": _raw_text(level["size"], size)}
        for level in levels or []
    ]


def _raw_text(raw: int | None, digits: int) -> str | None:
    return None if raw is None else format_raw(raw, digits)


def _opaque(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of custom data: what JSON cannot hold becomes text."""
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    rows = frame.with_columns(_plain(name, kind) for name, kind in frame.schema.items()).to_dicts()
    for row in rows:
        row.update({name: None if row[name] is None else str(row[name]) for name in nested})
    return rows


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind.is_nested() or kind.is_float() or kind.is_integer() or kind in {pl.String, pl.Boolean}:
        return column
    if kind == pl.Binary:
        shown = column.bin.head(_BYTES_SHOWN).bin.encode("hex")
        return pl.when(column.bin.size() > _BYTES_SHOWN).then(shown + pl.lit("…")).otherwise(shown).alias(name)
    return column.cast(pl.String)
