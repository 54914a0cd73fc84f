"""How many rows a row group gets."""

from typing import Final

import pyarrow as pa

ROW_GROUP_ROWS: Final = 131_072
# Writers hold a row group in memory while they encode it, readers several at a time.
_GROUP_BYTES: Final = 1 << 24
_FEWEST_ROWS: Final = 5_000
_TEXT_BYTES: Final = 40
_LIST_ITEMS: Final = 12


def group_rows(schema: pa.Schema, wanted: int = ROW_GROUP_ROWS) -> int:
    """Rows per row group: as wanted, fewer where rows are so wide (books) that they would fill the memory."""
    return min(wanted, max(_FEWEST_ROWS, _GROUP_BYTES // row_bytes(schema)))


def row_bytes(schema: pa.Schema) -> int:
    """About how many bytes a row takes in memory."""
    return sum(_width(field.type) for field in schema) or 1


def _width(kind: pa.DataType) -> int:
    if pa.types.is_struct(kind):
        return sum(_width(kind.field(at).type) for at in range(kind.num_fields))
    if pa.types.is_nested(kind):
        return _LIST_ITEMS * sum(_width(kind.field(at).type) for at in range(kind.num_fields))
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return _TEXT_BYTES
