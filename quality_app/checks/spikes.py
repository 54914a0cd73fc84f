"""Prices that leap away and come back, by what is usual at that hour of the week; and volumes out of all proportion."""

from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog_app.store.schema import SCALE, SIZE_COLUMNS
from quality_app.checks.check import PRICE, WEEK, Check, CheckContext, Values
from quality_app.checks.param import Param
from quality_app.checks.prepare import TYPES_WITH_PRICE
from quality_app.checks.seasonal import by_hour, needs, profile_facts, usual

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Hours = npt.NDArray[np.int16]

IGLEWICZ_HOAGLIN: Final = "Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers: the modified z-score"
# Rows on either side of a spike that tell the level and how much it varies there.
AROUND: Final = 25
# The market may be calmer than usual for the hour: spikes of one row are held against so much of the usual scale.
CALM: Final = 0.6
# A spike stands out from the rows around it by so many of their median absolute deviations.
LOCAL: Final = 9.0
# The least scale, in increments: 1.4826 MAD of a price that moves by half an increment.
LEAST_SCALE: Final = 0.7413
# Stands for a price of zero or less, as a logarithm: a spike wherever such prices are not allowed.
_NOTHING: Final = 1e-300
# Rows whose arrays stay in a core's cache: larger ones come fresh from the system.
_BLOCK: Final = 16_384
# Spikes whose surroundings are in memory at once.
_TOGETHER: Final = 4_096


class _Leaps(NamedTuple):
    """Rows to which the price leaps, log returns, and their robust z by the usual scale."""

    row: Positions
    step: Floats
    z: Floats


class _Spikes(NamedTuple):
    """First rows of spikes, rows until they are over, and the level around."""

    row: Positions
    length: Positions
    level: Floats


