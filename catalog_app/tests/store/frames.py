"""Canonical frames for tests."""

from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.moves import Committed
from catalog_app.store.layout import Version
from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, PRICE_MAX_RAW, QUANTITY_MAX_RAW, SIZE_COLUMNS
from catalog_app.store.writer import DatasetWriter
from catalog_app.store.writing.arrow_schemas import V1_LEVELS
from catalog_app.store.writing.losses import may_be_undefined
from catalog_app.store.writing.rows import GREEKS_CONVENTIONS, STATUS_ACTIONS

INSTRUMENT = "EUR/USD.SIM"
BAR_TYPE = "EUR/USD.SIM-1-MINUTE-BID-EXTERNAL"
UNIT = 10**16
TYPES = tuple(CANONICAL)

Strategies = dict[str, st.SearchStrategy[Any]]


def bar_type_of(data_type: str, instrument_id: str = INSTRUMENT) -> str | None:
    """A bar type for bars, else None."""
    return f"{instrument_id}-1-MINUTE-BID-EXTERNAL" if data_type == "bar" else None


def frame(data_type: str, times: list[int], price: int = UNIT, size: int = UNIT) -> pl.DataFrame:
    """Rows of one price and size at the given ts_init."""
    level = {"price": price, "size": size, "count": 1, "order_id": 0}
    fixed: dict[str, Any] = {
        "aggressor_side": 1,
        "trade_id": "t",
        "action": "TRADING" if data_type == "status" else 1,
        "side": 1,
        "order_id": 7,
        "flags": 0,
        "sequence": 1,
        "bids": [level],
        "asks": [level | {"price": price + UNIT}],
        "rate": "0.00010000",
        "close_type": 1,
        "convention": "BLACK_SCHOLES",
        **dict.fromkeys(("delta", "gamma", "vega", "theta", "rho"), 0.5),
        **dict.fromkeys(PRICE_COLUMNS[data_type], price),
        **dict.fromkeys(SIZE_COLUMNS[data_type], size),
    }
    columns = {
        name: times if name.startswith("ts_") else [fixed.get(name)] * len(times) for name in CANONICAL[data_type]
    }
    return pl.DataFrame(columns, schema=CANONICAL[data_type])


def write(
    root: Path,
    data_type: str,
    *frames: pl.DataFrame,
    price_precision: int = 16,
    size_precision: int = 16,
    instrument_id: str = INSTRUMENT,
    remove: tuple[str, ...] = (),
    **terms: Any,
) -> Committed:
    """Write frames as one file and commit."""
    with Transaction(root, "test", "d") as tx:
        for path in remove:
            tx.remove(path)
        writer = DatasetWriter(
            tx,
            data_type,
            instrument_id,
            bar_type=bar_type_of(data_type, instrument_id),
            price_precision=price_precision,
            size_precision=size_precision,
            **terms,
        )
        for one in frames:
            writer.write(one)
        writer.finish()
        return tx.commit()


def raws(limit: int, precision: int, *, signed: bool) -> st.SearchStrategy[int]:
    """Raw integers up to a limit that a precision can hold, often the outermost."""
    step = 10 ** (16 - precision)
    top = limit // step
    return st.one_of(st.sampled_from([0, top, -top if signed else 1]), st.integers(-top if signed else 0, top)).map(
        lambda ticks: ticks * step
    )


@st.composite
def frames(
    draw: st.DrawFn, data_type: str, price_precision: int, size_precision: int, version: Version = "v1"
) -> pl.DataFrame:
    """Up to six rows of any values that a store of the version may hold, sorted by ts_init."""
    columns = _columns(data_type, price_precision, size_precision, version)
    rows = draw(st.lists(st.tuples(*(columns[name] for name in CANONICAL[data_type])), min_size=1, max_size=6))
    return pl.DataFrame(rows, schema=CANONICAL[data_type], orient="row").sort("ts_init", maintain_order=True)


def _columns(data_type: str, price_precision: int, size_precision: int, version: Version) -> Strategies:
    prices = raws(PRICE_MAX_RAW, price_precision, signed=True)
    sizes = raws(QUANTITY_MAX_RAW, size_precision, signed=False)
    times = st.one_of(st.sampled_from([0, 2**63 - 1]), st.integers(0, 2**63 - 1))
    for_type: dict[str, Strategies] = {
        "delta": {"action": st.integers(1, 4), "side": st.integers(0, 2)},
        "depth10": dict.fromkeys(("bids", "asks"), _levels(prices, sizes, version)),
        "status": {"action": st.sampled_from(STATUS_ACTIONS)},
        "close": {"close_price": _maybe(_closes(price_precision, version), data_type, version, price_precision)},
        "greeks": dict.fromkeys(("delta", "gamma", "vega", "theta", "rho"), st.floats()),
    }
    booleans = dict.fromkeys(("is_trading", "is_quoting", "is_short_sell_restricted"), st.none() | st.booleans())
    floats = ("mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest")
    return {
        **booleans,
        **dict.fromkeys(floats, st.none() | st.floats()),
        **dict.fromkeys(
            ("reason", "trading_event"), st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"))
        ),
        **dict.fromkeys(PRICE_COLUMNS[data_type], _maybe(prices, data_type, version, price_precision)),
        **dict.fromkeys(SIZE_COLUMNS[data_type], _maybe(sizes, data_type, version, size_precision)),
        "order_id": st.integers(0, 2**64 - 1),
        "flags": st.integers(0, 255),
        "sequence": st.integers(0, 2**64 - 1),
        "aggressor_side": st.integers(0, 2),
        "trade_id": st.from_regex(r"\A[!-~][ -~]{0,35}\Z"),
        "rate": st.from_regex(r"\A-?[0-9]{1,8}(\.[0-9]{1,20})?\Z"),
        "interval": st.none() | st.integers(0, 2**16 - 1),
        "next_funding_ns": st.none() | times,
        "close_type": st.integers(1, 2),
        "convention": st.sampled_from(GREEKS_CONVENTIONS),
        "ts_event": times,
        "ts_init": times,
        **for_type.get(data_type, {}),
    }


def _maybe(
    values: st.SearchStrategy[int], data_type: str, version: Version, precision: int
) -> st.SearchStrategy[int | None]:
    return st.none() | values if may_be_undefined(data_type, version, precision) else values


def _closes(precision: int, version: Version) -> st.SearchStrategy[int]:
    """1.x writes closes as text and reads 28 digits of it."""
    limit = PRICE_MAX_RAW if version == "v2" or precision < 15 else 10**28 - 1
    return raws(limit, precision, signed=True)


def _levels(prices: st.SearchStrategy[int], sizes: st.SearchStrategy[int], version: Version) -> st.SearchStrategy[Any]:
    is_v1 = version == "v1"
    level = st.fixed_dictionaries(
        {
            "price": prices,
            "size": sizes,
            # Zeros at the end are v1's filling.
            "count": st.integers(1, 2**32 - 1),
            "order_id": st.just(0) if is_v1 else st.integers(0, 2**64 - 1),
        }
    )
    return st.lists(level, max_size=V1_LEVELS if is_v1 else V1_LEVELS + 2)
