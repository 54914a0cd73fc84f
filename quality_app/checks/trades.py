"""Checks of trades against the quotes of their moment, and of their numbering."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.check import PRICE, Check, CheckContext, QuotesBetween, Values
from quality_app.checks.neighbours import SECOND_NS, Floats, Marks, Rows, in_parts
from quality_app.checks.param import Param
from quality_app.checks.prices import BNHLS
from quality_app.checks.times import MILLISECOND_NS

Times = npt.NDArray[np.int64]

STEP_SHARE: Final = "trade_id_step_share"
# Quotes that are read at once, about; the time to read them of follows from how many the last read had.
_QUOTES_AT_ONCE: Final = 500_000
_FIRST_SPAN_NS: Final = 900 * SECOND_NS
_LONGEST_SPAN_NS: Final = 86_400 * 30 * SECOND_NS
# Relative slack of prices against the rounding of floats.
_ROUNDING: Final = 1e-12


def _spans(ts: Times, quotes: QuotesBetween, age: int) -> Iterator[tuple[Rows, pl.DataFrame]]:
    """Yield rows in order of time, with the sound quotes from `age` before their first to `age` after their last."""
    order = np.argsort(ts, kind="stable")
    start, span = 0, _FIRST_SPAN_NS
    while start < len(order):
        first = int(ts[order[start]])
        stop = start + int(np.searchsorted(ts[order[start:]], first + span, side="right"))
        found = quotes(first - age, int(ts[order[stop - 1]]) + age)
        sound = found.filter((pl.col("bid_price") <= pl.col("ask_price")).fill_null(value=False))
        yield order[start:stop], sound if sound["ts_init"].is_sorted() else sound.sort("ts_init", maintain_order=True)
        start = stop
        span = min(4 * span, span * _QUOTES_AT_ONCE // max(len(found), 1), _LONGEST_SPAN_NS)
        span = max(span, SECOND_NS)


class _Sides:
    """Bid and ask of consecutive quotes, and how far beyond them a trade may be."""

    def __init__(self, quotes: pl.DataFrame, spreads: float, tick: float) -> None:
        self.ts: Times = quotes["ts_init"].to_numpy()
        self.bid: Floats = quotes["bid_price"].cast(pl.Float64).to_numpy() / SCALE
        self.ask: Floats = quotes["ask_price"].cast(pl.Float64).to_numpy() / SCALE
        allowed = np.maximum((self.ask - self.bid) * spreads, tick) + self.ask * _ROUNDING
        self.highest, self.lowest = self.ask + allowed, self.bid - allowed


def _beyond(ts: Times, price: Floats, sides: _Sides, age: int, tolerance: int) -> Marks:
    """Say which trades are off every quote around their moment; unknown is no.

    Around are the quotes in force within the tolerance, and the next one: a market may move while no quote comes.
    """
    last = np.searchsorted(sides.ts, ts, side="right") - 1
    oldest = np.searchsorted(sides.ts, ts - age, side="left")
    newest = np.searchsorted(sides.ts, ts + age, side="right") - 1
    found = (oldest <= last) & (last < newest)
    rows = np.flatnonzero(found)
    at = last[rows]
    rows = rows[(price[rows] > sides.highest[at]) | (price[rows] < sides.lowest[at])]
    found[:] = False
    if len(rows):
        first = np.searchsorted(sides.ts, ts[rows] - tolerance, side="right") - 1
        stop = np.searchsorted(sides.ts, ts[rows] + tolerance, side="right") + 1
        ranges = np.column_stack([first.clip(oldest[rows], last[rows]), stop.clip(last[rows] + 2, newest[rows] + 1)])
        # Every other range of reduceat lies between two trades' quotes and is dropped.
        highest = np.maximum.reduceat(np.append(sides.highest, -np.inf), ranges.ravel())[::2]
        lowest = np.minimum.reduceat(np.append(sides.lowest, np.inf), ranges.ravel())[::2]
        found[rows] = (price[rows] > highest) | (price[rows] < lowest)
    return found


def _reach_in_time(values: Values) -> tuple[int, int]:
    """Return how old a quote may be, and by how much the clocks of quotes and trades may differ, in ns."""
    return int(values["maxAgeSeconds"]) * SECOND_NS, int(values["toleranceMs"]) * MILLISECOND_NS


def _off_quote(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    values = OFF_QUOTE.values(context)
    age, tolerance = _reach_in_time(values)
    ts, price = frame["ts_init"].to_numpy(), frame[PRICE].to_numpy()
    marks = np.zeros(len(frame), dtype=np.bool_)
    if context.quotes is not None:
        for rows, quotes in _spans(ts, context.quotes, age):
            if len(quotes):
                sides = _Sides(quotes, float(values["spreads"]), (context.price_increment or 0) / SCALE)
                marks[rows] = _beyond(ts[rows], price[rows], sides, age, tolerance)
    return pl.Series(marks)


def _side_missed(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    """Return the prices of marked trades, and the ask or bid that they should have had."""
    age, _ = _reach_in_time(OFF_QUOTE.values(context))
    ts, price = frame["ts_init"].gather(marked).to_numpy(), frame[PRICE].gather(marked).to_numpy()
    expected = np.full(len(marked), np.nan)
    if context.quotes is not None:
        for rows, quotes in _spans(ts, context.quotes, age):
            if len(quotes):
                sides = _Sides(quotes, 0, 0)
                last = np.maximum(np.searchsorted(sides.ts, ts[rows], side="right") - 1, 0)
                expected[rows] = np.where(price[rows] > sides.ask[last], sides.ask[last], sides.bid[last])
    return pl.DataFrame({"value": price, "expected": pl.Series(expected).fill_nan(None)})


def _quotes_obstacle(context: CheckContext) -> str | None:
    return None if context.quotes is not None else "The store holds no quotes of this instrument to compare with."


def _off_quote_facts(context: CheckContext) -> dict[str, Any]:
    return {"priceIncrementRaw": None if context.price_increment is None else str(context.price_increment)}


def _missing(frame: pl.DataFrame, reordered: int) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return the rows before which numbers are missing, and exactly how many.

    Missing is what lies above the highest number of the rows before and below the row's own, and does not follow
    within the rows that may be out of order.
    """
    ids = frame["trade_id"].cast(pl.Int64, strict=False).fill_null(-1).to_numpy()
    jumps = np.flatnonzero((ids[1:] >= 0) & ((ids[:-1] < 0) | (ids[1:] - ids[:-1] > 1))) + 1
    counts = np.concatenate([_count_missing(ids, part, reordered) for part in in_parts(jumps)])
    return jumps[counts > 0], counts[counts > 0]


