"""Bars of a fixed length out of finer data, in raw units: nothing is rounded. Pure: canonical frames in and out.

Built as NautilusTrader's TimeBarAggregator builds them: a bar holds what became known in (close - interval, close], its
volume is the sum of the sizes on the side that it shows. Times without any row get no bar: nothing is made up.
"""

from typing import Final

import polars as pl

from catalog_app.store.schema import CANONICAL
from quality_app.reconcile.series import to_bars

# Which data bars of a price type can be built from, the best first; "bar" stands for shorter bars of that price type.
INGREDIENTS: Final[dict[str, tuple[str, ...]]] = {
    "BID": ("bar", "quote"),
    "ASK": ("bar", "quote"),
    "MID": ("bar", "quote"),
    "LAST": ("bar", "trade"),
    "MARK": ("bar", "mark_price"),
}


def build_bars(rows: pl.DataFrame, data_type: str, price_type: str, interval_ns: int, grid_ns: int) -> pl.DataFrame:
    """Canonical bars out of canonical rows, which must be in order of ts_init; `grid_ns` is any close of theirs.

    ts_event is the close, as ts_init is. Rows whose price is undefined make no bar.
    """
    series = rows.select(
        pl.col("ts_init").alias("ts"),
        *_values(data_type, price_type),
        pl.lit("").alias("file"),
        pl.lit(0, pl.Int64).alias("row"),
    )
    bars = to_bars(series, interval_ns, grid_ns)
    named = bars.rename({"price": "close", "ts": "ts_init"})
    filled = named.with_columns(pl.col("volume").fill_null(0), ts_event=pl.col("ts_init"))
    return filled.select(CANONICAL["bar"].names()).cast(CANONICAL["bar"])


def closes_of(times: pl.Series, interval_ns: int, grid_ns: int) -> pl.Series:
    """The closes of the bars that rows at these times are in, each once and in order."""
    close = grid_ns - ((grid_ns - times) // interval_ns) * interval_ns
    return close.unique().sort()


def _values(data_type: str, price_type: str) -> list[pl.Expr]:
    if data_type == "bar":
        return [pl.col("close").alias("price"), pl.col("open", "high", "low", "volume")]
    if data_type == "trade":
        return [pl.col("price"), pl.col("size").alias("volume")]
    if data_type == "mark_price":
        return [pl.col("value").alias("price"), pl.lit(None, pl.Int128).alias("volume")]
    price, size = (_side(price_type, name) for name in ("price", "size"))
    return [price.alias("price"), size.alias("volume")]


def _side(price_type: str, name: str) -> pl.Expr:
    if price_type == "MID":
        return (pl.col(f"bid_{name}") + pl.col(f"ask_{name}")) // pl.lit(2, pl.Int128)
    return pl.col(f"{price_type.lower()}_{name}")
