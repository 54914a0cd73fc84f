"""The real NautilusTrader as judge, in a process of its own: it may abort on what it does not like."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# What a judge prints of each record, by both NautilusTraders: the columns of a canonical frame, as JSON.
DESCRIBE = """
import json, sys

def fixed(value):
    return None if value.raw >= 2**127 - 1 else [value.raw, value.precision]

def levels(orders, counts):
    found = list(zip(orders, counts, strict=True))
    # 1.x fills up to ten levels with zeros.
    while found and found[-1][0].price.raw == found[-1][0].size.raw == found[-1][1] == 0:
        found.pop()
    return [[fixed(o.price), fixed(o.size), count, o.order_id] for o, count in found]

def name(member):
    return str(getattr(member, "name", member)).rpartition(".")[2]

def fields(*names):
    return lambda record: [getattr(record, name) for name in names]

def fixeds(*names):
    return lambda record: [fixed(getattr(record, name)) for name in names]

GREEKS = ("delta", "gamma", "vega", "theta", "rho")
GREEKS_MAYBE = ("mark_iv", "bid_iv", "ask_iv", "underlying_price", "open_interest")
STATUS = ("reason", "trading_event", "is_trading", "is_quoting", "is_short_sell_restricted")
VALUES = {
    "quote": fixeds("bid_price", "ask_price", "bid_size", "ask_size"),
    "trade": lambda r: [fixed(r.price), fixed(r.size), code(r.aggressor_side), str(r.trade_id)],
    "bar": fixeds("open", "high", "low", "close", "volume"),
    "delta": lambda r: [
        code(r.action), code(r.order.side), fixed(r.order.price), fixed(r.order.size), r.order.order_id, r.flags,
        r.sequence,
    ],
    "depth10": lambda r: [levels(r.bids, r.bid_counts), levels(r.asks, r.ask_counts), r.flags, r.sequence],
    "mark_price": fixeds("value"),
    "index_price": fixeds("value"),
    "funding_rate": lambda r: [str(r.rate), r.interval, r.next_funding_ns],
    "status": lambda r: [name(r.action), *fields(*STATUS)(r)],
    "close": lambda r: [fixed(r.close_price), code(r.close_type)],
    "greeks": lambda r: [name(r.convention), *fields(*GREEKS, *GREEKS_MAYBE)(r)],
}

def describe(kind, record):
    owner = record.bar_type if kind == "bar" else record.instrument_id
    return [str(owner), VALUES[kind](record), record.ts_event, record.ts_init]
"""

_READ = """
from nautilus_trader.model import data as types
from nautilus_trader.persistence.catalog import ParquetDataCatalog

code = int
CLASSES = {
    "quote": types.QuoteTick, "trade": types.TradeTick, "bar": types.Bar, "delta": types.OrderBookDelta,
    "depth10": types.OrderBookDepth10, "mark_price": types.MarkPriceUpdate, "index_price": types.IndexPriceUpdate,
    "funding_rate": types.FundingRateUpdate, "status": types.InstrumentStatus, "close": types.InstrumentClose,
    "greeks": types.OptionGreeks,
}

def query(root, kind, identifiers):
    return ParquetDataCatalog(root).query(CLASSES[kind], identifiers=identifiers or None)
"""

# Answers queries, a line each: the records, or how it failed as text. Each is asked in a child, which may abort.
ASK = """
import os, signal

def answer(root, kind, *identifiers):
    try:
        return [describe(kind, record) for record in query(root, kind, list(identifiers))]
    except Exception as error:
        return repr(error)

for asked in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        signal.alarm(60)
        print(json.dumps(answer(*asked)), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        print(json.dumps(signal.Signals(os.WTERMSIG(status)).name), flush=True)
"""

type Query = tuple[Path | str, ...]  # root, data type, identifiers
type Answer = list[Any] | str

_INSTRUMENTS = """
import json, sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog

for instrument in ParquetDataCatalog(sys.argv[1]).instruments():
    print(json.dumps(type(instrument).to_dict(instrument), default=str))
"""


def run_python(script: str, *arguments: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter from the repository's root."""
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=root, check=False)


def answers(
    queries: Sequence[Query], run: Callable[..., subprocess.CompletedProcess[str]] = run_python, script: str = _READ
) -> list[Answer]:
    """What the real catalog returns to each query: its records, or the error, or the signal that ended it."""
    done = run(DESCRIBE + script + ASK, json.dumps([[str(part) for part in query] for query in queries]))
    found = _lines(done)
    assert len(found) == len(queries), done.stderr[-2000:]
    return found


def records(root: Path, data_type: str, *identifiers: str) -> list[Any]:
    """[identifier, values, ts_event, ts_init] of every record that the real catalog returns.

    Values stand in the order of canonical columns; prices and sizes as [raw, precision], None where undefined. 1.231.0
    cannot read the index prices that it writes (NotImplementedError).
    """
    [answer] = answers([(root, data_type, *identifiers)])
    assert isinstance(answer, list), answer
    return answer


def instruments(root: Path) -> list[dict[str, Any]]:
    """The dictionaries of the real catalog's instruments."""
    return _lines(run_python(_INSTRUMENTS, str(root)))


def _lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
