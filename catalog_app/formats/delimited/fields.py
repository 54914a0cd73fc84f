"""Text cells to canonical values, column by column."""

from typing import Final

import polars as pl

from catalog_app.formats.delimited.mapping import Mapping
from catalog_app.formats.delimited.times import parse_times
from catalog_app.store.decimals import parse_decimal, parse_raw
from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, SIZE_COLUMNS

_NONE, _BUYER, _SELLER = 0, 1, 2
# 1 and 2 are NautilusTrader's numbers; files that use 1 and -1 mean the same two.
_SIDES: Final = {
    **dict.fromkeys(("buy", "b", "buyer", "bid", "1", "long"), _BUYER),
    **dict.fromkeys(("sell", "s", "seller", "ask", "2", "-1", "short"), _SELLER),
    **dict.fromkeys(("", "0", "none", "n", "unknown", "no_aggressor"), _NONE),
}
# The buyer was the maker, so the seller was the aggressor.
_BUYER_MAKER: Final = {
    **dict.fromkeys(("true", "t", "1", "yes", "y"), _SELLER),
    **dict.fromkeys(("false", "f", "0", "no"), _BUYER),
}


def text_columns(mapping: Mapping, positions: dict[str, int]) -> list[pl.Expr]:
    """Cells by position -> "text.<field>"; date and time become one "text.timestamp"."""
    columns = [pl.col(f"#{at}").alias(f"text.{name}") for name, at in positions.items() if name not in {"date", "time"}]
    if "date" in positions:
        joined = pl.concat_str(f"#{positions['date']}", f"#{positions['time']}", separator=" ")
        columns.append(joined.str.strip_chars().alias("text.timestamp"))
    if mapping.decimal_mark == ",":
        numbers = {*PRICE_COLUMNS[mapping.data_type], *SIZE_COLUMNS[mapping.data_type]}
        return [
            column.str.replace(",", ".", literal=True) if column.meta.output_name()[5:] in numbers else column
            for column in columns
        ]
    return columns


def parse_fields(frame: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """Add the canonical columns to a frame of text cells with `line`; null where a cell cannot be parsed.

    Bars that are open-stamped are moved to their close. Without a ts_init column it equals ts_event.
    """
    times = [parse_times(frame["text.timestamp"], mapping.time_format, mapping.timezone).alias("ts_event")]
    if mapping.data_type == "bar" and mapping.stamp == "open":
        times[0] = times[0] + (mapping.interval_ns or 0)
    if "text.ts_init" in frame.columns:
        times.append(parse_times(frame["text.ts_init"], mapping.time_format, mapping.timezone).alias("ts_init"))
    else:
        times.append(times[0].alias("ts_init"))
    numbers = [_number(name, frame, mapping) for name in _number_fields(mapping.data_type)]
    parsed = frame.with_columns(*times, *numbers)
    return parsed.with_columns(_trade_fields(frame)) if mapping.data_type == "trade" else parsed


def canonical(frame: pl.DataFrame, data_type: str) -> pl.DataFrame:
    """Only the canonical columns, in order."""
    return frame.select(CANONICAL[data_type].names())


def _number_fields(data_type: str) -> tuple[str, ...]:
    return PRICE_COLUMNS[data_type] + SIZE_COLUMNS[data_type]


def _number(name: str, frame: pl.DataFrame, mapping: Mapping) -> pl.Expr:
    text = pl.col(f"text.{name}")
    if f"text.{name}" in frame.columns:
        value = parse_decimal(text)
        if name == "volume" and mapping.missing_volume_as_zero:
            value = pl.when(text.str.strip_chars() == "").then(pl.lit(0, pl.Int128)).otherwise(value)
        return value.alias(name)
    return pl.lit(0 if name == "volume" else parse_raw(mapping.default_size), pl.Int128).alias(name)


def _trade_fields(frame: pl.DataFrame) -> list[pl.Expr]:
    side = pl.lit(_NONE, pl.UInt8)
    for name, meaning in (("aggressor_side", _SIDES), ("is_buyer_maker", _BUYER_MAKER)):
        if f"text.{name}" in frame.columns:
            text = pl.col(f"text.{name}").str.to_lowercase()
            side = text.replace_strict(meaning, default=None, return_dtype=pl.UInt8)
    # A trade needs an id: time and line make it unique in the file, and the same at each import.
    generated = pl.format("{}-{}", "ts_event", "line")
    trade_id = pl.col("text.trade_id") if "text.trade_id" in frame.columns else generated
    return [side.alias("aggressor_side"), trade_id.alias("trade_id")]
