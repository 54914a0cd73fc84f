"""Levels that change over closed hours and stay: splits, rolls, new units of account."""

from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.check import PRICE, Check, CheckContext, Values
from quality_app.checks.param import Param
from quality_app.checks.prepare import TYPES_WITH_PRICE

_MINUTE_NS: Final = 60_000_000_000
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]


def _jumps(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    rows, before, after = _levels(frame, context)
    price = frame[PRICE].to_numpy()
    # Up by the limit, or down by what undoes it: at once, and in the level. Prices that drift do only the latter.
    factor = 1 + float(JUMP.values(context)["percent"]) / 100
    at_once, left = price[rows], price[rows - 1]
    up = (after > before * factor) & (at_once > left * factor)
    down = (before > after * factor) & (left > at_once * factor)
    marks = np.zeros(len(frame), np.bool_)
    marks[rows[up | down]] = True
    return pl.Series(marks, dtype=pl.Boolean)


def _levels(frame: pl.DataFrame, context: CheckContext) -> tuple[Positions, Floats, Floats]:
    """Rows after a break, and the median prices on either side; NaN where one is unknown or not positive."""
    values = JUMP.values(context)
    count, least = int(values["rows"]), int(values["breakMinutes"]) * _MINUTE_NS
    ts, price = frame["ts_event"].to_numpy(), frame[PRICE].to_numpy()
    rows = np.flatnonzero(ts[1:] - ts[:-1] >= least) + 1
    if not len(rows):
        return rows, np.empty(0), np.empty(0)
    price = np.where(price > 0, price, np.nan)
    return rows, _median(price, rows, np.arange(-count, 0)), _median(price, rows, np.arange(count))


def _median(price: Floats, rows: Positions, offsets: Positions) -> Floats:
    """Median of the defined prices at offsets from each row; NaN where more than half are missing."""
    at = rows[:, None] + offsets
    inside = (at >= 0) & (at < len(price))
    around = np.where(inside, price[np.where(inside, at, 0)], np.nan)
    enough = np.isfinite(around).sum(axis=1) * 2 >= len(offsets)
    median = np.full(len(rows), np.nan)
    if enough.any():
        median[enough] = np.nanmedian(around[enough], axis=1)
    return median


def _reach(values: Values) -> tuple[int, int]:
    return int(values["rows"]), int(values["rows"]) - 1


def _evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    rows, before, after = _levels(frame, context)
    at = np.searchsorted(rows, marked.to_numpy())
    return pl.DataFrame({"value": after[at], "expected": before[at]})


JUMP: Final = Check(
    id="price.jump",
    version=1,
    data_types=TYPES_WITH_PRICE,
    dimension="",
    severity="info",
    limit=None,
    citation="Information; not scored",
    explanation="Over a break the price level changed by more than the limit and stayed there: the medians of the rows "
    "before and after differ. A split, a contract roll or a new unit of account does this; data on both sides must "
    "not be compared without an adjustment.",
    example="Friday's close at 1,208.90, Monday's open at 120.88: a split of ten to one.",
    rule=_jumps,
    params=(
        Param("percent", "Change of level", Decimal(20), "%", Decimal(1), Decimal(1000)),
        Param("breakMinutes", "Least break", 30, "min", 1),
        Param("rows", "Rows on either side", 5, "rows", 1, 1_000),
    ),
    needs=frozenset({PRICE}),
    reach=_reach,
    evidence=_evidence,
    looks_ahead=True,
)
CHECKS: Final = (JUMP,)
