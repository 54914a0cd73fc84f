"""The Arrow schemas that NautilusTrader writes: 1.231.0 ("v1") and 2.0.0rc7 ("v2"), fields, order, nulls, metadata.

v1: serialization/arrow/schema.py there, and what its Rust encoders return. v2: what its catalog writes, and for
funding rates, which its Python cannot write, what its own migration of a v1 store makes.
"""

from typing import Final

import pyarrow as pa

from catalog_app.store.layout import Version
from catalog_app.store.schema import SCALE_DIGITS

# Levels of one side of a depth in v1: it has ten columns of each kind, no less and no more.
V1_LEVELS: Final = 10

V1_RAW: Final = pa.binary(SCALE_DIGITS)
V2_DECIMAL: Final = pa.decimal128(38, SCALE_DIGITS)
V2_TIME: Final = pa.timestamp("ns", tz="UTC")
V2_ENUM: Final = pa.dictionary(pa.int8(), pa.string())
V2_LEVEL: Final = pa.struct(
    [
        pa.field("price", V2_DECIMAL, nullable=False),
        pa.field("size", V2_DECIMAL, nullable=False),
        pa.field("count", pa.uint32(), nullable=False),
        pa.field("order_id", pa.uint64(), nullable=False),
    ]
)
V2_LEVELS: Final = pa.list_(pa.field("item", V2_LEVEL, nullable=False))


def arrow_schema(
    data_type: str,
    instrument_id: str,
    bar_type: str | None,
    price_precision: int | None,
    size_precision: int | None,
    version: Version = "v1",
) -> pa.Schema:
    """The schema of a file: fields and metadata. ValueError where the type needs a precision that is None."""
    values = {
        "instrument_id": instrument_id,
        "bar_type": bar_type,
        "price_precision": price_precision,
        "size_precision": size_precision,
        "type": _V1_NAMES.get(data_type),
        "type_name": _V2_NAMES[data_type],
    }
    metadata = {}
    for key in _metadata_keys(data_type, version):
        if values[key] is None:
            raise ValueError(f"a {data_type} file needs its {key.replace('_', ' ')}")
        metadata[key] = str(values[key])
    return pa.schema(_FIELDS[version][data_type], metadata=metadata)


def _metadata_keys(data_type: str, version: Version) -> tuple[str, ...]:
    if version == "v1":
        return _V1_KEYS.get(data_type, _keys_of(data_type))
    return (*_keys_of(data_type), "type_name")


def _keys_of(data_type: str) -> tuple[str, ...]:
    bar_type = ("bar_type",) if data_type == "bar" else ()
    price = ("price_precision",) if data_type not in {"funding_rate", "status", "greeks"} else ()
    size = ("size_precision",) if data_type in {"quote", "trade", "bar", "delta", "depth10"} else ()
    return (*bar_type, "instrument_id", *price, *size)


def _fields(kind: pa.DataType, *names: str, nullable: bool = False) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=nullable) for name in names]


