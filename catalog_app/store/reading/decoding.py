"""From the columns that a file has to the canonical ones, by their Arrow types: what any NautilusTrader wrote.

Facts, from what 1.231.0 (its Python `write_data` and its Rust encoders), 2.0.0rc4 and 2.0.0rc7 write:

- Prices and sizes: fixed_size_binary[16] (little-endian, x 10^-16; 1.x and 2.0.0rc4), fixed_size_binary[8] (x 10^-9;
  1.x with standard precision), int64 and uint64 (x 10^-9; before 1.211), decimal128(38, 16) (2.x). The largest integer
  of the type means undefined; 2.x has nulls.
- ts_event, ts_init: uint64 ns (1.x), timestamp[ns, UTC] (2.x).
- Enumerations: uint8 in 1.x, dictionaries of names in 2.x. Status actions and the convention of greeks are names in
  both (plain strings in 1.x).
- Close: 1.x writes close_price as text, ids and close_type as dictionaries from Python, fixed_size_binary and uint8
  from Rust. Funding rate: 1.x writes the rate as JSON text in binary (`"0.00010"`, `"-1E-7"`), interval uint16 and
  next_funding_ns uint64; 2.x plain text without exponent, interval uint64, next_funding_ns a timestamp.
- 1.x adds an instrument_id column to closes, status and greeks; 2.x has it in the metadata alone.
"""

from collections.abc import Callable
from typing import Final

import polars as pl
import pyarrow as pa
from pyarrow import types

from catalog_app.store.decimals import parse_decimal
from catalog_app.store.reading.uncopied import UNDEFINED_PRICE, UNDEFINED_SIZE
from catalog_app.store.schema import CANONICAL, INT64_MAX, SCALE_DIGITS, SIZE_COLUMNS, UINT64_MAX

# The scale of 8-byte values.
_NANO_DIGITS: Final = 9
_NANO_STEP: Final = 10 ** (SCALE_DIGITS - _NANO_DIGITS)
# Leads the message of a value that is refused.
_NO_NUMBER: Final = f"not a number with at most {SCALE_DIGITS} decimals: "
_SIZES: Final = frozenset(name for names in SIZE_COLUMNS.values() for name in names)
# Names of the enumerations that are numbers in canonical frames, in the order of those numbers from the first on.
_NAMES: Final[dict[str, tuple[int, list[str]]]] = {
    "aggressor_side": (0, ["NO_AGGRESSOR", "BUY", "SELL", "BUYER", "SELLER"]),
    "action": (1, ["ADD", "UPDATE", "DELETE", "CLEAR"]),
    "side": (0, ["NO_ORDER_SIDE", "BUY", "SELL"]),
    "close_type": (1, ["END_OF_SESSION", "CONTRACT_EXPIRED"]),
}
# BUYER is another name of BUY, SELLER of SELL.
_AGGRESSORS: Final = 3
_SCIENTIFIC: Final = r"^(?P<sign>-?)(?P<first>[0-9])(?:\.(?P<more>[0-9]+))?[eE](?P<exponent>[+-]?[0-9]{1,3})$"

type Decoder = Callable[[pl.Expr, pa.DataType], pl.Expr | None]


def decode(data_type: str, column: str, values: pl.Expr, kind: pa.DataType) -> pl.Expr:
    """The canonical column of a data type from the stored one; `kind` is its Arrow type.

    Raises ValueError, with the reason, where values of that type cannot be this column. Names of enumerations that
    nobody writes fail when the frame is collected.
    """
    wanted = CANONICAL[data_type].get(column)
    decoded = _decoder(column, wanted)(values, kind)
    if decoded is None:
        raise ValueError(f"the column {column} is {kind}, which no {data_type} file of NautilusTrader has")
    return decoded.alias(column)


def _decoder(column: str, wanted: pl.DataType | None) -> Decoder:
    if column in _NAMES and wanted == pl.UInt8:
        return lambda values, kind: _enumeration(column, values, kind)
    own: dict[str, Decoder] = {
        **dict.fromkeys(("ts_event", "ts_init", "next_funding_ns"), decode_time),
        **dict.fromkeys(_SIZES, decode_size),
        "rate": _rate,
    }
    by_type: dict[pl.DataType, Decoder] = {
        pl.Int128(): decode_price,
        pl.String(): lambda values, kind: values.cast(pl.String) if _is_text(kind) else None,
        pl.Boolean(): lambda values, kind: values if types.is_boolean(kind) else None,
        pl.Float64(): lambda values, kind: values.cast(pl.Float64) if types.is_floating(kind) else None,
    }
    if wanted is None:
        raise ValueError(f"there is no column {column}")
    return own.get(column) or by_type.get(wanted) or (lambda values, kind: decode_integer(values, kind, wanted))


