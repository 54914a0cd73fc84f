"""The terms of an instrument that somebody defines by hand, checked before NautilusTrader sees them."""

from dataclasses import dataclass
from decimal import Decimal

from catalog_app.store.decimals import format_raw, parse_raw
from catalog_app.store.schema import INT64_MAX, PRICE_MAX_RAW, SCALE_DIGITS


@dataclass(frozen=True, slots=True)
class Terms:
    """Checked terms of an instrument; decimals as exact text."""

    instrument_id: str
    symbol: str
    currency: str
    base_currency: str | None
    settlement_currency: str
    price_precision: int
    size_precision: int
    price_increment: str
    size_increment: str
    multiplier: str
    lot_size: str | None
    activation_ns: int | None
    expiration_ns: int | None
    asset_class: str | None
    underlying: str
    exchange: str | None
    is_inverse: bool
    ts_ns: int


def step(name: str, value: str | Decimal | None, precision: int) -> str:
    """An increment as exact text; one unit of the last decimal where none is given. ValueError for any other."""
    unit = 10 ** (SCALE_DIGITS - precision)
    if value is None:
        return format_raw(unit, precision)
    raw = parse_raw(str(value))
    if not 0 < raw <= PRICE_MAX_RAW or raw % unit:
        raise ValueError(
            f"{name} {value} must be positive and have at most {precision} decimals, as the precision says"
        )
    return format_raw(raw, precision)


def positive(name: str, value: str | Decimal) -> str:
    """A quantity above zero as exact text; ValueError for any other."""
    raw = parse_raw(str(value))
    if not 0 < raw <= PRICE_MAX_RAW:
        raise ValueError(f"{name} {value} must be positive")
    return format_raw(raw, 0)


def moment(name: str, value: int | None) -> int | None:
    """A time in ns since 1970, UTC, as it is; ValueError for what no file can hold."""
    if value is not None and not 0 <= value <= INT64_MAX:
        raise ValueError(f"{name} must be nanoseconds since 1970, UTC")
    return value
