"""Canonical rows as the columns of each dialect, written with PyArrow alone: what the reader must turn back."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from catalog_app.store.schema import (
    AGGRESSOR_SIDES,
    BOOK_ACTIONS,
    CANONICAL,
    CLOSE_TYPES,
    INT64_MAX,
    INT128_MAX,
    ORDER_SIDES,
    PRICE_COLUMNS,
    SIZE_COLUMNS,
    UINT64_MAX,
)

type Row = dict[str, Any]

NAMES = {
    "aggressor_side": {**AGGRESSOR_SIDES, 1: "BUY", 2: "SELL"},
    "action": BOOK_ACTIONS,
    "side": ORDER_SIDES,
    "close_type": CLOSE_TYPES,
}
DIALECTS = ("v1-16", "v1-8", "integers", "v2")
LEVEL_COLUMNS = ("price", "size", "count")
_NANO = 10**7
_OPTIONAL = frozenset({"mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest"})
_STEP = pa.decimal128(38, 16)


def numbers(dialect: str, *, signed: bool) -> st.SearchStrategy[int | None]:
    """Raw values x 10^-16 over the whole range that a dialect can hold, often the outermost, and undefined ones."""
    if dialect == "v1-16":
        least, most, step = (-(2**127), INT128_MAX - 1, 1) if signed else (0, INT128_MAX, 1)
    elif dialect == "v2":
        least, most, step = (-(10**38) + 1 if signed else 0), 10**38 - 1, 1
    else:
        least, most, step = (-(2**63), INT64_MAX - 1, _NANO) if signed else (0, UINT64_MAX - 1, _NANO)
    edges = st.sampled_from([0, 1, least, most])
    return st.none() | st.one_of(edges, st.integers(least, most)).map(lambda value: value * step)


@st.composite
def rows(draw: st.DrawFn, data_type: str, dialect: str) -> list[Row]:
    """One to six canonical rows of any values that a dialect can hold."""
    own = {name: _values(data_type, name, dialect) for name in CANONICAL[data_type].names()}
    return draw(st.lists(st.fixed_dictionaries(own), min_size=1, max_size=6))


def _values(data_type: str, name: str, dialect: str) -> st.SearchStrategy[Any]:
    if name in PRICE_COLUMNS[data_type] or name in SIZE_COLUMNS[data_type]:
        return numbers(dialect, signed=name in PRICE_COLUMNS[data_type])
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    by_name: dict[str, st.SearchStrategy[Any]] = {
        **{column: st.sampled_from(sorted(names)) for column, names in NAMES.items()},
        **dict.fromkeys(("ts_event", "ts_init"), st.integers(0, INT64_MAX)),
        **dict.fromkeys(("order_id", "sequence"), st.integers(0, UINT64_MAX)),
        **dict.fromkeys(("reason", "trading_event"), st.none() | text),
        **dict.fromkeys(("is_trading", "is_quoting", "is_short_sell_restricted"), st.none() | st.booleans()),
        **dict.fromkeys(("bids", "asks"), st.lists(_level(dialect), max_size=15 if dialect == "v2" else 10)),
        "flags": st.integers(0, 255),
        "trade_id": text,
        "rate": st.decimals(-1, 1, allow_nan=False, places=8).map(lambda rate: f"{rate:f}"),
        "interval": st.none() | st.integers(0, 2**16 - 1),
        "next_funding_ns": st.none() | st.integers(0, INT64_MAX),
        "convention": st.sampled_from(["BLACK_SCHOLES", "PRICE_ADJUSTED"]),
    }
    if data_type == "status" and name == "action":
        return st.sampled_from(["NONE", "PRE_OPEN", "TRADING", "NOT_AVAILABLE_FOR_TRADING"])
    if name in by_name:
        return by_name[name]
    finite = st.floats(allow_nan=False)
    return st.none() | finite if name in _OPTIONAL else finite


def _level(dialect: str) -> st.SearchStrategy[Row]:
    order_id = st.integers(0, UINT64_MAX) if dialect == "v2" else st.just(0)
    return st.fixed_dictionaries(
        {
            "price": numbers(dialect, signed=True),
            "size": numbers(dialect, signed=False),
            "count": st.integers(1, 2**32 - 1),
            "order_id": order_id,
        }
    )


def table(data_type: str, dialect: str, values: list[Row]) -> pa.Table:
    """Rows as the columns of a dialect ("integers" is that of 1.x before binary columns: int64 and uint64)."""
    columns: dict[str, pa.Array] = {}
    for name in CANONICAL[data_type].names():
        column = [row[name] for row in values]
        if name in {"bids", "asks"}:
            columns |= _side(name, dialect, column)
        elif name in PRICE_COLUMNS[data_type] or name in SIZE_COLUMNS[data_type]:
            columns[name] = number_array(dialect, column, signed=name in PRICE_COLUMNS[data_type])
        else:
            columns[name] = _array(data_type, name, dialect, column)
    return pa.table(columns)


def number_array(dialect: str, values: list[int | None], *, signed: bool) -> pa.Array:
    """Raw values in the physical type of a dialect; None is its undefined value."""
    if dialect == "v2":
        return pa.Array.from_buffers(_STEP, len(values), _decimal_buffers(values))
    if dialect == "v1-16":
        undefined = INT128_MAX if signed else 2**128 - 1
        held = [undefined if value is None else value for value in values]
        return pa.array([(value % 2**128).to_bytes(16, "little") for value in held], pa.binary(16))
    undefined = INT64_MAX if signed else UINT64_MAX
    held = [undefined if value is None else value // _NANO for value in values]
    if dialect == "integers":
        return pa.array(held, pa.int64() if signed else pa.uint64())
    return pa.array([(value % 2**64).to_bytes(8, "little") for value in held], pa.binary(8))


def _decimal_buffers(values: list[int | None]) -> list[pa.Buffer]:
    valid = pa.array([value is not None for value in values], pa.bool_())
    raw = b"".join(((value or 0) % 2**128).to_bytes(16, "little") for value in values)
    return [valid.buffers()[1], pa.py_buffer(raw)]


def _array(data_type: str, name: str, dialect: str, values: list[Any]) -> pa.Array:
    is_v2 = dialect == "v2"
    if name.startswith("ts_") or name == "next_funding_ns":
        return pa.array(values, pa.timestamp("ns", "UTC") if is_v2 else pa.uint64())
    if name in NAMES and data_type != "status":
        if is_v2:
            return pa.array([NAMES[name][value] for value in values]).dictionary_encode()
        return pa.array(values, pa.uint8())
    if name == "rate":
        return pa.array(values) if is_v2 else pa.array([f'"{value}"'.encode() for value in values], pa.binary())
    if name in {"action", "convention"}:
        return pa.array(values, pa.string()).dictionary_encode() if is_v2 else pa.array(values, pa.string())
    types = {"interval": pa.uint64() if is_v2 else pa.uint16(), "flags": pa.uint8()}
    types |= dict.fromkeys(("order_id", "sequence"), pa.uint64())
    types |= dict.fromkeys(("trade_id", "reason", "trading_event"), pa.string())
    types |= dict.fromkeys(("is_trading", "is_quoting", "is_short_sell_restricted"), pa.bool_())
    return pa.array(values, types.get(name, pa.float64()))


def _side(name: str, dialect: str, values: list[list[Row]]) -> dict[str, pa.Array]:
    if dialect == "v2":
        flat = [level for levels in values for level in levels]
        children = {
            "price": number_array(dialect, [level["price"] for level in flat], signed=True),
            "size": number_array(dialect, [level["size"] for level in flat], signed=False),
            "count": pa.array([level["count"] for level in flat], pa.uint32()),
            "order_id": pa.array([level["order_id"] for level in flat], pa.uint64()),
        }
        ends = [0]
        for levels in values:
            ends.append(ends[-1] + len(levels))
        struct = pa.StructArray.from_arrays(list(children.values()), list(children))
        return {name: pa.ListArray.from_arrays(pa.array(ends, pa.int32()), struct)}
    columns, side = {}, name.removesuffix("s")
    for at in range(10):
        levels = [row[at] if at < len(row) else {"price": 0, "size": 0, "count": 0} for row in values]
        columns[f"{side}_price_{at}"] = number_array(dialect, [level["price"] for level in levels], signed=True)
        columns[f"{side}_size_{at}"] = number_array(dialect, [level["size"] for level in levels], signed=False)
        columns[f"{side}_count_{at}"] = pa.array([level["count"] for level in levels], pa.uint32())
    return columns


def put_table(root: Path, rel_path: str, content: pa.Table, **options: Any) -> str:
    """Write a table as a file of a store; returns its path."""
    path = root / rel_path
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, **options)
    return rel_path