def _nullable(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return _fields(kind, *names, nullable=True)


# Types whose owner and kind stand elsewhere than in most: in a column, under "type".
_V1_NAMES: Final = {"status": "InstrumentStatus", "close": "InstrumentClose", "greeks": "OptionGreeks"}
_V1_KEYS: Final = {"status": ("type",), "close": ("type",), "greeks": ("instrument_id", "type")}
_V2_NAMES: Final = {
    "quote": "QuoteTick",
    "trade": "TradeTick",
    "bar": "Bar",
    "delta": "OrderBookDelta",
    "depth10": "OrderBookDepth",
    "mark_price": "MarkPriceUpdate",
    "index_price": "IndexPriceUpdate",
    "funding_rate": "FundingRateUpdate",
    "status": "InstrumentStatus",
    "close": "InstrumentClose",
    "greeks": "OptionGreeks",
}

_QUOTE = ("bid_price", "ask_price", "bid_size", "ask_size")
_BAR = ("open", "high", "low", "close", "volume")
_GREEKS = ("delta", "gamma", "vega", "theta", "rho")
_GREEKS_MAYBE = ("mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest")
_TRADING = ("is_trading", "is_quoting", "is_short_sell_restricted")
_BOOK = [*_fields(pa.uint8(), "flags"), *_fields(pa.uint64(), "sequence")]
_V1_TIMES = _fields(pa.uint64(), "ts_event", "ts_init")
_V2_TIMES = _fields(V2_TIME, "ts_event", "ts_init")


def _v1_levels() -> list[pa.Field]:
    kinds = (("price", V1_RAW), ("size", V1_RAW), ("count", pa.uint32()))
    return [
        field
        for column, kind in kinds
        for side in ("bid", "ask")
        for field in _fields(kind, *(f"{side}_{column}_{level}" for level in range(V1_LEVELS)))
    ]


_V1_FIELDS: Final[dict[str, list[pa.Field]]] = {
    "quote": [*_fields(V1_RAW, *_QUOTE), *_V1_TIMES],
    "trade": [
        *_fields(V1_RAW, "price", "size"),
        *_fields(pa.uint8(), "aggressor_side"),
        *_fields(pa.string(), "trade_id"),
        *_V1_TIMES,
    ],
    "bar": [*_fields(V1_RAW, *_BAR), *_V1_TIMES],
    "delta": [
        *_fields(pa.uint8(), "action", "side"),
        *_fields(V1_RAW, "price", "size"),
        *_fields(pa.uint64(), "order_id"),
        *_BOOK,
        *_V1_TIMES,
    ],
    "depth10": [*_v1_levels(), *_BOOK, *_V1_TIMES],
    "mark_price": [*_fields(V1_RAW, "value"), *_V1_TIMES],
    "index_price": [*_fields(V1_RAW, "value"), *_V1_TIMES],
    "funding_rate": [
        *_fields(pa.binary(), "rate"),
        *_nullable(pa.uint16(), "interval"),
        *_nullable(pa.uint64(), "next_funding_ns"),
        *_V1_TIMES,
    ],
    "status": [
        *_nullable(pa.string(), "instrument_id", "action", "reason", "trading_event"),
        *_nullable(pa.bool_(), *_TRADING),
        *_nullable(pa.uint64(), "ts_event", "ts_init"),
    ],
    "close": [
        *_nullable(pa.dictionary(pa.int64(), pa.string()), "instrument_id"),
        *_nullable(V2_ENUM, "close_type"),
        *_nullable(pa.string(), "close_price"),
        *_nullable(pa.uint64(), "ts_event", "ts_init"),
    ],
    "greeks": [
        *_fields(pa.string(), "instrument_id"),
        *_fields(pa.float64(), *_GREEKS),
        *_nullable(pa.float64(), *_GREEKS_MAYBE),
        *_V1_TIMES,
        *_fields(pa.string(), "convention"),
    ],
}
_V2_FIELDS: Final[dict[str, list[pa.Field]]] = {
    "quote": [*_fields(V2_DECIMAL, *_QUOTE), *_V2_TIMES],
    "trade": [
        *_fields(V2_DECIMAL, "price", "size"),
        *_fields(V2_ENUM, "aggressor_side"),
        *_fields(pa.string(), "trade_id"),
        *_V2_TIMES,
    ],
    "bar": [*_fields(V2_DECIMAL, *_BAR), *_V2_TIMES],
    "delta": [
        *_fields(V2_ENUM, "action", "side"),
        *_nullable(V2_DECIMAL, "price", "size"),
        *_fields(pa.uint64(), "order_id"),
        *_BOOK,
        *_V2_TIMES,
    ],
    "depth10": [*_fields(V2_LEVELS, "bids", "asks"), *_BOOK, *_V2_TIMES],
    "mark_price": [*_nullable(V2_DECIMAL, "value"), *_V2_TIMES],
    "index_price": [*_nullable(V2_DECIMAL, "value"), *_V2_TIMES],
    "funding_rate": [
        *_fields(pa.string(), "rate"),
        *_nullable(pa.uint64(), "interval"),
        *_nullable(V2_TIME, "next_funding_ns"),
        *_V2_TIMES,
    ],
    "status": [
        *_fields(V2_ENUM, "action"),
        *_V2_TIMES,
        *_nullable(pa.string(), "reason", "trading_event"),
        *_nullable(pa.bool_(), *_TRADING),
    ],
    "close": [*_nullable(V2_DECIMAL, "close_price"), *_fields(V2_ENUM, "close_type"), *_V2_TIMES],
    "greeks": [
        *_fields(V2_ENUM, "convention"),
        *_fields(pa.float64(), *_GREEKS),
        *_nullable(pa.float64(), *_GREEKS_MAYBE),
        *_V2_TIMES,
    ],
}
_FIELDS: Final = {"v1": _V1_FIELDS, "v2": _V2_FIELDS}
