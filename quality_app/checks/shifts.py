"""Check of prices whose decimal point moved for a few rows."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

from quality_app.checks.check import PRICE, Check, CheckContext, Values
from quality_app.checks.neighbours import Floats, Prices, Rows, in_parts, known_tick, median, tick_facts, windows
from quality_app.checks.param import Param
from quality_app.checks.prepare import TYPES_WITH_PRICE

_NONE: Final = np.empty(0, dtype=np.intp)


def _reach(values: Values) -> tuple[int, int]:
    return int(values["longestRun"]), int(values["longestRun"])


def _runs(prices: Floats, longest: int, tolerance: float) -> tuple[Rows, Floats]:
    """Return the rows within runs that begin and end by the same power of ten, and that power of each row.

    Prices that are undefined or not positive have no ratio: they are passed over.
    """
    least = 10 * (1 - tolerance)
    if len(prices) < 3 or 0 < prices.max() < least * prices.min():
        return _NONE, np.empty(0)
    defined = np.flatnonzero(prices > 0)
    values = prices[defined]
    step = np.flatnonzero((values[1:] >= least * values[:-1]) | (values[:-1] >= least * values[1:])) + 1
    ratio = values[step] / values[step - 1]
    power = np.rint(np.log10(ratio))
    exact = _near(ratio, 10.0**power, tolerance)
    begin, end = step[:-1], step[1:]
    shifts = exact[:-1] & exact[1:] & (power[:-1] == -power[1:])
    returns = _near(values[end], values[begin - 1], tolerance)
    short = defined[end] - defined[begin - 1] - 1 <= longest
    kept = np.flatnonzero(shifts & returns & short)
    rows = [defined[begin[run] : end[run]] for run in kept]
    return np.concatenate([_NONE, *rows]), np.repeat(power[kept], end[kept] - begin[kept])


def _near(values: Floats, wanted: Floats, tolerance: float) -> Any:
    return np.abs(values - wanted) <= tolerance * wanted


def _shifted(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    values = DECIMAL_SHIFT.values(context)
    longest, tolerance = int(values["longestRun"]), float(values["tolerance"])
    least = float(values["leastTicks"]) * known_tick(context)
    prices = frame[PRICE].to_numpy()
    marks = np.zeros(len(frame), dtype=np.bool_)
    rows, power = _runs(prices, longest, tolerance)
    positive = Prices(np.where(prices > 0, prices, np.nan), _NONE) if len(rows) else Prices(prices, _NONE)
    for part in in_parts(np.arange(len(rows))):
        # The level is what most rows around have: of two that take turns, only the rarer one is shifted.
        level = median(np.sort(windows(positive, rows[part], longest), axis=1))
        off = _near(prices[rows[part]], level * 10.0 ** power[part], tolerance)
        marks[rows[part]] = off & (level >= least)
    return pl.Series(marks)


def _evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    values = DECIMAL_SHIFT.values(context)
    rows, power = _runs(frame[PRICE].to_numpy(), int(values["longestRun"]), float(values["tolerance"]))
    shift = np.zeros(len(frame))
    shift[rows] = power
    value = frame[PRICE].gather(marked)
    return pl.DataFrame({"value": value, "expected": value / pl.Series(10.0 ** shift[marked.to_numpy()])})


DECIMAL_SHIFT: Final = Check(
    id="price.decimal_shift",
    version=1,
    data_types=TYPES_WITH_PRICE,
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation="Dacorogna, Gençay, Müller, Olsen, Pictet (2001), An Introduction to High-Frequency Finance, ch. 4",
    explanation="The price jumps by a factor near 10, 100, …, or a tenth, a hundredth, …, and after a few rows back to "
    "its level: the decimal point was misplaced. Prices of few increments, where such a factor is a usual move, are "
    "left out; so are levels that stay, which may be a split or a redenomination.",
    example="156.81, 1.5682, 1.5681, 156.83: the two in the middle.",
    rule=_shifted,
    params=(
        Param("longestRun", "Longest run of shifted rows", 20, "rows", 1, 500),
        Param("tolerance", "Tolerance of factor and return", Decimal("0.10"), "", Decimal(0), Decimal("0.5")),
        Param("leastTicks", "Lowest usual price", 20, "ticks", 0),
    ),
    facts=tick_facts,
    needs=frozenset({PRICE}),
    reach=_reach,
    evidence=_evidence,
    looks_ahead=True,
)
CHECKS: Final = (DECIMAL_SHIFT,)
