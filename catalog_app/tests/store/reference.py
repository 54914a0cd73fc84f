"""Stores that the NautilusTraders write themselves: one record of each type, the one that `frames.frame` makes."""

from pathlib import Path

from catalog_app.tests.store.upstream import run_python
from catalog_app.tests.store.upstream_v2 import run_v2

_RECORDS = """
from decimal import Decimal

owner, bar_type = InstrumentId.from_str("EUR/USD.SIM"), BarType.from_str("EUR/USD.SIM-1-MINUTE-BID-EXTERNAL")
price, size = Price.from_str("1.00000"), Quantity.from_str("1.00")
bid = BookOrder(OrderSide.BUY, price, size, 0)
ask = BookOrder(OrderSide.SELL, Price.from_str("2.00000"), size, 0)
records = {
    "quote_ticks": QuoteTick(owner, price, price, size, size, 7, 8),
    "trade_ticks": TradeTick(owner, price, size, BUYER, TradeId("t"), 7, 8),
    "bars": Bar(bar_type, price, price, price, price, size, 7, 8),
    "order_book_deltas": OrderBookDelta(owner, BookAction.ADD, BookOrder(OrderSide.BUY, price, size, 7), 0, 1, 7, 8),
    "order_book_depths": depth([bid], [ask], [1], [1]),
    "mark_price_updates": MarkPriceUpdate(owner, price, 7, 8),
    "index_price_updates": IndexPriceUpdate(owner, price, 7, 8),
    "instrument_statuses": InstrumentStatus(owner, MarketStatusAction.TRADING, 7, 8, None, None, None, None, None),
    "instrument_closes": InstrumentClose(owner, price, InstrumentCloseType.END_OF_SESSION, 7, 8),
    "option_greeks": OptionGreeks(owner, 0.5, 0.5, 0.5, 0.5, 0.5, None, None, None, None, None, 7, 8),
}
"""

_WRITE_V1 = f"""
import sys
from nautilus_trader.model.data import *
from nautilus_trader.model.data import OptionGreeks
from nautilus_trader.model.enums import *
from nautilus_trader.model.identifiers import InstrumentId, TradeId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

BUYER = AggressorSide.BUYER

def depth(bids, asks, bid_counts, ask_counts):
    none = [BookOrder(OrderSide.NO_ORDER_SIDE, Price.from_str("0.00000"), Quantity.from_str("0.00"), 0)] * 9
    return OrderBookDepth10(owner, bids + none, asks + none, bid_counts + [0] * 9, ask_counts + [0] * 9, 0, 1, 7, 8)

{_RECORDS}
records["funding_rate_updates"] = FundingRateUpdate(owner, Decimal("0.00010000"), 7, 8)
catalog = ParquetDataCatalog(sys.argv[1])
for record in records.values():
    catalog.write_data([record])
"""

_WRITE_V2 = f"""
import sys
from nautilus_trader.model import *
from nautilus_trader.persistence import ParquetDataCatalog

BUYER = AggressorSide.BUY

def depth(bids, asks, bid_counts, ask_counts):
    return OrderBookDepth(owner, bids, asks, bid_counts, ask_counts, 0, 1, 7, 8)

{_RECORDS}
catalog = ParquetDataCatalog(sys.argv[1])
for name, record in records.items():
    getattr(catalog, f"write_{{name}}")([record])
print("null")
"""

# Its Python cannot write funding rates: its own migration of a v1 store can.
_MIGRATE_TO_V2 = """
import sys
from nautilus_trader.persistence import ParquetDataCatalog

print(ParquetDataCatalog(sys.argv[1]).migrate_from_legacy_parquet_path(sys.argv[2]))
"""


def write_v1(root: Path) -> None:
    """A store by NautilusTrader 1.231.0."""
    done = run_python(_WRITE_V1, str(root))
    assert done.returncode == 0, done.stderr[-2000:]


def write_v2(root: Path) -> None:
    """A store by NautilusTrader 2; without funding rates."""
    root.mkdir()
    run_v2(_WRITE_V2, root)


def migrate_to_v2(v1_root: Path, root: Path) -> None:
    """A v1 store as NautilusTrader 2 migrates it."""
    root.mkdir()
    assert run_v2(_MIGRATE_TO_V2, root, v1_root)
