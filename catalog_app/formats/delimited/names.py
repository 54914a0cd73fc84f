"""Column names of the field: what vendors call the canonical fields."""

import re
from typing import Final

# By data type and field, the most telling name first. Names are compared without case, spaces and punctuation.
_TIMES: Final = {
    "timestamp": (
        "ts_event", "timestamp", "timestamp_utc", "datetime", "datetime_utc", "date_time", "open_time", "time_open",
        "opentime_utc", "gmt time", "utc time", "local time", "transact_time", "transaction_time", "event_time",
        "trade_time", "time_utc", "ts", "t", "epoch", "unix", "unix_time", "unix timestamp", "close_time",
    ),
    "date": ("date", "date_utc", "day", "dtyyyymmdd", "trade_date"),
    "time": ("time", "time_of_day", "clock", "hour"),
    "ts_init": ("ts_init", "local_timestamp", "received", "recv_time", "receive_time"),
}  # fmt: skip
_BAR: Final = {
    "open": ("open", "o", "open_price", "bid_open", "first"),
    "high": ("high", "h", "high_price", "bid_high", "max"),
    "low": ("low", "l", "low_price", "bid_low", "min"),
    "close": ("close", "c", "close_price", "last", "bid_close"),
    "volume": (
        "volume", "vol", "v", "qty", "quantity", "base_volume", "tick_volume", "tickvol", "tickqty", "total_volume",
    ),
}  # fmt: skip
_QUOTE: Final = {
    "bid_price": ("bid_price", "bid", "best_bid_price", "best_bid", "bids[0].price", "bid_px", "bid_px_00", "b"),
    "ask_price": (
        "ask_price", "ask", "best_ask_price", "best_ask", "asks[0].price", "ask_px", "ask_px_00", "offer",
        "offer_price", "a",
    ),
    "bid_size": (
        "bid_size", "bid_qty", "bid_quantity", "bid_amount", "bid_volume", "best_bid_qty", "best_bid_size",
        "bids[0].amount", "bid_sz", "bid_sz_00", "bidvol",
    ),
    "ask_size": (
        "ask_size", "ask_qty", "ask_quantity", "ask_amount", "ask_volume", "best_ask_qty", "best_ask_size",
        "asks[0].amount", "ask_sz", "ask_sz_00", "offer_size", "askvol",
    ),
}  # fmt: skip
_TRADE: Final = {
    "price": ("price", "trade_price", "px", "last_price", "last", "p"),
    "size": (
        "size", "quantity", "qty", "amount", "trade_size", "last_size", "volume", "vol", "sz", "q", "v", "contracts",
    ),
    "aggressor_side": ("aggressor_side", "aggressor", "side", "taker_side", "direction"),
    "is_buyer_maker": ("is_buyer_maker", "buyer_maker", "m", "is_buyer_market_maker"),
    "trade_id": ("trade_id", "agg_trade_id", "id", "tid", "tradeid", "trade_no", "match_id"),
}  # fmt: skip
_FIELDS: Final = {"bar": _BAR, "quote": _QUOTE, "trade": _TRADE}
_NEEDED: Final = {
    "bar": ("open", "high", "low", "close"),
    "quote": ("bid_price", "ask_price"),
    "trade": ("price", "size"),
}
# Marks of order book updates, which are no quotes and no trades.
_BOOK_MARKS: Final = frozenset({"issnapshot", "orderid", "updatetype"})


def normalise(name: str) -> str:
    """Lower case, letters and digits only: "Open time" and <OPEN_TIME> are both opentime."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_known(name: str) -> bool:
    """Whether a column name is one of the field's usual names."""
    return normalise(name) in _KNOWN


def guess_fields(header: list[str]) -> tuple[str | None, dict[str, str]]:
    """Data type (None: cannot tell) and value field -> column name of the header, times not included."""
    found = {data_type: _match(header, fields) for data_type, fields in _FIELDS.items()}
    if _BOOK_MARKS & {normalise(name) for name in header}:
        return None, {}
    for data_type in ("bar", "quote", "trade"):
        if all(name in found[data_type] for name in _NEEDED[data_type]):
            columns = found[data_type]
            if "aggressor_side" in columns:
                columns.pop("is_buyer_maker", None)
            return data_type, columns
    return None, {}


def guess_times(header: list[str]) -> dict[str, str]:
    """Which columns could be timestamp, date, time and ts_init, by name."""
    return _match(header, _TIMES)


def _match(header: list[str], fields: dict[str, tuple[str, ...]]) -> dict[str, str]:
    by_name = {normalise(name): name for name in reversed(header)}
    matched: dict[str, str] = {}
    for field, names in fields.items():
        column = next((by_name[normalise(name)] for name in names if normalise(name) in by_name), None)
        if column is not None and column not in matched.values():
            matched[field] = column
    return matched


_KNOWN: Final = {
    normalise(name) for fields in (_TIMES, _BAR, _QUOTE, _TRADE) for names in fields.values() for name in names
}