def _count_missing(ids: Times, rows: Rows, reordered: int) -> Times:
    own, size = ids[rows], len(ids)
    aside = np.arange(1, reordered + 1)
    before, after = rows[:, None] - aside, rows[:, None] + aside
    highest = np.where(before >= 0, ids[before.clip(0)], -1).max(axis=1)
    later = np.sort(np.where(after < size, ids[after.clip(0, size - 1)], -1), axis=1)
    first_seen = np.diff(later, axis=1, prepend=-2) > 0
    filled = first_seen & (later > highest[:, None]) & (later < own[:, None])
    # A row that no number precedes begins the count.
    return np.where(highest >= 0, own - highest - 1 - filled.sum(axis=1), 0)


def _id_gap(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    marks = np.zeros(len(frame), dtype=np.bool_)
    rows, _ = _missing(frame, int(ID_GAP.values(context)["reorderedRows"]))
    marks[rows] = True
    return pl.Series(marks)


def _how_many(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    """Return how many trades are missing before each marked row, where none should be."""
    missing = np.zeros(len(frame))
    rows, counts = _missing(frame, int(ID_GAP.values(context)["reorderedRows"]))
    missing[rows] = counts
    return pl.DataFrame({"value": missing[marked.to_numpy()], "expected": np.zeros(len(marked))})


def _reach_in_rows(values: Values) -> tuple[int, int]:
    return int(values["reorderedRows"]), int(values["reorderedRows"])


def _step_share(context: CheckContext) -> float | None:
    share = None if context.profile is None else context.profile.facts.get(STEP_SHARE)
    return None if share is None else float(share)


def _numbering_obstacle(context: CheckContext) -> str | None:
    share = _step_share(context)
    if share is None:
        return "Whether the venue numbers its trades one by one is unknown: ids are no numbers, or few were sampled."
    if share < ID_GAP.values(context)["leastStepShare"]:
        return f"This venue does not number its trades one by one: only {share:.0%} of the ids rise by exactly one."
    return None


OFF_QUOTE: Final = Check(
    id="trade.off_quote",
    version=1,
    data_types=("trade",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 100),
    citation=f"{BNHLS}, rule T4",
    explanation="The price is more than a spread above the ask or below the bid. Compared is the last quote known at "
    "the trade's ts_init. Quotes and trades come over different lines: a trade that fits another quote in force within "
    "the tolerance, or the next one, is sound. A trade that no quote precedes and follows in time is not judged; "
    "crossed quotes are left out.",
    example="A trade at 71.80 while the market is 71.50 to 71.51.",
    rule=_off_quote,
    params=(
        Param("spreads", "Spreads beyond the quote", Decimal(1), "spreads", Decimal(0)),
        Param("maxAgeSeconds", "Furthest quote to judge by", 30, "s", 1, 86_400),
        Param("toleranceMs", "Tolerance between quotes and trades", 1_000, "ms", 0, 60_000),
    ),
    facts=_off_quote_facts,
    obstacle=_quotes_obstacle,
    needs=frozenset({PRICE}),
    evidence=_side_missed,
    looks_ahead=True,
)
ID_GAP: Final = Check(
    id="trade.id_gap",
    version=1,
    data_types=("trade",),
    dimension="completeness",
    severity="major",
    limit=Fraction(1, 1000),
    citation="Venue rule: the exchange numbers the trades of an instrument one by one",
    explanation="The trade's number is higher than the one before by more than one, and the numbers between do not "
    "follow: exactly as many trades are missing. Only for venues that number trades one by one, learned from the data.",
    example="Trade 1004 follows trade 1000: three trades are missing.",
    rule=_id_gap,
    params=(
        Param("leastStepShare", "Least share of ids that rise by one", Decimal("0.90"), "", Decimal("0.5"), Decimal(1)),
        Param("reorderedRows", "Rows that may be out of order", 50, "rows", 1, 1_000),
    ),
    facts=lambda context: {"tradeIdStepShare": _step_share(context)},
    obstacle=_numbering_obstacle,
    reach=_reach_in_rows,
    evidence=_how_many,
    looks_ahead=True,
)
CHECKS: Final = (OFF_QUOTE, ID_GAP)
