"""What is commonly used to find holes: the step from one row to the next, held against one limit around the clock."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.gaps.series import Int64s, Series

_FIVE_MINUTES_NS: Final = 300_000_000_000
# Ticks have no interval: so many times their mean wait.
_MEAN_WAITS: Final = 10

Naive = Callable[[Series, Int64s], pl.DataFrame]


def _every_step(series: Series, times: Int64s) -> pl.DataFrame:
    usual = (times[-1] - times[0]) / max(len(times) - 1, 1)
    return _steps_above(series, times, series.step_ns or _MEAN_WAITS * usual)


def _five_minutes(series: Series, times: Int64s) -> pl.DataFrame:
    return _steps_above(series, times, _FIVE_MINUTES_NS)


def _steps_above(series: Series, times: Int64s, limit: float) -> pl.DataFrame:
    """Bars: what lies between; ticks: the rows on both sides."""
    at = np.flatnonzero(np.diff(times) > limit)
    step = series.step_ns
    start, end = times[at] + step, times[at + 1] - step
    return pl.DataFrame(
        {
            "start_ns": start,
            "end_ns": end,
            "missing": (end - start) // step + 1 if step else np.ones(len(at), np.int64),
            "cause": ["unexplained"] * len(at),
        },
        schema={"start_ns": pl.Int64, "end_ns": pl.Int64, "missing": pl.Int64, "cause": pl.String},
    )


NAIVE: Final[Mapping[str, Naive]] = {"every step": _every_step, "5 minutes": _five_minutes}
