"""Synthetic vendor files, the same at every call: random walks, not market data."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import polars as pl

# What a vendor's file may hold that cannot be imported: unreadable time, high under low, negative price.
BAD_LINES = (
    "2026-13-05 00:10:00,0.93512,0.93520,0.93507,0.93515,41",
    "2026-01-05 09:41:00,0.93512,0.93402,0.93507,0.93515,38",
    "2026-01-05 09:42:00,0.93512,0.93520,-0.93507,0.93515,52",
)


def minute_bars(path: Path, rows: int = 1440, *, bad: bool = False) -> Path:
    """Write open-stamped one-minute bars of a currency pair with five decimals; `bad` adds three unusable lines."""
    random = Random(7)
    lines, price, moment = ["timestamp,open,high,low,close,volume"], 93_500, datetime(2026, 1, 5)
    for _ in range(rows):
        opened, price = price, price + random.randint(-6, 6)
        high, low = max(opened, price) + random.randint(0, 5), min(opened, price) - random.randint(0, 5)
        prices = ",".join(f"{value / 100_000:.5f}" for value in (opened, high, low, price))
        lines.append(f"{moment},{prices},{random.randint(20, 90)}")
        moment += timedelta(minutes=1)
    if bad:
        lines[11:11] = BAD_LINES
    path.write_text("\n".join(lines) + "\n")
    return path


def many_quotes(path: Path, rows: int) -> Path:
    """Write quotes a tenth of a second apart, enough of them to watch an import."""
    random = np.random.default_rng(7)
    bid = 60_000 + random.integers(-2, 3, rows).cumsum() % 2_000
    columns = {"timestamp": np.arange(rows) * 100 + 1_767_600_000_000, "bid": bid / 1e5, "ask": (bid + 2) / 1e5}
    pl.DataFrame(columns).write_csv(path, float_precision=5)
    return path
