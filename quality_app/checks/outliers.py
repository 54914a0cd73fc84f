"""Checks of single quotes and trades that stand off from their neighbours and come back."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.check import PRICE, Check, CheckContext, Values
from quality_app.checks.neighbours import (
    SLACK,
    Floats,
    Marks,
    Prices,
    Rows,
    in_parts,
    known_tick,
    median,
    pair_distances,
    pair_sums,
    positions,
    stands_alone,
    suspects,
    tick_facts,
    windows,
)
from quality_app.checks.param import Param
from quality_app.checks.price_step import learned_step, learned_step_raw
from quality_app.checks.prices import BNHLS

BROWNLEES_GALLO: Final = "Brownlees, Gallo (2006), Computational Statistics & Data Analysis 51, 2232–2245"
# Where no increment is known: the smallest known step counts as tick, up to this share of the price.
_LARGEST_TICK: Final = 1e-3
# Steps below this share of the price are rounding.
_SMALLEST_STEP: Final = 1e-11
# Caps of squared distances, in medians of a chunk: one of them suits quiet rows, one wild ones.
_CAPS: Final = (0.4, 2.0, 10.0)

_LONGEST: Final = Param("longestRun", "Longest run of outliers", 5, "rows", 1, 10)
_BREAK: Final = Param("breakMinutes", "A session breaks at a pause longer than", 30, "min", 1)
_LEAST: Final = Param("leastNeighbours", "Fewest neighbours to judge by", 10, "rows", 4)

# Rows -> what is expected of each, and whether it deviates by too much.
_Judge = Callable[[Rows], tuple[Floats, Marks]]


def _reach(values: Values) -> tuple[int, int]:
    half = int(values["neighbours"]) // 2
    return half, half


def _ticks(others: Floats, off: Floats, expected: Floats, context: CheckContext) -> Floats:
    """Return the tick at each row: the increment, else the smallest step known within its bounds.

    The neighbours and the dataset's sample tell steps. The row itself does only where neither does: else an outlier
    would be the tick that it is held against.
    """
    least = known_tick(context)
    if context.price_increment:
        return np.full(len(others), least)
    steps = np.diff(others, axis=1)
    price = np.abs(expected)
    real = steps > (_SMALLEST_STEP * price)[:, None]
    smallest = np.where(real, steps, np.inf).min(axis=1)
    learned = learned_step(context)
    smallest = np.where(np.isinf(smallest), off, smallest) if learned is None else np.minimum(smallest, learned)
    return np.asarray(np.maximum(least, np.minimum(smallest, _LARGEST_TICK * price)))


def _facts(context: CheckContext) -> dict[str, Any]:
    return {**tick_facts(context), "priceStepRaw": learned_step_raw(context)}


def _marks(frame: pl.DataFrame, rows: Rows, judge: _Judge) -> pl.Series:
    found = np.zeros(len(frame), dtype=np.bool_)
    for part in in_parts(rows):
        found[part] = judge(part)[1]
    return pl.Series(found)


def _shown(frame: pl.DataFrame, marked: pl.Series, judge: _Judge) -> pl.DataFrame:
    """Return the prices of marked rows and what their neighbours suggest."""
    expected, _ = judge(np.asarray(marked.to_numpy(), dtype=np.intp))
    return pl.DataFrame({"value": frame[PRICE].gather(marked), "expected": pl.Series(expected, dtype=pl.Float64)})


def _neighbours(prices: Prices, rows: Rows, half: int) -> tuple[Floats, Floats, Floats]:
    """Return windows, own prices, and the neighbours alone, sorted, with the missing ones last."""
    window = windows(prices, rows, half)
    own = window[:, half]
    others = window.copy()
    others[:, half] = np.nan
    others.sort(axis=1)
    return window, own, others


def _quote_judge(frame: pl.DataFrame, prices: Prices, context: CheckContext) -> _Judge:
    values = QUOTE_OUTLIER.values(context)
    half, most = int(values["neighbours"]) // 2, float(values["deviations"])

    def judge(rows: Rows) -> tuple[Floats, Marks]:
        window, own, others = _neighbours(prices, rows, half)
        count = (~np.isnan(others)).sum(axis=1)
        expected = median(others)
        deviation = np.abs(others - expected[:, None])
        mean = np.where(np.isnan(deviation), 0.0, deviation).sum(axis=1) / np.maximum(count, 1)
        off = np.abs(own - expected)
        marks = (count >= values["leastNeighbours"]) & (off > most * mean * (1 + SLACK))
        few = np.flatnonzero(marks)
        floor = np.maximum(
            float(values["floorTicks"]) * _ticks(others[few], off[few], expected[few], context),
            float(values["floorSpreads"]) * _median_spread(frame, prices, rows[few], half),
        )
        marks[few] = (off[few] > floor * (1 + SLACK)) & stands_alone(
            window[few], expected[few], int(values["longestRun"])
        )
        return expected, marks

    return judge


def _median_spread(frame: pl.DataFrame, prices: Prices, rows: Rows, half: int) -> Floats:
    """Return the median spread of each row's neighbours, not below zero."""
    if not len(rows):
        return np.empty(0)
    at, inside = positions(prices, rows, half)
    flat = pl.Series(at.ravel())
    raw = frame["ask_price"].gather(flat) - frame["bid_price"].gather(flat)
    spread = np.where(inside, (raw.cast(pl.Float64) / SCALE).to_numpy().reshape(at.shape), np.nan)
    spread[:, half] = np.nan
    spread.sort(axis=1)
    return np.maximum(np.nan_to_num(median(spread)), 0.0)


