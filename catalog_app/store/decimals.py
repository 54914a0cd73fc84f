"""Exact decimal text and raw integers (x 10^-16), as Polars expressions and for single values. No floats.

No function of Python stands in an expression: Polars would run it on a thread of its pool, which then waits for the
interpreter, while another thread of ours may hold the interpreter and wait for the pool (Series.median does): for ever.
What only some values need is done to all, with the others made null before, which costs next to nothing.
"""

import re
from typing import Final

import polars as pl

from catalog_app.store.schema import SCALE, SCALE_DIGITS

DECIMAL: Final = pl.Decimal(38, SCALE_DIGITS)
_LARGEST_DECIMAL = 10**38 - 1

# Text that Polars casts to 16 decimals without rounding. Looking for it is as dear as the cast; text that cannot be
# rounded is told more cheaply: up to 17 bytes hold 16 decimals at most, and those that reach further by an exponent
# (1.5e-17) leave no room for a value above 10^-4.
_PLAIN = r"^[+-]?[0-9]*\.?[0-9]{0,16}$"
_SURELY_PLAIN_BYTES = 17
_SURELY_PLAIN_ABOVE = SCALE // 10**4
_PARTS = r"^[+-]?(?P<whole>[0-9]*)\.?(?P<fraction>[0-9]*)(?:[eE](?P<exponent>[+-]?0*[0-9]{1,4}))?$"
_ONE = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?0*[0-9]{1,4}))?", re.ASCII)


def decimal_text(expr: pl.Expr, digits: int) -> pl.Expr:
    """Int128 raw -> exact text with `digits` decimals (0 to 16); a value that needs more decimals shows them all."""
    _require_digits(digits)
    fits, held = fits_digits(expr, digits), expr.is_between(-_LARGEST_DECIMAL, _LARGEST_DECIMAL)
    short = as_short_decimal(pl.when(fits).then(expr), digits).cast(pl.String)
    long = _long_text(pl.when(held & ~fits).then(expr), digits)
    return pl.coalesce(short, long, _wide_text(pl.when(~held).then(expr), digits))


def parse_decimal(expr: pl.Expr) -> pl.Expr:
    """String -> Int128 raw; null where the text is not an exact decimal with at most 16 fraction digits.

    Accepts a sign, 5. and .5, and exponents (1.5e-05). Spaces and thousands separators are not accepted.
    """
    text = expr.cast(pl.String)
    raw = text.cast(DECIMAL, strict=False).to_physical()
    # Exponents and long fractions: Polars would round them, so find those that need more than 16 decimals.
    doubtful = (text.str.len_bytes() > _SURELY_PLAIN_BYTES) | raw.is_between(-_SURELY_PLAIN_ABOVE, _SURELY_PLAIN_ABOVE)
    odd = pl.when(doubtful & raw.is_not_null()).then(text)
    odd = pl.when(~odd.str.contains(_PLAIN)).then(odd)
    return pl.when(odd.is_null() | _is_exact(odd)).then(raw)


def as_short_decimal(expr: pl.Expr, digits: int) -> pl.Expr:
    """Int128 raw -> Decimal(38, digits) of equal value; right only for what fits_digits accepts."""
    _require_digits(digits)
    return (expr // _step(digits)).reinterpret(dtype=pl.Decimal(38, digits))


def fits_digits(expr: pl.Expr, digits: int) -> pl.Expr:
    """Whether an Int128 raw value needs no more than `digits` decimals, and a Decimal holds it; null stays null."""
    _require_digits(digits)
    held = expr.is_between(-_LARGEST_DECIMAL, _LARGEST_DECIMAL)
    return held & (expr % _step(digits) == 0)


def as_decimal(expr: pl.Expr) -> pl.Expr:
    """Int128 raw -> Decimal(38, 16) of the same buffer, without a copy; for Parquet and Arrow exports."""
    return expr.reinterpret(dtype=DECIMAL)


def format_raw(raw: int, digits: int) -> str:
    """Exact text of one raw integer with `digits` decimals, more where the value needs them."""
    _require_digits(digits)
    whole, fraction = divmod(abs(raw), SCALE)
    decimals = f"{fraction:016d}".rstrip("0").ljust(digits, "0")
    sign = "-" if raw < 0 else ""
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def parse_raw(text: str) -> int:
    """One exact decimal as a raw integer; ValueError where the text is none or needs more than 16 decimals."""
    match = _ONE.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"{text!r} is not a decimal number")
    shift = SCALE_DIGITS - len(match[3]) + int(match[4] or 0)
    digits = int(match[2] + match[3])
    if shift >= 0:
        raw = digits * 10**shift if digits else 0
    else:
        raw, rest = divmod(digits, 10**-shift)
        if rest:
            raise ValueError(f"{text!r} has more than {SCALE_DIGITS} decimals")
    if raw > _LARGEST_DECIMAL:
        raise ValueError(f"{text!r} is too large")
    return -raw if match[1] == "-" else raw


def _require_digits(digits: int) -> None:
    if not 0 <= digits <= SCALE_DIGITS:
        raise ValueError(f"digits must be 0 to {SCALE_DIGITS}, not {digits}")


def _step(digits: int) -> pl.Expr:
    return pl.lit(10 ** (SCALE_DIGITS - digits), pl.Int128)


def _long_text(column: pl.Expr, digits: int) -> pl.Expr:
    """All 16 decimals, then without zeros that are not asked for."""
    text = column.reinterpret(dtype=DECIMAL).cast(pl.String)
    return _trim(text.str.head(-SCALE_DIGITS), text.str.tail(SCALE_DIGITS), digits)


def _wide_text(column: pl.Expr, digits: int) -> pl.Expr:
    """As _long_text for integers of 39 digits, which no Decimal holds."""
    text = column.cast(pl.String).str.strip_prefix("-").str.zfill(SCALE_DIGITS + 1)
    sign = pl.when(column < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return _trim(sign + text.str.head(-SCALE_DIGITS) + pl.lit("."), text.str.tail(SCALE_DIGITS), digits)


def _trim(whole_and_dot: pl.Expr, fraction: pl.Expr, digits: int) -> pl.Expr:
    kept = fraction.str.head(digits) + fraction.str.slice(digits).str.strip_chars_end("0")
    return (whole_and_dot + kept).str.strip_chars_end(".")


def _is_exact(text: pl.Expr) -> pl.Expr:
    """Whether a number that may have an exponent needs no more than 16 decimals; null for null."""
    parts = text.str.extract_groups(_PARTS).struct
    exponent = parts.field("exponent").cast(pl.Int64, strict=False).fill_null(0)
    decimals = parts.field("fraction").str.len_bytes().cast(pl.Int64) - exponent
    digits = (parts.field("whole") + parts.field("fraction")).str.strip_chars_start("0")
    zeros = digits.str.len_bytes().cast(pl.Int64) - digits.str.strip_chars_end("0").str.len_bytes()
    return parts.field("whole").is_not_null() & ((digits == "") | (decimals - zeros <= SCALE_DIGITS))
