"""Text to nanoseconds UTC, column by column, exactly."""

import re
from typing import Final

import polars as pl

from catalog_app.formats.delimited.mapping import EPOCHS
from catalog_app.formats.delimited.zones import fixed_offset_seconds
from catalog_app.formats.errors import FormatError
from catalog_app.store.decimals import parse_decimal
from catalog_app.store.schema import INT64_MAX, SCALE

_NS: Final = 10**9
_DAY: Final = 86_400
# Whole seconds for which nanoseconds fit into NautilusTrader's unsigned and our signed 64 bits: 1970 to 2262.
_MAX_SECONDS: Final = INT64_MAX // _NS - 1
_SECONDS_LENGTH: Final = 19
_ISO_REST: Final = (
    r"^(?:[.,](?P<fraction>\d{1,9}))?\s?(?:(?P<utc>Z|z|UTC|GMT)|(?P<sign>[+-])(?P<hour>\d{2}):?(?P<minute>\d{2})?)?$"
)
_OFFSET_DIRECTIVE: Final = re.compile(r"%[:#]*z")
_ISO_PREFIX: Final = r"^(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?)(.*)$"
# What most files end their times with, in all rows alike.
_COMMON_ENDS: Final = {"": None, "Z": 0, "+00:00": 0, "+0000": 0, " UTC": 0}


def parse_times(text: pl.Series, time_format: str, zone: str) -> pl.Series:
    """Int64 ns UTC; null where the text is no time of the format, outside 1970-2262, or not unique in the zone."""
    instants = _instants(text, time_format)
    return _to_utc(instants, zone)


def explain_times(text: pl.Series, time_format: str, zone: str) -> pl.Series:
    """Why parse_times gives null: one reason per row (String)."""
    instants = _instants(text, time_format).with_columns(text=text)
    no_time = pl.format("the time '{}' is not {}", "text", pl.lit(_describe(time_format)))
    outside = ~pl.col("seconds").is_between(0, _MAX_SECONDS)
    reason = (
        pl.when(pl.col("text").str.strip_chars() == "")
        .then(pl.lit("the time is missing"))
        .when(pl.col("seconds").is_null() | pl.col("nanos").is_null())
        .then(no_time)
        .when(outside)
        .then(pl.format("the time {} is outside 1970 to 2262", "text"))
    )
    if fixed_offset_seconds(zone) is None:
        first = _local().dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        reason = reason.when(first.is_not_null()).then(
            pl.format("the time {} occurs twice in {} (clocks go back)", "text", pl.lit(zone))
        )
        reason = reason.when(pl.col("seconds").is_not_null()).then(
            pl.format("the time {} does not exist in {} (clocks go forward)", "text", pl.lit(zone))
        )
    return instants.select(reason.otherwise(pl.lit("the time cannot be used"))).to_series()


def _describe(time_format: str) -> str:
    if time_format == "iso":
        return "ISO 8601 (2024-01-31 09:30:00)"
    return f"a number ({time_format})" if time_format in EPOCHS else f"of the form {time_format}"


def _to_utc(instants: pl.DataFrame, zone: str) -> pl.Series:
    seconds = pl.col("seconds")
    fixed = fixed_offset_seconds(zone)
    if fixed is not None:
        shift: pl.Expr = seconds - pl.col("offset").fill_null(fixed)
    elif instants["offset"].null_count() == 0:
        shift = seconds - pl.col("offset")
    else:
        utc = _local().dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.epoch("s")
        shift = pl.when(pl.col("offset").is_null()).then(utc).otherwise(seconds - pl.col("offset"))
    return (
        instants.lazy()
        .select(utc=shift, nanos="nanos")
        .select(pl.when(pl.col("utc").is_between(0, _MAX_SECONDS)).then(pl.col("utc") * _NS + pl.col("nanos")))
        .collect()
        .to_series()
    )


def _local() -> pl.Expr:
    """Local clock time of the column seconds; null far outside the years that can be used."""
    seconds = pl.col("seconds")
    safe = pl.when(seconds.is_between(-_DAY, _MAX_SECONDS + _DAY)).then(seconds)
    return pl.from_epoch(safe, time_unit="s").cast(pl.Datetime("us"))


def _instants(text: pl.Series, time_format: str) -> pl.DataFrame:
    """Columns seconds (since 1970 in local time), nanos, offset (seconds east of UTC; null: the text has none)."""
    if time_format == "iso":
        return _iso(text)
    if time_format in EPOCHS:
        return _epoch(text, EPOCHS[time_format])
    return _strptime(text, time_format)


