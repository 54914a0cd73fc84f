"""Levels that change over closed hours and stay."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Site
from catalog_app.store.schema import PRICE_COLUMNS

_BREAK_NS: Final = 30 * 60 * 1_000_000_000
_ASIDE: Final = 10
_TYPES: Final = ("quote", "trade", "bar")


def _split(site: Site) -> Broken | None:
    """At each break the prices double, or halve again."""
    ts = site.frame["ts_event"].to_numpy()
    rows = np.flatnonzero(np.diff(ts) >= _BREAK_NS) + 1
    rows = rows[(rows >= _ASIDE) & (rows < len(ts) - _ASIDE)]
    rows = rows[np.append(True, np.diff(rows) >= _ASIDE)] if len(rows) else rows
    if not len(rows):
        return None
    doubled = np.zeros(len(ts), np.int64)
    doubled[rows] = 1
    odd = pl.lit(pl.Series(np.cumsum(doubled) % 2 == 1))
    frame = site.frame.with_columns(
        pl.when(odd).then(pl.col(name) * pl.lit(2, pl.Int128)).otherwise(pl.col(name)).alias(name)
        for name in PRICE_COLUMNS[site.context.data_type]
    )
    return Broken(frame, rows)


DEFECTS: Final = (
    Defect("price doubles or halves over a break", _TYPES, ("price.jump",), _split, spoils=("trade.off_quote",)),
)
