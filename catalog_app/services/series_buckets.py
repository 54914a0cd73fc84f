"""Rows of a dataset in at most about 2,000 buckets that keep every extreme.

Prices become floats here, at the display edge, and nowhere before.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.services.preview import read
from catalog_app.store import reader, schema
from catalog_app.store.bar_type import parse_bar_type

POINTS = 2000
_MS, SECOND, _MINUTE, _HOUR, _DAY = 10**6, 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
# Widths that people read at a glance.
_WIDTHS = (
    *(10**power * step for power in range(9) for step in (1, 2, 5)),
    *(SECOND * step for step in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * step for step in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * step for step in (1, 2, 4, 6, 12)),
    *(_DAY * step for step in (1, 2, 7, 14, 30, 90, 365)),
)
# Columns of the data types that are one value.
_VALUE_COLUMN: Final = {
    "mark_price": "value",
    "index_price": "value",
    "close": "close_price",
    "funding_rate": "rate",
}
DRAWN: Final = frozenset({"bar", "quote", "trade", "depth10", *_VALUE_COLUMN})


def bucket_width(span_ns: int, interval_ns: int | None) -> int:
    """The smallest readable width that cuts a span into at most POINTS buckets; for bars a multiple of their length."""
    least = max(-(-span_ns // (POINTS - 1)), 1)
    if interval_ns is None:
        return next((width for width in _WIDTHS if width >= least), -(-least // _DAY) * _DAY)
    fitting = (width for width in _WIDTHS if width >= least and width % interval_ns == 0)
    return next(fitting, -(-least // interval_ns) * interval_ns)


def width_text(width_ns: int) -> str:
    """A bucket's width in words: `15 minutes`."""
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE), ("second", SECOND), ("ms", _MS)):
        if width_ns >= length and width_ns % length == 0:
            number = width_ns // length
            return f"{number} {unit}{'s' if number > 1 and unit != 'ms' else ''}"
    return f"{width_ns:,} ns"


def to_iso(ns: int) -> str:
    """UTC text to the microsecond, as the chart's axis reads it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).isoformat(
        sep=" ", timespec="microseconds"
    )[:-6]


def interval_ns(dataset: Dataset) -> int | None:
    """The length of a dataset's bars in ns; None for what has no fixed length."""
    if not dataset.bar_type:
        return None
    try:
        return parse_bar_type(dataset.bar_type).interval_ns
    except ValueError:
        return None


def buckets(dataset: Dataset, files: list[DataFile], start: int, end: int, width: int) -> pl.DataFrame:
    """One row per bucket that holds rows: `at` (ns; the only row's own time, else the bucket's closing edge), `rows`.

    A bar belongs to the bucket that its close falls in or ends, so that buckets are (left, right].
    """
    paths = [file.path for file in files]
    rows = reader.scan(dataset.store.root, paths, dataset.data_type, start_ns=start, end_ns=end)
    bucket = (pl.col("ts_init") - 1) // width
    grouped = rows.group_by(bucket.alias("bucket")).agg(
        *_aggregates(dataset.data_type), rows=pl.len(), last=pl.col("ts_init").max()
    )
    frame = read(grouped.sort("bucket"), dataset.path)
    at = pl.when(pl.col("rows") == 1).then("last").otherwise((pl.col("bucket") + 1) * width)
    raw = [name for name, dtype in frame.schema.items() if dtype == pl.Int128]
    digits = max(dataset.price_precision or 0, dataset.size_precision or 0, 9)
    return frame.with_columns(at.alias("at"), *(_as_float(pl.col(name), digits) for name in raw))


def _as_float(raw: pl.Expr, digits: int) -> pl.Expr:
    """The double nearest to a raw value; whole units of its last digit fit a double, raw integers may not."""
    unit = pl.lit(10 ** (schema.SCALE_DIGITS - digits), dtype=pl.Int128)
    return (raw // unit).cast(pl.Float64) / pl.lit(10.0**digits)


def _aggregates(data_type: str) -> list[pl.Expr]:
    time = pl.col("ts_init")
    if data_type == "bar":
        return [
            pl.col("open").min_by(time),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").max_by(time),
            pl.col("volume").sum(),
        ]
    if data_type == "trade":
        price = pl.col("price")
        return [
            price.min_by(time).alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.max_by(time).alias("close"),
            pl.col("size").sum().alias("volume"),
        ]
    if column := _VALUE_COLUMN.get(data_type):
        # A rate is exact text in the store.
        value = pl.col(column).cast(pl.Float64) if data_type == "funding_rate" else pl.col(column)
        return [
            value.max_by(time).alias("value"),
            value.min().alias("value_low"),
            value.max().alias("value_high"),
        ]
    bid, ask = (_best(name) if data_type == "depth10" else pl.col(f"{name}_price") for name in ("bid", "ask"))
    return [
        bid.max_by(time).alias("bid"),
        ask.max_by(time).alias("ask"),
        bid.min().alias("bid_low"),
        bid.max().alias("bid_high"),
        ask.min().alias("ask_low"),
        ask.max().alias("ask_high"),
    ]


def _best(side: str) -> pl.Expr:
    """The best price of one side of a book; null where the side is empty."""
    return pl.col(f"{side}s").list.first().struct.field("price")
