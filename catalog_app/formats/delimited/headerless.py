"""Files without a header: what the columns are, by position and kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from catalog_app.formats.delimited.time_formats import guess_epoch, guess_time_format, is_clock

_BINANCE_KLINE_COLUMNS: Final = 12
# Bid and ask of one moment differ by less than this share; a price and a size hardly ever do.
_SPREAD: Final = 0.05
# A sample may hold some bad rows.
_MOST: Final = 0.9


@dataclass(frozen=True, slots=True)
class Layout:
    """A recognised order of columns: field -> position, and its vendor's name."""

    data_type: str | None
    columns: dict[str, str | int]
    vendor: str = ""


def guess_layout(columns: list[list[str]]) -> Layout:
    """Fields of a table given as columns of sample texts; data_type None where it cannot be told."""
    numbers = [at for at, texts in enumerate(columns) if _is(texts, _is_number)]
    if len(columns) == _BINANCE_KLINE_COLUMNS and guess_epoch(columns[0]) and guess_epoch(columns[6]):
        names = ("timestamp", "open", "high", "low", "close", "volume")
        return Layout("bar", _in_order(names, 0), "Binance klines")
    if trades := _binance_trades(columns):
        return trades
    times = _times(columns)
    if not times:
        return Layout(None, {})
    first = max(position for position in times.values() if isinstance(position, int)) + 1
    values = [at for at in range(first, len(columns)) if at in numbers]
    if not values or values != list(range(values[0], values[0] + len(values))):
        return Layout(None, times)
    return _values(columns, times, values)


def _values(columns: list[list[str]], times: dict[str, str | int], values: list[int]) -> Layout:
    start, count = values[0], len(values)
    sample = [[float(text) for text in columns[at]] for at in values]
    if count >= 4 and _are_bars(sample):
        names = ("open", "high", "low", "close", "volume")[:count]
        return Layout("bar", times | _in_order(names, start))
    if count >= 2 and _are_quotes(sample):
        sizes = ("bid_size", "ask_size") if count >= 4 else ()
        return Layout("quote", times | _in_order(("bid_price", "ask_price", *sizes), start))
    if count >= 2:
        return Layout("trade", times | _in_order(("price", "size"), start))
    return Layout(None, times)


def _times(columns: list[list[str]]) -> dict[str, str | int]:
    for at, texts in enumerate(columns):
        if guess_time_format(texts)[0] is None:
            continue
        following = columns[at + 1] if at + 1 < len(columns) else []
        if max(map(len, texts)) <= 10 and guess_epoch(texts) is None and is_clock(following):
            return {"date": at, "time": at + 1}
        return {"timestamp": at}
    return {}


def _binance_trades(columns: list[list[str]]) -> Layout | None:
    """Binance trades (id, price, qty, quote qty, time, maker …), aggTrades (id, price, qty, first, last, …)."""
    maker = next((at for at, texts in enumerate(columns) if _is(texts, _is_boolean)), None)
    if maker not in {5, 6} or not guess_epoch(columns[maker - 1]):
        return None
    layout: dict[str, str | int] = {
        "trade_id": 0,
        "price": 1,
        "size": 2,
        "timestamp": maker - 1,
        "is_buyer_maker": maker,
    }
    return Layout("trade", layout, "Binance trades" if maker == 5 else "Binance aggTrades")


def _in_order(names: tuple[str, ...], start: int) -> dict[str, str | int]:
    return {name: start + at for at, name in enumerate(names)}


def _are_bars(sample: list[list[float]]) -> bool:
    fitting = [h >= max(o, c) and low <= min(o, c) for o, h, low, c in zip(*sample[:4], strict=False)]
    return fitting.count(True) >= _MOST * len(fitting)


def _are_quotes(sample: list[list[float]]) -> bool:
    fitting = [abs(ask - bid) <= _SPREAD * abs(bid) for bid, ask in zip(*sample[:2], strict=False)]
    return fitting.count(True) >= _MOST * len(fitting)


def _is(texts: list[str], test: Callable[[str], bool]) -> bool:
    return bool(texts) and all(map(test, texts))


def _is_boolean(text: str) -> bool:
    return text.lower() in {"true", "false"}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