def _spiking(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    found = _find(frame, context)
    marks = np.zeros(len(frame), np.bool_)
    for offset in range(int(SPIKE.values(context)["rows"])):
        marks[found.row[found.length > offset] + offset] = True
    return pl.Series(marks)


def _find(frame: pl.DataFrame, context: CheckContext) -> _Spikes:
    values = SPIKE.values(context)
    threshold, rows, share = float(values["threshold"]), int(values["rows"]), float(values["share"])
    price = _positive(frame[PRICE], context)
    leaps = _leaps(price, frame[WEEK].to_numpy(), threshold, context)
    length = _until_back(price, leaps, rows, share)
    # Prices come back by themselves too, the more often the longer one waits.
    odd = (length == 1) | ((length > 1) & (leaps.z > threshold * np.sqrt(length)))
    return _isolated(price, leaps.row[odd], leaps.step[odd], length[odd])


def _positive(price: pl.Series, context: CheckContext) -> Floats:
    """Prices above zero, NaN when undefined; others have no logarithm, or are wrong."""
    known = price.to_numpy()
    if not len(known) or np.nanmin(known, initial=1.0) > 0:
        return known
    return np.where(known <= 0, _NOTHING if context.negative_prices_allowed is False else np.nan, known)


def _leaps(price: Floats, week: Hours, threshold: float, context: CheckContext) -> _Leaps:
    """Rows whose log return from the row before is beyond the threshold."""
    returns = usual(context, "return")
    median, scale = by_hour(returns.median), np.nan_to_num(by_hour(returns.scale))
    # In proportion to the price, no move is smaller than this when its logarithm is beyond the least limit.
    bound = -np.expm1(-max(threshold * CALM * scale.min() - np.abs(median).max(), 0.0)) * (1 - 1e-9)
    row = _moving(price, bound)
    before = price[row - 1]
    step = np.log(price[row]) - np.log(before)
    hour = week[row]
    least = LEAST_SCALE * (context.price_increment or 0) / SCALE / before
    away = np.abs(step - median[hour])
    beyond = away > threshold * np.maximum(CALM * scale[hour], least)
    return _Leaps(row[beyond], step[beyond], away[beyond] / np.maximum(scale[hour], least)[beyond])


def _moving(price: Floats, share: float) -> Positions:
    """Rows that differ from the row before by more than a share of that; most blocks of rows have none."""
    found = [np.empty(0, np.int64)]
    for start in range(0, len(price) - 1, _BLOCK):
        part = price[start : start + _BLOCK + 1]
        move = part[1:] - part[:-1]
        np.abs(move, out=move)
        # NaN is neither more nor less.
        if not move.max() <= share * part.min():
            found.append(np.flatnonzero(move > share * part[:-1]) + (start + 1))
    return np.concatenate(found)


def _until_back(price: Floats, leaps: _Leaps, rows: int, share: float) -> Positions:
    """Rows from each leap until the price is back; 0 where it is not within `rows`."""
    length = np.zeros(len(leaps.row), np.int64)
    start = np.log(price[leaps.row - 1])
    for after in range(rows, 0, -1):
        at = leaps.row + after
        inside = at < len(price)
        left = (np.log(price[np.where(inside, at, 0)]) - start) / leaps.step
        length = np.where(inside & (left <= 1 - share), after, length)
    return length


def _isolated(price: Floats, row: Positions, step: Floats, length: Positions) -> _Spikes:
    """Keep the leaps that stand out from the rows around them, not sound rows between two spikes."""
    level, variation = np.empty(len(row)), np.empty(len(row))
    offsets = np.append(np.arange(-AROUND, 0), np.arange(AROUND))
    for first in range(0, len(row), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        at = row[part, None] + offsets + np.where(offsets < 0, 0, length[part, None])
        inside = (at >= 0) & (at < len(price))
        around = np.where(inside, np.log(price[np.where(inside, at, 0)]), np.nan)
        level[part] = np.nanmedian(around, axis=1)
        variation[part] = np.nanmedian(np.abs(around - level[part, None]), axis=1)
    away = np.log(price[row]) - level
    kept = (away / step >= 0.5) & (np.abs(away) > LOCAL * variation)
    return _Spikes(row[kept], length[kept], level[kept])


def _reach(values: Values) -> tuple[int, int]:
    """The first row of a spike lies up to `rows` - 1 before; from there, or from its end, AROUND rows count."""
    rows = int(values["rows"])
    return AROUND + rows, AROUND + rows


def _spike_evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    found = _find(frame, context)
    expected = np.full(len(frame), np.nan)
    for offset in range(int(SPIKE.values(context)["rows"])):
        lasting = found.length > offset
        expected[found.row[lasting] + offset] = np.exp(found.level[lasting])
    level = pl.Series(expected).fill_nan(None).gather(marked)
    return pl.DataFrame({"value": frame[PRICE].gather(marked), "expected": level})


def _returns_obstacle(context: CheckContext) -> str | None:
    lacking = needs("return")(context)
    if lacking is None and not context.price_increment and not any(usual(context, "return").scale):
        return "Prices of the sample never move, and the instrument's increment is unknown."
    return lacking


def _size(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    return frame[SIZE_COLUMNS[context.data_type][0]].cast(pl.Float64) / SCALE


def _huge(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    volumes, threshold = usual(context, "volume"), float(VOLUME.values(context)["threshold"])
    scale = by_hour(volumes.scale)
    limit = np.exp(by_hour(volumes.median) + threshold * np.where(scale > 0, scale, np.nan))
    # NaN stands for no limit; Polars would sort it last.
    limit = np.where(np.isnan(limit), np.inf, limit)
    return (_size(frame, context) > pl.Series(limit[frame[WEEK].to_numpy()])).fill_null(value=False)


def _volume_evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    rows = frame[marked]
    typical = np.exp(by_hour(usual(context, "volume").median))[rows[WEEK].to_numpy()]
    return pl.DataFrame({"value": _size(rows, context), "expected": typical})


def _volume_obstacle(context: CheckContext) -> str | None:
    if needs("volume")(context) is not None:
        return "Too few sampled rows have a volume to know what is usual."
    return None if any(usual(context, "volume").scale) else "Volumes of the sample are all the same."


SPIKE: Final = Check(
    id="return.spike",
    version=1,
    data_types=TYPES_WITH_PRICE,
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation=IGLEWICZ_HOAGLIN,
    explanation="The price leaps and is back within a few rows. The log return is held against median and MAD of "
    "its hour of the week (of the week where the hour has few rows; never finer than the increment): z above the "
    "threshold. In calm markets six tenths of the usual scale count for spikes of one row; spikes of k rows need "
    "√k times the threshold. It must also stand out from the 25 rows on either side by 9 of their median absolute "
    "deviations, which bid-ask bounce and news do not.",
    example="One bar 8 % above both neighbours.",
    rule=_spiking,
    params=(
        Param("threshold", "Robust z", Decimal(12), "", Decimal(1), Decimal(1000)),
        Param("rows", "Back within", 5, "rows", 1, 100),
        Param("share", "Share that reverts", Decimal("0.8"), "", Decimal("0.1"), Decimal(1)),
    ),
    facts=profile_facts,
    obstacle=_returns_obstacle,
    needs=frozenset({PRICE, WEEK}),
    reach=_reach,
    evidence=_spike_evidence,
    looks_ahead=True,
)
VOLUME: Final = Check(
    id="volume.spike",
    version=1,
    data_types=("bar", "trade"),
    dimension="",
    severity="info",
    limit=None,
    citation=IGLEWICZ_HOAGLIN,
    explanation="The volume is out of proportion for its hour of the week: the robust z of its logarithm is above "
    "the threshold. Auctions, rolls and news do that too.",
    example="A one-minute bar with a day's volume: the vendor's daily total was stored as a bar.",
    rule=_huge,
    params=(Param("threshold", "Robust z", Decimal(8), "", Decimal(1), Decimal(1000)),),
    facts=profile_facts,
    obstacle=_volume_obstacle,
    needs=frozenset({WEEK}),
    evidence=_volume_evidence,
)
CHECKS: Final = (SPIKE, VOLUME)
