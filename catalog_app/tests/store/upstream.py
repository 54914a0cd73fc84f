"""The real NautilusTrader as judge, in a process of its own: it may abort on what it does not like."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_READ = """
import json, sys
from nautilus_trader.model.data import Bar, QuoteTick, TradeTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

catalog = ParquetDataCatalog(sys.argv[1])
kind, identifiers = sys.argv[2], sys.argv[3:] or None
FIELDS = {
    "quote": (QuoteTick, ("bid_price", "ask_price", "bid_size", "ask_size")),
    "trade": (TradeTick, ("price", "size")),
    "bar": (Bar, ("open", "high", "low", "close", "volume")),
}
cls, fields = FIELDS[kind]
read = {"quote": catalog.quote_ticks, "trade": catalog.trade_ticks}
if kind == "bar":
    records = catalog.bars(bar_types=identifiers)
else:
    records = read[kind](instrument_ids=identifiers)
for record in records:
    row = [[getattr(record, f).raw, getattr(record, f).precision] for f in fields]
    if kind == "trade":
        row += [int(record.aggressor_side), record.trade_id.value]
    owner = str(record.bar_type) if kind == "bar" else record.instrument_id.value
    print(json.dumps([owner, row, record.ts_event, record.ts_init]))
"""

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


def records(root: Path, data_type: str, *identifiers: str) -> list[Any]:
    """[identifier, [[raw, precision] …], ts_event, ts_init] of every record that the real catalog returns."""
    return _lines(run_python(_READ, str(root), data_type, *identifiers))


def instruments(root: Path) -> list[dict[str, Any]]:
    """The dictionaries of the real catalog's instruments."""
    return _lines(run_python(_INSTRUMENTS, str(root)))


def _lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]
