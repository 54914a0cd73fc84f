"""Files of either version decoded value by value: slow, and nothing in common with the reader that it judges."""

from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.schema import CANONICAL

CODES = {
    **{"NO_AGGRESSOR": 0, "NO_ORDER_SIDE": 0, "BUY": 1, "SELL": 2},
    **{"ADD": 1, "UPDATE": 2, "DELETE": 3, "CLEAR": 4},
    **{"END_OF_SESSION": 1, "CONTRACT_EXPIRED": 2},
}
_EXACT = Context(prec=60)


def decode(path: Path, data_type: str) -> pl.DataFrame:
    """The canonical frame of a file."""
    table = pq.ParquetFile(path).read()
    columns = {name: _values(name, table[name]) for name in table.column_names}
    if "bid_price_0" in columns:
        columns |= {f"{side}s": _levels(columns, side, table.num_rows) for side in ("bid", "ask")}
    if data_type in {"delta", "trade", "close"}:
        for name in {"action", "side", "aggressor_side", "close_type"} & set(columns):
            columns[name] = [CODES.get(value, value) for value in columns[name]]
    if data_type == "close":
        columns["close_price"] = [_raw(Decimal(v)) if isinstance(v, str) else v for v in columns["close_price"]]
    schema = CANONICAL[data_type]
    return pl.DataFrame({name: pl.Series(columns[name], dtype=kind) for name, kind in schema.items()})


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.int64()).to_pylist()
    if pa.types.is_fixed_size_binary(kind):
        undefined = b"\xff" * 16 if "size" in name or name == "volume" else b"\xff" * 15 + b"\x7f"
        return [None if value == undefined else _fixed(value) for value in column.to_pylist()]
    if pa.types.is_decimal(kind):
        return [value if value is None else _raw(value) for value in column.to_pylist()]
    if pa.types.is_binary(kind):
        return [value.decode().strip('"') for value in column.to_pylist()]
    if pa.types.is_list(kind):
        return [[_level(level) for level in levels] for levels in column.to_pylist()]
    return column.to_pylist()


def _fixed(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)


def _raw(value: Decimal) -> int:
    return int(value.scaleb(16, _EXACT))


def _level(level: dict[str, Any]) -> dict[str, Any]:
    return level | {"price": _raw(level["price"]), "size": _raw(level["size"])}


def _levels(columns: dict[str, list[Any]], side: str, rows: int) -> list[list[dict[str, Any]]]:
    found = []
    for row in range(rows):
        levels = [
            {name: columns[f"{side}_{name}_{at}"][row] for name in ("price", "size", "count")} | {"order_id": 0}
            for at in range(10)
        ]
        while levels and not any(levels[-1].values()):
            levels.pop()
        found.append(levels)
    return found
