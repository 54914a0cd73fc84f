"""Datasets of one instrument in several stores, and reconciliations of them."""

from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from catalog_app.models import Dataset
from quality_app.models import Reconciliation, ReconciliationSource
from quality_app.tests.conftest import bars_at
from quality_app.tests.frames import MINUTE_NS, START_NS, raw
from quality_app.tests.reconcile.shapes import walk

CLOSES = START_NS + np.arange(1, 1001, dtype=np.int64) * MINUTE_NS
PRICES = raw("1.10000") + (walk(1000) - 1_000_000) // 10 * raw("0.00001")


def bars(prices: np.ndarray = PRICES, closes: np.ndarray = CLOSES) -> pl.DataFrame:
    """One-minute bars that do not move within the minute."""
    price = pl.Series([int(value) for value in prices], dtype=pl.Int128)
    return bars_at(closes).with_columns(open=price, high=price, low=price, close=price)


def reconcile(datasets: list[Dataset], prices: tuple[str, ...] = (), **changes: Any) -> Reconciliation:
    values = {"name": f"Trial {Reconciliation.objects.count()}", "interval_ns": MINUTE_NS, "limit_bp": Decimal(0)}
    found = Reconciliation.objects.create(instrument_id="GBP/USD.SIM", **{**values, **changes})
    for at, dataset in enumerate(datasets):
        price = prices[at] if prices else "close"
        ReconciliationSource.objects.create(
            reconciliation=found, position=at, dataset=dataset, label=f"source {at}", price=price
        )
    return found
