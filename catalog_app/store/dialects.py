"""Which NautilusTrader wrote a file: told by its Arrow schema and, between rc4 and v1, by the store's directories."""

from collections.abc import Collection, Iterable
from typing import Final, Literal

import pyarrow as pa
from pyarrow import types

from catalog_app.store.layout import SHARED_DIRECTORIES, V1_ONLY_DIRECTORIES, V2_ONLY_DIRECTORIES
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS

Dialect = Literal["v1-16", "v1-8", "rc4", "v2"]
DIALECTS: Final[tuple[Dialect, ...]] = ("v1-16", "v1-8", "rc4", "v2")

# Columns that tell a data type where the directory does not; the most telling first.
_MARKS: Final = (
    ("quote", {"bid_price", "ask_price", "bid_size", "ask_size"}),
    ("bar", {"open", "high", "low", "close", "volume"}),
    ("delta", {"action", "side", "order_id", "price", "size"}),
    ("trade", {"price", "size", "aggressor_side", "trade_id"}),
    ("depth10", {"bid_price_0", "ask_price_0"}),
    ("depth10", {"bids", "asks"}),
    ("funding_rate", {"rate", "next_funding_ns"}),
    ("status", {"action", "is_trading", "is_quoting"}),
    ("close", {"close_price", "close_type"}),
    ("greeks", {"delta", "gamma", "vega", "theta"}),
)
_NUMBERS: Final = frozenset(name for columns in (*PRICE_COLUMNS.values(), *SIZE_COLUMNS.values()) for name in columns)


def detect_dialect(schema: pa.Schema, type_directory: str, type_directories: Collection[str] = ()) -> Dialect:
    """The dialect of a file with a ts_init column. Files without prices are told by their time columns.

    2.0.0rc4 and rc5 wrote columns as 1.x does, into the directories of 2.x. Some directories have one name in both:
    there the other directories of the store tell (`type_directories`: the names below data/); "v1-16" where they do
    not, since such a file is the same in both.
    """
    kinds = {field.type for field in schema}
    if pa.binary(8) in kinds or any(_is_integer_number(field) for field in schema):
        return "v1-8"
    if types.is_timestamp(schema.field("ts_init").type):
        return "v2"
    in_shared = type_directory in SHARED_DIRECTORIES
    others = set(type_directories)
    of_v2 = bool(others & V2_ONLY_DIRECTORIES) and not others & V1_ONLY_DIRECTORIES
    return "rc4" if type_directory in V2_ONLY_DIRECTORIES or (in_shared and of_v2) else "v1-16"


def _is_integer_number(field: pa.Field) -> bool:
    return field.name in _NUMBERS and bool(types.is_integer(field.type))


def detect_data_type(schema: pa.Schema) -> str:
    """Our data type by the columns, "" when they tell none (mark and index prices look alike)."""
    names = set(schema.names)
    return next((data_type for data_type, marks in _MARKS if marks <= names), "")


def sum_dialects(dialects: Iterable[str]) -> str:
    """The dialect of a dataset or a store from those of its files: one of them, "mixed (…)", or "" without any."""
    found = set(dialects) - {""}
    ordered = [dialect for dialect in DIALECTS if dialect in found]
    return f"mixed ({', '.join(ordered)})" if len(ordered) > 1 else next(iter(ordered), "")
