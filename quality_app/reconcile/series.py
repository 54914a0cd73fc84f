"""One source as a series over time: bars as they are, ticks as prices, and bars built from either.

Columns of a series, ordered by `ts`: `ts` (Int64, ns UTC: ts_init plus the source's shift), `price` (Int64 in grains;
null where undefined), of bars also `open`, `high`, `low`, then `volume` (Int128, raw x 10^-16; null where the data has
none), `file` and `row` (of a built bar: its last row). A grain is a whole number of raw units (x 10^-16), at most half
of the smallest tick, so that prices, mids and their differences are exact integers.
"""

from typing import Final, Literal

import polars as pl

from catalog_app.store.schema import SCALE_DIGITS

PriceKind = Literal["close", "mid", "bid", "ask", "last", "value"]

# Which prices a data type offers, the usual one first.
PRICE_KINDS: Final[dict[str, tuple[PriceKind, ...]]] = {
    "bar": ("close",),
    "quote": ("mid", "bid", "ask"),
    "trade": ("last",),
    "depth10": ("mid", "bid", "ask"),
    "mark_price": ("value",),
    "index_price": ("value",),
}
BAR_FIELDS: Final = ("open", "high", "low")
_SIDES: Final = ("bid", "ask")
_VOLUMES: Final = {"bar": "volume", "trade": "size"}
# Decimals of a grain, unless the tick itself has more: with these, prices up to nine million fit.
_USUAL_DIGITS: Final = 12


def grain_of(precisions: list[int], tick_raw: int) -> int:
    """Return the raw units of a grain for sources of these precisions (decimals) and this tick (raw)."""
    finest = next(digits for digits in range(SCALE_DIGITS + 1) if tick_raw % _unit(digits) == 0)
    wanted = min(max(precisions, default=0) + 1, _USUAL_DIGITS)
    return _unit(min(max(wanted, finest + 1), SCALE_DIGITS))


def _unit(digits: int) -> int:
    return int(10 ** (SCALE_DIGITS - digits))


def series_of(rows: pl.LazyFrame, data_type: str, price: PriceKind, grain: int, shift_ns: int = 0) -> pl.LazyFrame:
    """Return canonical rows with positions (reader.scan) as a series, in the order of the rows.

    What is finer than a grain is cut off; a price beyond 64 bits of grains is undefined.

    Raises:
        ValueError: the data type has no such price.

    """
    if price not in PRICE_KINDS.get(data_type, ()):
        raise ValueError(f"{data_type} rows have no price {price!r}")
    volume = pl.col(_VOLUMES[data_type]) if data_type in _VOLUMES else pl.lit(None, pl.Int128)
    fields = [_in_grains(pl.col(name), grain).alias(name) for name in BAR_FIELDS] if data_type == "bar" else []
    return rows.select(
        (pl.col("ts_init") + shift_ns).alias("ts"),
        _in_grains(_price(data_type, price), grain).alias("price"),
        *fields,
        volume.alias("volume"),
        "file",
        "row",
    )


def to_bars(series: pl.DataFrame, interval_ns: int, origin_ns: int) -> pl.DataFrame:
    """Build bars of an interval: exact integers, stamped at their close, as NautilusTrader's time bars are.

    A bar holds the rows in (close - interval, close], closes being `origin_ns` plus whole intervals: the left-open
    interval that nautilus_trader's TimeBarAggregator has by default (`time_bars_interval_type`). Undefined prices
    make no bar. `series` must be ordered by `ts`.
    """
    close = origin_ns - ((origin_ns - pl.col("ts")) // interval_ns) * interval_ns
    known = series.filter(pl.col("price").is_not_null())
    opening, highest, lowest = ("open", "high", "low") if "open" in series.columns else ("price",) * 3
    bars = known.group_by(close.alias("close"), maintain_order=True).agg(
        pl.col("price").last(),
        pl.col(opening).first().alias("open"),
        pl.col(highest).max().alias("high"),
        pl.col(lowest).min().alias("low"),
        pl.when(pl.col("volume").count() > 0).then(pl.col("volume").sum()).alias("volume"),
        pl.col("file", "row").last(),
    )
    return bars.select(pl.col("close").alias("ts"), "price", *BAR_FIELDS, "volume", "file", "row")


def whole_bars(bars: pl.DataFrame, interval_ns: int, first_ns: int, last_ns: int) -> pl.DataFrame:
    """Leave out built bars that the data covers in part: those that open before it begins or close after it ends."""
    return bars.filter((pl.col("ts") - interval_ns >= first_ns) & (pl.col("ts") <= last_ns))


def _price(data_type: str, price: PriceKind) -> pl.Expr:
    if data_type in {"quote", "depth10"}:
        bid, ask = (_best(side) if data_type == "depth10" else pl.col(f"{side}_price") for side in _SIDES)
        # Raw prices have a zero as their last digit unless the precision is 16: the half is exact.
        return {"mid": (bid + ask) // pl.lit(2, pl.Int128), "bid": bid, "ask": ask}[price]
    return pl.col({"close": "close", "last": "price", "value": "value"}[price])


def _best(side: str) -> pl.Expr:
    return pl.col(f"{side}s").list.first().struct.field("price")


def _in_grains(raw: pl.Expr, grain: int) -> pl.Expr:
    return (raw // pl.lit(grain, pl.Int128)).cast(pl.Int64, strict=False)
