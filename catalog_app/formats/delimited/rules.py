"""What makes a row unusable: conditions and their reasons over text cells and parsed values.

A parsed frame holds, for each field, the text as "text.<field>" and the value as "<field>".
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from catalog_app.store.schema import (
    PRICE_COLUMNS,
    PRICE_MAX_RAW,
    PRICE_MIN_RAW,
    QUANTITY_MAX_RAW,
    SCALE_DIGITS,
    SIZE_COLUMNS,
)

_NUMBER: Final = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
# nautilus_trader TradeId: 1 to 36 ASCII characters; anything else aborts its process.
TRADE_ID_LENGTH: Final = 36


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows where `broken` is true are rejected with the text `reason`; `quick` where it is cheap on every row.

    The others only tell apart what a quick rule found.
    """

    broken: pl.Expr
    reason: pl.Expr
    quick: bool = True


def rules(
    data_type: str, present: set[str], price_precision: int, size_precision: int, *, negative_prices_allowed: bool
) -> list[Rule]:
    """The rules for one data type, most telling first; `present` are the fields that the file has."""
    found: list[Rule] = []
    for name in PRICE_COLUMNS[data_type]:
        found += _number_rules(name, price_precision, PRICE_MIN_RAW, PRICE_MAX_RAW)
        if not negative_prices_allowed:
            found.append(_rule(_raw(name) <= 0, "{} {} is not positive", pl.lit(name), _text(name)))
    for name in SIZE_COLUMNS[data_type]:
        if name in present:
            found.append(_rule(_raw(name) < 0, "{} {} is negative", pl.lit(name), _text(name)))
            found += _number_rules(name, size_precision, 0, QUANTITY_MAX_RAW)
    if data_type == "bar":
        found += _bar_rules()
    if data_type == "trade":
        found += _trade_rules(present)
    return found


def first_reason(found: list[Rule]) -> pl.Expr:
    """The reason of the first broken rule."""
    return pl.coalesce(pl.when(rule.broken.fill_null(False)).then(rule.reason) for rule in found)


def any_broken(found: list[Rule]) -> pl.Expr:
    """True for rows that some rule rejects."""
    return pl.any_horizontal(rule.broken for rule in found if rule.quick).fill_null(True)


def _raw(name: str) -> pl.Expr:
    return pl.col(name)


def _text(name: str) -> pl.Expr:
    return pl.col(f"text.{name}")


def _rule(broken: pl.Expr, reason: str, *values: pl.Expr, quick: bool = True) -> Rule:
    return Rule(broken, pl.format(reason, *values) if values else pl.lit(reason), quick)


def _number_rules(name: str, precision: int, lowest: int, highest: int) -> list[Rule]:
    text, raw, label = _text(name), _raw(name), pl.lit(name)
    number = text.str.contains(_NUMBER)
    needs = "{} {} has {} decimals, the instrument has {}"
    decimals = _decimals(text)
    return [
        _rule(raw.is_null() & (text == ""), "{} is missing", label, quick=False),
        _rule(raw.is_null() & ~number, "{} '{}' is not a number", label, text, quick=False),
        _rule(raw.is_null() & (decimals > SCALE_DIGITS), needs, label, text, decimals, pl.lit(precision), quick=False),
        _rule(raw.is_null() | ~raw.is_between(lowest, highest), "{} {} is beyond NautilusTrader's limits", label, text),
        _rule(raw % 10 ** (SCALE_DIGITS - precision) != 0, needs, label, text, decimals, pl.lit(precision)),
    ]


def _decimals(text: pl.Expr) -> pl.Expr:
    """Decimals that the text needs: trailing zeros do not count, an exponent does."""
    parts = text.str.to_lowercase().str.extract_groups(r"^[+-]?(?P<w>[0-9]*)\.?(?P<f>[0-9]*)(?:e(?P<e>[+-]?[0-9]+))?$")
    group = parts.struct
    digits = (group.field("w") + group.field("f")).str.strip_chars_end("0").str.len_bytes().cast(pl.Int64)
    return digits - group.field("w").str.len_bytes().cast(pl.Int64) - group.field("e").cast(pl.Int64).fill_null(0)


def _bar_rules() -> list[Rule]:
    high, low = _raw("high"), _raw("low")
    return [
        _rule(high < low, "high {} < low {}", _text("high"), _text("low")),
        *(
            _rule(high < _raw(name), f"high {{}} < {name} {{}}", _text("high"), _text(name))
            for name in ("open", "close")
        ),
        *(_rule(low > _raw(name), f"low {{}} > {name} {{}}", _text("low"), _text(name)) for name in ("open", "close")),
    ]


def _trade_rules(present: set[str]) -> list[Rule]:
    found = [_rule(_raw("size") == 0, "size {} is not positive", _text("size"))]
    sides = present & {"aggressor_side", "is_buyer_maker"}
    unknown = _raw("aggressor_side").is_null()
    found += [_rule(unknown, "{} '{}' is not a side", pl.lit(name), _text(name)) for name in sides]
    if "trade_id" in present:
        text = _text("trade_id")
        found += [
            _rule(text == "", "trade_id is missing"),
            _rule(
                ~text.str.contains(rf"^[\x20-\x7e]{{1,{TRADE_ID_LENGTH}}}$"),
                f"trade_id '{{}}' is not 1 to {TRADE_ID_LENGTH} ASCII characters",
                text,
            ),
        ]
    return found
