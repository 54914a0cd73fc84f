"""Canonical frames for tests."""

from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from catalog_app.store.journal import Transaction
from catalog_app.store.moves import Committed
from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, PRICE_MAX_RAW, QUANTITY_MAX_RAW
from catalog_app.store.writer import DatasetWriter

INSTRUMENT = "EUR/USD.SIM"
BAR_TYPE = "EUR/USD.SIM-1-MINUTE-BID-EXTERNAL"
UNIT = 10**16


def frame(data_type: str, times: list[int], price: int = UNIT, size: int = UNIT) -> pl.DataFrame:
    """Rows of one price and size at the given ts_init."""
    fixed: dict[str, Any] = {"aggressor_side": 1, "trade_id": "t"}
    columns = {
        name: times
        if name.startswith("ts_")
        else [fixed.get(name, price if name in PRICE_COLUMNS[data_type] else size)] * len(times)
        for name in CANONICAL[data_type]
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
) -> Committed:
    """Write frames as one file and commit."""
    bar_type = f"{instrument_id}-1-MINUTE-BID-EXTERNAL" if data_type == "bar" else None
    with Transaction(root, "test", "d") as tx:
        for path in remove:
            tx.remove(path)
        writer = DatasetWriter(
            tx,
            data_type,
            instrument_id,
            bar_type=bar_type,
            price_precision=price_precision,
            size_precision=size_precision,
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
def frames(draw: st.DrawFn, data_type: str, price_precision: int, size_precision: int) -> pl.DataFrame:
    """Up to six rows of any values that the store may hold, sorted by ts_init."""
    times = st.integers(0, 2**63 - 1)
    columns = {
        "aggressor_side": st.integers(0, 2),
        "trade_id": st.from_regex(r"\A[!-~][ -~]{0,35}\Z"),
        "ts_event": times,
        "ts_init": times,
    }
    prices = raws(PRICE_MAX_RAW, price_precision, signed=True)
    sizes = raws(QUANTITY_MAX_RAW, size_precision, signed=False)
    rows = draw(
        st.lists(
            st.tuples(
                *(
                    columns.get(name, prices if name in PRICE_COLUMNS[data_type] else sizes)
                    for name in CANONICAL[data_type]
                )
            ),
            min_size=1,
            max_size=6,
        )
    )
    return pl.DataFrame(rows, schema=CANONICAL[data_type], orient="row").sort("ts_init", maintain_order=True)