def decode_price(values: pl.Expr, kind: pa.DataType) -> pl.Expr | None:
    """Prices of any physical type -> Int128 raw, null where undefined; None where the type holds no prices."""
    return _number(values, kind, signed=True)


def decode_size(values: pl.Expr, kind: pa.DataType) -> pl.Expr | None:
    """As decode_price, for sizes: their undefined value is the largest unsigned integer."""
    return _number(values, kind, signed=False)


def _number(values: pl.Expr, kind: pa.DataType, *, signed: bool) -> pl.Expr | None:
    if kind == pa.binary(16):
        raw = values.bin.reinterpret(dtype=pl.Int128, endianness="little")
        return pl.when(raw != pl.lit(UNDEFINED_PRICE if signed else UNDEFINED_SIZE, pl.Int128)).then(raw)
    if kind == pa.binary(8):
        return _nano(values.bin.reinterpret(dtype=pl.Int64 if signed else pl.UInt64, endianness="little"), signed)
    if types.is_int64(kind) or types.is_uint64(kind):
        return _nano(values, types.is_int64(kind))
    if types.is_decimal128(kind) and 0 <= kind.scale <= SCALE_DIGITS:
        step = 10 ** (SCALE_DIGITS - kind.scale)
        raw = values.to_physical()
        return raw if step == 1 else raw.cast(pl.Int128) * pl.lit(step, pl.Int128)
    return _number_text(values) if _is_text(kind) else None


def _nano(values: pl.Expr, signed: bool) -> pl.Expr:
    undefined = pl.lit(INT64_MAX, pl.Int64) if signed else pl.lit(UINT64_MAX, pl.UInt64)
    return pl.when(values != undefined).then(values.cast(pl.Int128) * pl.lit(_NANO_STEP, pl.Int128))


def _number_text(values: pl.Expr) -> pl.Expr:
    text = values.cast(pl.String)
    raw = parse_decimal(text)
    # A cast that must fail names the value; an expression has no other way to raise.
    odd = pl.when(raw.is_null()).then(pl.lit(_NO_NUMBER) + text)
    return pl.coalesce(raw, odd.cast(pl.Int128))


def decode_time(values: pl.Expr, kind: pa.DataType) -> pl.Expr | None:
    """ns since 1970, UTC, as Int64."""
    if types.is_uint64(kind):
        return values.reinterpret(signed=True)
    if types.is_int64(kind):
        return values
    return values.to_physical() if is_ns_timestamp(kind) else None


def is_ns_timestamp(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a timestamp in ns, in UTC or without a zone."""
    return bool(types.is_timestamp(kind) and kind.unit == "ns" and kind.tz in {None, "UTC", "+00:00"})


def decode_integer(values: pl.Expr, kind: pa.DataType, wanted: pl.DataType) -> pl.Expr | None:
    """Integers of any width; one that does not fit fails when the frame is collected."""
    return values.cast(wanted) if types.is_integer(kind) else None


def _enumeration(column: str, values: pl.Expr, kind: pa.DataType) -> pl.Expr | None:
    if types.is_integer(kind):
        return values.cast(pl.UInt8)
    if not _is_text(kind):
        return None
    first, names = _NAMES[column]
    code = values.cast(pl.Enum(names)).to_physical()
    if column == "aggressor_side":
        return pl.when(code < _AGGRESSORS).then(code).otherwise(code - 2)
    return code + first


def _rate(values: pl.Expr, kind: pa.DataType) -> pl.Expr | None:
    if types.is_binary(kind) or types.is_large_binary(kind) or _is_text(kind):
        return _without_exponent(values.cast(pl.String).str.strip_chars('"'))
    if types.is_decimal128(kind):
        return values.cast(pl.String)
    return None


def _without_exponent(text: pl.Expr) -> pl.Expr:
    """Python writes 0.0000001 as 1E-7, 2.x as it is: equal rates are equal text."""
    parts = text.str.extract_groups(_SCIENTIFIC)
    sign, more = parts.struct.field("sign"), parts.struct.field("more").fill_null("")
    digits = parts.struct.field("first") + more
    power = parts.struct.field("exponent").str.strip_prefix("+").cast(pl.Int64)
    small = sign + pl.lit("0.") + digits.str.pad_start(digits.str.len_bytes() + (-power - 1).clip(0), "0")
    large = sign + digits.str.pad_end((power + 1).clip(0), "0")
    return pl.when(power < 0).then(small).when(power >= more.str.len_bytes().cast(pl.Int64)).then(large).otherwise(text)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(value) or types.is_large_string(value) or types.is_string_view(value))