def _iso(text: pl.Series) -> pl.DataFrame:
    column = pl.col("text")
    frame = text.alias("text").to_frame()
    ends = [end for end in _COMMON_ENDS if end] if text.len() else []
    end = next((end for end in ends if text.str.ends_with(end).all()), "")
    separator = "T" if text.len() and "T" in (text[0] or "") else " "
    fraction = column.str.strip_suffix(end) if end else column
    fraction = fraction.str.slice(_SECONDS_LENGTH)
    # ".295" as a decimal of nine digits is its nanoseconds; one more digit would be rounded.
    nanos = pl.when(fraction.str.len_bytes() <= 10).then(fraction.cast(pl.Decimal(38, 9), strict=False).to_physical())
    fast = frame.select(
        seconds=_parsed_seconds(column.str.head(_SECONDS_LENGTH), f"%Y-%m-%d{separator}%H:%M:%S"),
        nanos=pl.when(fraction == "").then(0).when(fraction.str.starts_with(".")).then(nanos).cast(pl.Int64),
        offset=pl.lit(_COMMON_ENDS[end], dtype=pl.Int64),
    )
    odd = fast.select(
        (pl.col("seconds").is_null() | ~pl.col("nanos").is_between(0, _NS - 1)).fill_null(True)
    ).to_series()
    if not odd.any():
        return fast
    rows = odd.arg_true()
    slow = _iso_any(text.filter(odd)).with_columns(row=rows)
    whole = fast.with_row_index("row").filter(~odd)
    return pl.concat([whole.select(slow.columns), slow]).sort("row").drop("row")


def _iso_any(text: pl.Series) -> pl.DataFrame:
    """ISO 8601 with date alone, without seconds, with any fraction and offset."""
    parts = (
        text.alias("text")
        .to_frame()
        .select(local=pl.col("text").str.extract(_ISO_PREFIX, 1), rest=pl.col("text").str.extract(_ISO_PREFIX, 2))
    )
    local = pl.col("local").str.replace("T", " ", literal=True)
    full = (
        pl.when(local.str.len_bytes() == 10)
        .then(local + " 00:00:00")
        .when(local.str.len_bytes() == 16)
        .then(local + ":00")
        .otherwise(local)
    )
    found = parts.with_columns(
        seconds=_parsed_seconds(full, "%Y-%m-%d %H:%M:%S"), found=pl.col("rest").str.extract_groups(_ISO_REST)
    )
    known = pl.col("rest").str.contains(_ISO_REST)
    group = pl.col("found").struct
    east = group.field("hour").cast(pl.Int64) * 3600 + group.field("minute").fill_null("0").cast(pl.Int64) * 60
    return found.select(
        seconds="seconds",
        nanos=pl.when(known).then(group.field("fraction").fill_null("0").str.pad_end(9, "0").cast(pl.Int64)),
        offset=pl.when(group.field("utc").is_not_null())
        .then(pl.lit(0, dtype=pl.Int64))
        .otherwise(pl.when(group.field("sign") == "-").then(-east).otherwise(east)),
    )


def _parsed_seconds(text: pl.Expr, form: str) -> pl.Expr:
    return text.str.to_datetime(form, time_unit="us", strict=False, cache=False).to_physical() // 1_000_000


def _epoch(text: pl.Series, unit_ns: int) -> pl.DataFrame:
    whole = text.cast(pl.Int64, strict=False)
    if whole.null_count() == 0:
        per_second = _NS // unit_ns
        count = pl.col("whole")
        return (
            whole.alias("whole")
            .to_frame()
            .select(seconds=count // per_second, nanos=count % per_second * unit_ns, offset=pl.lit(0, dtype=pl.Int64))
        )
    raw = pl.col("raw")
    # raw / 10^16 units of unit_ns each; a value that is no whole number of ns is refused.
    divisor = SCALE // unit_ns
    ns = pl.when((raw % divisor == 0) & (raw.abs() < 10**36)).then(raw // divisor)
    return (
        text.alias("text")
        .to_frame()
        .select(raw=parse_decimal(pl.col("text")))
        .select(ns=ns)
        .select(
            seconds=(pl.col("ns") // _NS).cast(pl.Int64, strict=False),
            nanos=(pl.col("ns") % _NS).cast(pl.Int64),
            offset=pl.lit(0, dtype=pl.Int64),
        )
    )


def _strptime(text: pl.Series, form: str) -> pl.DataFrame:
    column = pl.col("text")
    micros = column.str.to_datetime(form, time_unit="us", strict=False, cache=False).to_physical()
    # With an offset in the text, Polars gives UTC.
    offset = pl.lit(0 if _OFFSET_DIRECTIVE.search(form) else None, dtype=pl.Int64)
    try:
        frame = (
            text.alias("text")
            .to_frame()
            .select(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000, offset=offset)
        )
    except pl.exceptions.PolarsError as error:
        raise FormatError(
            f"{form!r} is no time format ({error})", "time_format", "Use a form such as %Y%m%d."
        ) from error
    if "%.f" not in form or not text.str.contains(r"\.\d{7,}").any():
        return frame
    # Finer than microseconds; years whose ns overflow are refused by their seconds.
    ns = column.str.to_datetime(form, time_unit="ns", strict=False, cache=False).to_physical()
    return frame.with_columns(text.alias("text").to_frame().select(nanos=ns % _NS))