def _quote_outlier(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    values = QUOTE_OUTLIER.values(context)
    half, most = int(values["neighbours"]) // 2, float(values["deviations"])
    floor = float(values["floorTicks"]) * known_tick(context)
    prices = Prices.of(frame, int(values["breakMinutes"]))

    def least(around: Floats, aside: int) -> Floats:
        # Two rows are together at least as far from the median as they are from each other.
        return np.maximum(pair_sums(pair_distances(around, aside), aside) * (most / (2 * half)), floor)

    # Each of m rows as far out adds the outlier's own deviation to the sum: m × deviation ≤ neighbours × mean.
    rows = suspects(prices, half, int(values["longestRun"]), least, int(2 * half / most))
    return _marks(frame, rows, _quote_judge(frame, prices, context))


def _quote_evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    prices = Prices.of(frame, int(QUOTE_OUTLIER.values(context)["breakMinutes"]))
    return _shown(frame, marked, _quote_judge(frame, prices, context))


def _trade_judge(prices: Prices, context: CheckContext) -> _Judge:
    values = TRADE_OUTLIER.values(context)
    half, most = int(values["neighbours"]) // 2, float(values["deviations"])

    def judge(rows: Rows) -> tuple[Floats, Marks]:
        window, own, others = _neighbours(prices, rows, half)
        count = (~np.isnan(others)).sum(axis=1)
        cut = (count * (float(values["trim"]) / 2)).astype(np.intp)
        place = np.arange(others.shape[1])
        kept = (place >= cut[:, None]) & (place < (count - cut)[:, None])
        size = np.maximum(kept.sum(axis=1), 2)
        mean = np.where(kept, others, 0.0).sum(axis=1) / size
        square = np.where(kept, others - mean[:, None], 0.0) ** 2
        deviation = np.sqrt(square.sum(axis=1) / (size - 1))
        off = np.abs(own - mean)
        marks = (count >= values["leastNeighbours"]) & (off > 0) & (off >= most * deviation * (1 - SLACK))
        few = np.flatnonzero(marks)
        limit = most * deviation[few] + float(values["granularityTicks"]) * _ticks(
            others[few], off[few], mean[few], context
        )
        alone = stands_alone(window[few], mean[few], int(values["longestRun"]))
        marks[few] = (off[few] >= limit * (1 - SLACK)) & alone
        return mean, marks

    return judge


def _trade_outlier(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    values = TRADE_OUTLIER.values(context)
    half, most = int(values["neighbours"]) // 2, float(values["deviations"])
    cut = int(2 * half * (float(values["trim"]) / 2))
    granularity = float(values["granularityTicks"]) * known_tick(context)
    prices = Prices.of(frame, int(values["breakMinutes"]))

    def least(around: Floats, aside: int) -> Floats:
        # The squares of two kept trades' deviations are together at least half of their squared distance. Trimmed
        # trades are in as many pairs at most, which count no more than the cap each: that is taken off again.
        squares = pair_distances(around, aside) ** 2
        sample = squares[::16][~np.isnan(squares[::16])]
        typical = float(np.median(sample) or np.mean(sample)) if len(sample) else 0.0
        sums = [pair_sums(np.minimum(squares, cap), aside) - 2 * cut * cap for cap in np.multiply(_CAPS, typical)]
        variance = np.maximum.reduce([*sums, np.zeros_like(sums[0])]) / (2 * (2 * half - 2 * cut - 1))
        return np.asarray(most * np.sqrt(variance) + granularity)

    # Cantelli's inequality for those kept, and one cut tail.
    beyond = cut + int((2 * half - 2 * cut) / (1 + most**2))
    rows = suspects(prices, half, int(values["longestRun"]), least, beyond)
    return _marks(frame, rows, _trade_judge(prices, context))


def _trade_evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    prices = Prices.of(frame, int(TRADE_OUTLIER.values(context)["breakMinutes"]))
    return _shown(frame, marked, _trade_judge(prices, context))


QUOTE_OUTLIER: Final = Check(
    id="quote.outlier",
    version=1,
    data_types=("quote",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation=f"{BNHLS}, rule Q4",
    explanation="The mid lies more mean absolute deviations from the median of its neighbours (as many before as "
    "after, itself left out) than allowed, and comes back at once. As in the paper the deviation is the mean absolute "
    "one about the median, not scaled. The paper allows 10 of them; 8 finds a spike of 10 from wherever in the usual "
    "range it began. Added to the paper: a floor in ticks and spreads, so that one step of a quiet market is no "
    "outlier (where no increment is known, the smallest usual step is the tick); neighbours end where a session "
    "breaks; and a level that persists, or that nothing precedes or follows, is a move.",
    example="Mids of 1.1010, 1.1011, 1.1510, 1.1011: the third quote.",
    rule=_quote_outlier,
    params=(
        Param("neighbours", "Neighbours", 50, "rows", 20, 200),
        Param("deviations", "Mean absolute deviations", Decimal(8), "", Decimal(1)),
        Param("floorTicks", "Floor in price increments", Decimal(2), "ticks", Decimal(0)),
        Param("floorSpreads", "Floor in median spreads", Decimal("0.5"), "spreads", Decimal(0)),
        _LONGEST,
        _BREAK,
        _LEAST,
    ),
    facts=_facts,
    needs=frozenset({PRICE}),
    reach=_reach,
    evidence=_quote_evidence,
    looks_ahead=True,
)
TRADE_OUTLIER: Final = Check(
    id="trade.outlier",
    version=1,
    data_types=("trade",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation=BROWNLEES_GALLO,
    explanation="The price lies further from the trimmed mean of its neighbours than a multiple of their trimmed "
    "standard deviation plus a granularity, and comes back at once. Half of the trim is cut off at either end. The "
    "paper takes 3 deviations, which flags real moves too: one in 500 of simulated sound trades, where 6 flag one "
    "in 100,000. The granularity is in increments; where none is known, in the smallest usual step. Added to the "
    "paper: neighbours end where a session breaks; and a level that persists, or that nothing precedes or follows, is "
    "a move.",
    example="Trades at 71.50, 71.51, 75.80, 71.51: the third one.",
    rule=_trade_outlier,
    params=(
        Param("neighbours", "Neighbours", 60, "rows", 20, 200),
        Param("trim", "Trimmed share of the neighbours", Decimal("0.10"), "", Decimal(0), Decimal("0.4")),
        Param("deviations", "Trimmed standard deviations", Decimal(6), "", Decimal(1)),
        Param("granularityTicks", "Granularity", Decimal(2), "ticks", Decimal(0)),
        _LONGEST,
        _BREAK,
        _LEAST,
    ),
    facts=_facts,
    needs=frozenset({PRICE}),
    reach=_reach,
    evidence=_trade_evidence,
    looks_ahead=True,
)
CHECKS: Final = (QUOTE_OUTLIER, TRADE_OUTLIER)
