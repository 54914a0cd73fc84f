"""Violating rows as JSON, exact."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from catalog_app.store.decimals import format_raw
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.check import NARROW, PRICE, WEEK, Check, CheckContext

_BESIDE: Final = frozenset({"file", "row", "ts_init", PRICE, WEEK})


def take_samples(frame: pl.DataFrame, marked: pl.Series, check: Check, context: CheckContext) -> list[dict[str, Any]]:
    """Return the rows at positions `marked` of a frame with `file` and `row`: position, time, and exact values.

    A check with evidence adds `value` and `expected`, as decimal text or None.
    """
    samples = list(_rows(frame[marked], context))
    if check.evidence is not None:
        found = check.evidence(frame, marked, context).select("value", "expected")
        for sample, (value, expected) in zip(samples, found.iter_rows(), strict=True):
            sample["value"], sample["expected"] = _number(value), _number(expected)
    return samples


def _number(value: float | None) -> str | None:
    return None if value is None else format(value, ".12g")


def _rows(rows: pl.DataFrame, context: CheckContext) -> Iterator[dict[str, Any]]:
    decimals = {
        **dict.fromkeys(PRICE_COLUMNS[context.data_type], context.price_precision or 0),
        **dict.fromkeys(SIZE_COLUMNS[context.data_type], context.size_precision or 0),
    }
    for row in rows.iter_rows(named=True):
        values = {
            name: _text(value, decimals.get(name), context)
            for name, value in row.items()
            if name not in _BESIDE and not name.startswith(NARROW)
        }
        yield {"file": row["file"], "row": row["row"], "tsInitNs": row["ts_init"], "values": values}


def _text(value: Any, decimals: int | None, context: CheckContext) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(_level(level, context) for level in value)
    return str(value) if decimals is None else format_raw(value, decimals)


def _level(level: dict[str, Any], context: CheckContext) -> str:
    """One level of a depth as price x size."""
    price, size = level["price"], level["size"]
    if price is None:
        return "-"
    return f"{format_raw(price, context.price_precision or 0)}x{format_raw(size or 0, context.size_precision or 0)}"
