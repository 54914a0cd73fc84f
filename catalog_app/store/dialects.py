"""Which NautilusTrader wrote a file: told by its Arrow schema and, between rc4 and v1, by its directory."""

from typing import Final, Literal

import pyarrow as pa

from catalog_app.store.layout import V2_ONLY_DIRECTORIES
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS

Dialect = Literal["v1-16", "v1-8", "rc4", "v2"]

# What reader.scan understands.
SCANNED_DIALECTS: Final[frozenset[str]] = frozenset({"v1-16"})
SCANNED_TYPES: Final[frozenset[str]] = frozenset(CANONICAL)

# Columns that tell a data type where the directory does not; the most telling first.
_MARKS: Final = (
    ("quote", {"bid_price", "ask_price", "bid_size", "ask_size"}),
    ("bar", {"open", "high", "low", "close", "volume"}),
    ("delta", {"action", "side", "order_id", "price", "size"}),
    ("trade", {"price", "size", "aggressor_side", "trade_id"}),
    ("depth10", {"bid_price_0", "ask_price_0"}),
    ("depth10", {"bids", "asks"}),
)


def detect_dialect(schema: pa.Schema, type_directory: str) -> Dialect:
    """The dialect of a file with a ts_init column. Files without prices are told by their time columns."""
    widths = {field.type.byte_width for field in schema if pa.types.is_fixed_size_binary(field.type)}
    if 8 in widths:
        return "v1-8"
    if pa.types.is_timestamp(schema.field("ts_init").type):
        return "v2"
    return "rc4" if type_directory in V2_ONLY_DIRECTORIES else "v1-16"


def detect_data_type(schema: pa.Schema) -> str:
    """Our data type by the columns, "" when they tell none."""
    names = set(schema.names)
    return next((data_type for data_type, marks in _MARKS if marks <= names), "")


def expected_types(data_type: str, dialect: str) -> dict[str, pa.DataType]:
    """Arrow types of a canonical data type's columns in the dialects with fixed-size binary."""
    raw = pa.binary(8 if dialect == "v1-8" else SCALE_DIGITS)
    names = CANONICAL[data_type].names()
    own = {"aggressor_side": pa.uint8(), "trade_id": pa.string(), "ts_event": pa.uint64(), "ts_init": pa.uint64()}
    return {name: own.get(name, raw) for name in names}
