"""What is commonly used for outliers: a z-score and an unscaled MAD over a rolling window of the same size."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Rows
from benchmarks.truth.materials import NOW_NS
from quality_app.checks.check import PRICE, CheckContext
from quality_app.checks.prepare import TYPES_WITH_PRICE, prepare

_WINDOW: Final = 51
_HALF: Final = _WINDOW // 2
# The thresholds that textbooks and libraries give.
_DEVIATIONS: Final = 3.0
_MODIFIED: Final = 3.5

Plain = Callable[[pl.Series], Rows]


def _z_score(price: pl.Series) -> Rows:
    mean = price.rolling_mean(_WINDOW, center=True)
    deviation = price.rolling_std(_WINDOW, center=True)
    return np.flatnonzero((((price - mean) / deviation).abs() > _DEVIATIONS).fill_null(value=False).to_numpy())


def _unscaled_mad(price: pl.Series) -> Rows:
    values = price.to_numpy()
    if len(values) < _WINDOW:
        return np.empty(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(values, _WINDOW)
    median = np.median(windows, axis=1)
    mad = np.median(np.abs(windows - median[:, None]), axis=1)
    away = np.abs(values[_HALF : len(values) - _HALF] - median)
    return np.flatnonzero((away > _MODIFIED * mad) & (mad > 0)) + _HALF


PLAIN: Final[Mapping[str, Plain]] = {"z-score": _z_score, "unscaled MAD": _unscaled_mad}


def plain_flags(name: str, frame: pl.DataFrame, data_type: str) -> Rows:
    """Return the rows that one of them flags; none where the data has no price."""
    if data_type not in TYPES_WITH_PRICE:
        return np.empty(0, np.int64)
    price = prepare(frame, {PRICE}, CheckContext(data_type, NOW_NS))[PRICE]
    return PLAIN[name](price.forward_fill())
