"""How a Parquet file of market data is written: encodings, statistics, row groups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

# Values that seldom repeat: there a dictionary costs more than half of the writing speed. Numbers that grow are
# packed as deltas instead.
_GROWING: Final = frozenset({"ts_event", "ts_init", "sequence", "next_funding_ns"})
_DISTINCT: Final = frozenset({"trade_id", "order_id"})


class ParquetFile:
    """A new file of one schema, written in row groups of a given size. OSError, ArrowInvalid as PyArrow says."""

    def __init__(self, path: Path, schema: pa.Schema, compression: str, row_group_rows: int) -> None:
        self.path = path
        self._row_group_rows = row_group_rows
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression=compression,
            use_compliant_nested_type=False,  # list items are named "item", as Rust's writer has it
            **_encodings(schema),
        )

    def write(self, table: pa.Table) -> None:
        """Add a table as row groups, the last one with what is left."""
        self._writer.write_table(table, row_group_size=self._row_group_rows)

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    leaves = [leaf for field in schema for leaf in _leaves(field.name, field)]
    growing = {path for path, name, kind in leaves if name in _GROWING and _is_whole(kind)}
    # Statistics pass over NaN: a column of NaN and one other value looks constant, and DataFusion, which reads for
    # NautilusTrader, then returns that value for all rows.
    told = [path for path, _, kind in leaves if not pa.types.is_floating(kind)]
    return {
        "use_dictionary": [path for path, name, _ in leaves if path not in growing and name not in _DISTINCT],
        "column_encoding": dict.fromkeys(sorted(growing), "DELTA_BINARY_PACKED"),
        "write_statistics": told,
    }


def _leaves(path: str, field: pa.Field) -> Iterator[tuple[str, str, pa.DataType]]:
    """Path, name and type of a field's Parquet columns."""
    kind = field.type
    if pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.{kind.key_field.name}", kind.key_field)
        yield from _leaves(f"{path}.key_value.{kind.item_field.name}", kind.item_field)
    elif pa.types.is_nested(kind) and not pa.types.is_struct(kind):
        yield from _leaves(f"{path}.list.{kind.value_field.name}", kind.value_field)
    elif pa.types.is_struct(kind):
        for child in kind:
            yield from _leaves(f"{path}.{child.name}", child)
    else:
        yield path, field.name, kind


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind))
