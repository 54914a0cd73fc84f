"""Checks a definition's values before any NautilusTrader sees them: it may abort the process on a wrong one."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from catalog_app.store.bar_type import split_instrument_id
from catalog_app.store.decimals import parse_raw
from catalog_app.store.instruments.fields import Kind
from catalog_app.store.schema import INT64_MAX, PRICE_MAX_RAW, QUANTITY_MAX_RAW, SCALE_DIGITS

ASSET_CLASSES: Final = frozenset(
    {"FX", "EQUITY", "COMMODITY", "DEBT", "INDEX", "CRYPTOCURRENCY", "ALTERNATIVE"},
)
_CURRENCIES: Final = frozenset({"currency", "base_currency", "quote_currency", "settlement_currency"})
_PRECISIONS: Final = frozenset({"price_precision", "size_precision"})
# Values that must exceed zero (model/instruments/base.pyx, and the constructors of 2.x).
_POSITIVE: Final = frozenset({"price_increment", "size_increment", "multiplier", "lot_size"})
_NUMBER: Final = re.compile(rf"-?[0-9]+(\.[0-9]{{1,{SCALE_DIGITS}}})?", re.ASCII)


def check_value(name: str, kind: Kind, value: Any) -> None:
    """ValueError that names the column, where a value (not null) is none that NautilusTrader takes."""
    try:
        _CHECKS[kind](name, value)
    except (ValueError, ArithmeticError) as error:
        text = str(error)
        raise ValueError(text if text.startswith(name) else f"{name}: {text}") from None


def check_steps(row: dict[str, Any]) -> None:
    """ValueError where an increment has not as many decimals as the precision beside it says."""
    for which in ("price", "size"):
        precision, increment = row.get(f"{which}_precision"), row.get(f"{which}_increment")
        if precision is None or increment is None:
            continue
        decimals = len(increment.partition(".")[2])
        if decimals != precision:
            raise ValueError(f"{which}_increment {increment} has {decimals} decimals, {which}_precision is {precision}")


def currency_code(name: str, value: str) -> str:
    """The code itself, of letters and digits; ValueError for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9]{1,20}", value, re.ASCII):
        raise ValueError(f"{name} {value!r} must be a currency code of letters and digits, such as USD or USDT")
    return value


def printable(name: str, value: str) -> str:
    """The text itself; ValueError where it is empty, long, or not printable ASCII without spaces."""
    if not re.fullmatch(r"[\x21-\x7e]{1,100}", value):
        raise ValueError(f"{name} {value!r} may hold only printable ASCII without spaces")
    return value


def _check_text(name: str, value: str) -> None:
    if "\0" in value:
        raise ValueError(f"{name} holds a NUL character")
    if name == "id":
        split_instrument_id(value)
    elif name == "raw_symbol":
        if not re.fullmatch(r"[\x20-\x7e]{1,200}", value) or not value.strip():
            raise ValueError(f"{name} {value!r} may hold only printable ASCII")
    elif name in _CURRENCIES:
        currency_code(name, value)
    elif name == "asset_class" and value not in ASSET_CLASSES:
        raise ValueError(f"{name} {value!r} must be one of {', '.join(sorted(ASSET_CLASSES))}")
    elif name == "option_kind" and value not in {"CALL", "PUT"}:
        raise ValueError(f"{name} {value!r} must be CALL or PUT")


def _check_integer(name: str, value: int) -> None:
    top = SCALE_DIGITS if name in _PRECISIONS else INT64_MAX
    if not 0 <= value <= top:
        raise ValueError(f"{name} must be 0 to {top}, not {value}")


def _check_time(name: str, value: int) -> None:
    if not 0 <= value <= INT64_MAX:
        raise ValueError(f"{name} must be nanoseconds since 1970, UTC, not {value}")


def _check_price(name: str, value: str) -> None:
    if not _NUMBER.fullmatch(value) or abs(parse_raw(value)) > PRICE_MAX_RAW:
        raise ValueError(f"{name} {value!r} is no price of at most {SCALE_DIGITS} decimals")
    _check_positive(name, value)


def _check_quantity(name: str, value: str) -> None:
    if not _NUMBER.fullmatch(value) or not 0 <= parse_raw(value) <= QUANTITY_MAX_RAW:
        raise ValueError(f"{name} {value!r} is no quantity of at most {SCALE_DIGITS} decimals")
    _check_positive(name, value)


def _check_positive(name: str, value: str) -> None:
    if name in _POSITIVE and parse_raw(value) <= 0:
        raise ValueError(f"{name} {value} must be positive")


def _check_money(name: str, value: str) -> None:
    amount, space, code = value.partition(" ")
    if not space or not _NUMBER.fullmatch(amount) or abs(parse_raw(amount)) > PRICE_MAX_RAW:
        raise ValueError(f"{name} {value!r} must be an amount and a currency, such as 100.00 USD")
    currency_code(name, code)


def _check_decimal(name: str, value: str) -> None:
    digits = Decimal(value).as_tuple()
    # 2.x keeps decimals in 96 bits.
    if not isinstance(digits.exponent, int) or len(digits.digits) > 28 or digits.exponent < -28:
        raise ValueError(f"{name} {value} has more than 28 digits")


def _check_float(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a number, not {value}")


def _accept(name: str, value: Any) -> None:
    """Any value does."""


_CHECKS: Final[dict[Kind, Callable[[str, Any], None]]] = {
    "text": _check_text,
    "integer": _check_integer,
    "float": _check_float,
    "boolean": _accept,
    "time": _check_time,
    "price": _check_price,
    "quantity": _check_quantity,
    "money": _check_money,
    "decimal": _check_decimal,
    "info": _accept,
}
