"""What a version of NautilusTrader cannot hold of canonical rows, and the rows without it.

The writer refuses such rows. A conversion counts the losses, announces them, and writes what `reduced` leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from catalog_app.store.layout import VERSIONS, Version
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from catalog_app.store.writing.arrow_schemas import V1_LEVELS

# Where an undefined price or size can be written: (version, data type).
_UNDEFINED_ALLOWED: Final = frozenset(
    {
        *((version, "delta") for version in VERSIONS),
        *(("v2", data_type) for data_type in ("mark_price", "index_price", "close")),
    }
)
# In these types 1.231.0 takes an undefined price of precision 0, and aborts with any other precision.
_UNDEFINED_WITHOUT_DECIMALS: Final = frozenset({"quote", "trade", "bar", "mark_price", "index_price"})

_NAMES: Final = {"v1": "NautilusTrader 1", "v2": "NautilusTrader 2"}
_DECIMAL_PARTS: Final = r"^[+-]?(?P<whole>[0-9]*)\.?(?P<fraction>[0-9]*)(?:[eE](?P<exponent>[+-]?[0-9]{1,4}))?$"
# What the decimals hold that 1.x reads close prices with (they are text), and 2.x funding rates.
_DIGITS: Final = 28


@dataclass(frozen=True, slots=True)
class Loss:
    """`rows` is true for rows that lose something; `kept` are the columns without it, none where the row must go."""

    text: str
    rows: pl.Expr
    kept: tuple[pl.Expr, ...] = ()


def losses(
    frame: pl.DataFrame,
    data_type: str,
    version: Version,
    *,
    price_precision: int | None = None,
    size_precision: int | None = None,
) -> dict[str, int]:
    """What would be lost of a canonical frame, with the number of rows that it concerns; {} when nothing."""
    known = list(possible_losses(data_type, version, price_precision, size_precision))
    if not known:
        return {}
    counts = frame.select(loss.rows.fill_null(False).sum().alias(loss.text) for loss in known).row(0, named=True)
    return {text: count for text, count in counts.items() if count}


def reduced(
    frame: pl.DataFrame,
    data_type: str,
    version: Version,
    *,
    price_precision: int | None = None,
    size_precision: int | None = None,
) -> pl.DataFrame:
    """The frame without what `losses` counts: levels cut, order ids zero, rows left out."""
    for loss in possible_losses(data_type, version, price_precision, size_precision):
        frame = frame.with_columns(loss.kept) if loss.kept else frame.filter(~loss.rows.fill_null(False))
    return frame


def possible_losses(
    data_type: str, version: Version, price_precision: int | None, size_precision: int | None
) -> Iterator[Loss]:
    """All that a version cannot hold of a data type."""
    for names, precision in ((PRICE_COLUMNS, price_precision), (SIZE_COLUMNS, size_precision)):
        if not may_be_undefined(data_type, version, precision):
            for name in names[data_type]:
                text = f"{name} is empty: {_NAMES[version]} cannot read such a row"
                yield Loss(text, pl.col(name).is_null())
    if data_type == "depth10":
        yield from _level_losses(version)
    if data_type == "funding_rate" and version == "v2":
        yield Loss(f"rate has more than {_DIGITS} digits: NautilusTrader 2 rounds or refuses it", _long_rate())
    if data_type == "close" and version == "v1":
        yield Loss(f"close_price has more than {_DIGITS} digits: NautilusTrader 1 rounds it", _long_close())


def may_be_undefined(data_type: str, version: Version, precision: int | None) -> bool:
    """Whether a version can hold rows of the type with a price or size that is undefined."""
    without_decimals = version == "v1" and precision == 0 and data_type in _UNDEFINED_WITHOUT_DECIMALS
    return (version, data_type) in _UNDEFINED_ALLOWED or without_decimals


def _level_losses(version: Version) -> Iterator[Loss]:
    level = pl.element().struct
    for side in ("bids", "asks"):
        levels = pl.col(side)
        if version == "v1":
            deep = levels.list.len() > V1_LEVELS
            text = f"{side} has more than {V1_LEVELS} levels: NautilusTrader 1 holds no deeper ones"
            yield Loss(text, deep, (levels.list.head(V1_LEVELS),))
            with_ids = levels.list.eval(level.field("order_id") != 0).list.any()
            without_ids = levels.list.eval(level.with_fields(order_id=pl.lit(0, pl.UInt64)))
            yield Loss(f"{side} has order ids: depths of NautilusTrader 1 hold none", with_ids, (without_ids,))
        else:
            undefined = level.field("price").is_null() | level.field("size").is_null()
            yield Loss(
                f"{side} has a level without price or size: NautilusTrader 2 holds none",
                levels.list.eval(undefined).list.any(),
                (levels.list.eval(pl.element().filter(~undefined)),),
            )


def _long_rate() -> pl.Expr:
    parts = pl.col("rate").str.extract_groups(_DECIMAL_PARTS).struct
    whole, fraction = (parts.field(name).str.len_bytes().cast(pl.Int32) for name in ("whole", "fraction"))
    exponent = parts.field("exponent").cast(pl.Int32, strict=False).fill_null(0)
    return pl.max_horizontal(whole + fraction, whole + exponent, fraction - exponent) > _DIGITS


def _long_close() -> pl.Expr:
    """Of the 30 digits that a price can have, zeros at the end do not count."""
    raw = pl.col("close_price")
    longer = (raw.abs() >= pl.lit(10 ** (_DIGITS + rest), pl.Int128) for rest in (0, 1))
    finer = (raw % pl.lit(10 ** (rest + 1), pl.Int128) != 0 for rest in (0, 1))
    return pl.any_horizontal(long & fine for long, fine in zip(longer, finer, strict=True))
