"""The rows of a source that a gap of the target gets: without what the target has already."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from catalog_app.models.dataset import DataType
from catalog_app.store.errors import StoreError
from quality_app.services.gaps.filling.near import read_rows, rows_before
from quality_app.services.gaps.filling.sources import FillSource
from quality_app.services.gaps.filling.target import Target

_STALE = "rows have come into the gap since it was found. Scan the dataset again."


def rows_for(target: Target, source: FillSource, low: int, high: int, *, is_exact: bool) -> Iterator[pl.DataFrame]:
    """Canonical rows in order of ts_init, piece by piece; bars at a time that has one, and known trades, left out.

    Raises:
        StoreError: the gap is not empty any more, or a file cannot be read.

    """
    kind = target.dataset.data_type
    is_bars = kind == DataType.BAR
    there = read_rows(target.root, target.files, kind, low, high)
    if is_exact and kind != DataType.TRADE:
        raise StoreError(f"{target.dataset.title}: only trades have ids by which missing rows between others are told.")
    if there.height and not is_bars and not is_exact:
        raise StoreError(f"{target.dataset.title}: {_STALE}")
    key = "ts_init" if is_bars else "trade_id"
    lag = _lag(target, low) if source.recipe else 0
    for piece in source.pieces(low, high):
        left = piece.join(there.select(key), on=key, how="anti", maintain_order="left") if there.height else piece
        if lag:
            left = left.with_columns(ts_event=pl.col("ts_init") - lag)
        if left.height:
            yield left


def _lag(target: Target, low: int) -> int:
    """How far ts_init lies behind ts_event in the target's bars, where all near ones agree: built ones do the same."""
    near = rows_before(target.root, target.files, target.dataset.data_type, low, 20)
    lags = (near["ts_init"] - near["ts_event"]).unique()
    return int(lags[0]) if len(lags) == 1 else 0
