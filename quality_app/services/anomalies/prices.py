"""What the values of an anomaly's row say: where it stands on a price axis, and what contradicts what."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

_PRICES = ("price", "open", "high", "low", "close", "value", "close_price", "bid_price", "ask_price")
_ONE = {"trade": "price", "bar": "close", "mark_price": "value", "index_price": "value", "close": "close_price"}


def price_of(data_type: str, values: Mapping[str, str]) -> float | None:
    """The price of a row's values as text, for drawing only: the mid of a two-sided row; None where there is none."""
    if data_type in _ONE:
        return _number(values.get(_ONE[data_type], ""))
    if data_type == "quote":
        return _mid(values.get("bid_price", ""), values.get("ask_price", ""))
    if data_type == "depth10":
        return _mid(*(values.get(side, "").partition("x")[0] for side in ("bids", "asks")))
    return None


def told_by(check_id: str, values: Mapping[str, str]) -> tuple[str, str]:
    """(value, what it was expected to be) as decimal text, for rules on a row alone; "" where there is no such thing.

    Crossed quotes: the bid, at most the ask. Bars: the high, at least every other price, or the low, at most those.
    """
    try:
        if check_id == "quote.crossed":
            return values["bid_price"], values["ask_price"]
        if check_id == "price.positive":
            prices = [values[name] for name in _PRICES if values.get(name)]
            return min(prices, key=Decimal), ""
        if check_id == "bar.ohlc":
            others = [values["open"], values["close"]]
            highest = max((*others, values["low"]), key=Decimal)
            if Decimal(values["high"]) < Decimal(highest):
                return values["high"], highest
            return values["low"], min((*others, values["high"]), key=Decimal)
    except (KeyError, InvalidOperation, ValueError):
        pass
    return "", ""


def _mid(bid: str, ask: str) -> float | None:
    known = [price for price in (_number(bid), _number(ask)) if price is not None]
    return sum(known) / len(known) if known else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
