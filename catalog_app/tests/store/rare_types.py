"""A store of the rarer data types, written by the installed NautilusTrader in a process of its own."""

from pathlib import Path

from catalog_app.tests.store.upstream import run_python

_WRITE = """
import io, os, sys
from decimal import Decimal
import pyarrow as pa, pyarrow.parquet as pq
from nautilus_trader.core import nautilus_pyo3 as rust
from nautilus_trader.model.data import *
from nautilus_trader.model.enums import *
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

root, by_rust = sys.argv[1], sys.argv[2] == "True"
ID, P, Q = "BTC/USD-28MAR25.X", Price.from_str, Quantity.from_str
I, R = InstrumentId.from_str(ID), rust.InstrumentId.from_str(ID)
os.makedirs(root)
catalog = ParquetDataCatalog(root)

def put(directory, encoded, name):
    path = f"{root}/data/{directory}/{ID.replace('/', '')}"
    os.makedirs(path)
    pq.write_table(pa.ipc.open_stream(io.BytesIO(encoded)).read_all(), f"{path}/{name}")

actions = [rust.MarketStatusAction.from_str(action.name) for action in MarketStatusAction]
statuses = [rust.InstrumentStatus(R, a, 1, 2 + at, "r" if at % 2 else None, None, True, None, False)
            for at, a in enumerate(actions)]
greeks = [rust.OptionGreeks(R, .1, .2, .3, .4, .5, .6, None, .8, .9, None, 1, 2)]
if by_rust:
    kinds = (rust.InstrumentCloseType.END_OF_SESSION, rust.InstrumentCloseType.CONTRACT_EXPIRED)
    closes = [rust.InstrumentClose(R, rust.Price.from_str("1.50"), kind, 1, 2 + at) for at, kind in enumerate(kinds)]
    first, stamp = "1970-01-01T00-00-00-000000002Z", "1970-01-01T00-00-00-0000000"
    put("instrument_close", rust.instrument_closes_to_arrow_record_batch_bytes(closes), f"{first}_{stamp}03Z.parquet")
    put("instrument_status", rust.instrument_status_to_arrow_record_batch_bytes(statuses),
        f"{first}_{stamp}17Z.parquet")
    catalog.write_data(greeks)
    sys.exit()
bids = [BookOrder(OrderSide.BUY, P(f"{2 - at / 10:.1f}"), Q("3"), at) for at in range(3)]
asks = [BookOrder(OrderSide.SELL, P(f"{2.1 + at / 10:.1f}"), Q("3"), at) for at in range(10)]
padding = [BookOrder(OrderSide.NO_ORDER_SIDE, P("0.0"), Q("0"), 0)] * 7
bought = BookOrder(OrderSide.BUY, P("1.5"), Q("3"), 7)
for data in (
    [OrderBookDelta.clear(I, 0, 1, 2), OrderBookDelta(I, BookAction.ADD, bought, 128, 9, 1, 5)],
    [OrderBookDepth10(I, bids + padding, asks, [1] * 3 + [0] * 7, [2] * 10, 0, 5, 1, 2)],
    [MarkPriceUpdate(I, P("-1.5"), 1, 2)],
    [IndexPriceUpdate(I, P("1.5"), 1, 2)],
    [FundingRateUpdate(I, Decimal("0.00010"), 1, 2), FundingRateUpdate(I, Decimal("-1E-7"), 2, 3, 480, 99)],
    [InstrumentStatus(I, a, 1, 2 + at, "r" if at % 2 else None, None, True, None, False)
     for at, a in enumerate(MarketStatusAction)],
    [InstrumentClose(I, P("1.50"), kind, 1, 2 + at) for at, kind in enumerate(InstrumentCloseType)],
    [OptionGreeks.from_pyo3(greeks[0])],
):
    catalog.write_data(data)
"""


def written_by_1_231(root: Path, *, rust: bool = False) -> None:
    """A store with one dataset of each data type beside quotes, trades and bars.

    With `rust` its closes, statuses and greeks alone, of the same values, by the Rust encoders.
    """
    done = run_python(_WRITE, str(root), str(rust))
    assert done.returncode == 0, done.stderr[-2000:]
