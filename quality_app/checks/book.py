"""Checks of order books that deltas build: their numbering, their best prices, and the orders that they name."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.book_facts import MESSAGES_END, ORDER_IDS
from quality_app.checks.book_state import CLEAR, F_SNAPSHOT, Entries, best_prices, resting, unknown_orders
from quality_app.checks.check import Check, CheckContext
from quality_app.checks.depth import best_levels
from quality_app.checks.param import Param
from quality_app.checks.trading_time import TradingTime

FLAGS: Final = "NautilusTrader's RecordFlag (F_LAST, F_SNAPSHOT) as in Databento's DBN"

NOT_TOLD: Final = "The sample does not tell whether order ids name orders or price levels, so the book cannot be built."
# A smaller sample does not show how a venue numbers.
LEAST_ROWS: Final = 100

STEP_SHARE: Final = Param(
    "stepShare",
    "Share of messages numbered one after the other, from which a jump is a loss",
    Decimal("0.99"),
    minimum=Decimal("0.5"),
    maximum=Decimal(1),
)


def _entries(context: CheckContext) -> Entries | None:
    entries: Entries | None = context.profile.facts.get(ORDER_IDS) if context.profile else None
    return entries


def _known_entries(context: CheckContext) -> Entries:
    entries = _entries(context)
    if entries is None:
        raise ValueError(NOT_TOLD)
    return entries


def _begins_anew() -> pl.Expr:
    """Rows from which on numbers may start again: clears and snapshots."""
    return pl.col("action").eq(CLEAR) | (pl.col("flags") & F_SNAPSHOT).ne(0)


def _out_of_sequence(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    anew = frame.select(_begins_anew()).to_series()
    rows = ((frame["sequence"] != 0) | anew).arg_true()
    sequence, compared = frame["sequence"].gather(rows), ~anew.gather(rows)
    before = sequence.shift(1)
    wrong = sequence < before
    if _jumps_are_losses(context):
        wrong |= (sequence > before) & (sequence - before > 1)
    wrong = (wrong & compared & compared.shift(1)).fill_null(value=False)
    marks = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    return marks.scatter(rows.filter(wrong), values=True)


def _jumps_are_losses(context: CheckContext) -> bool:
    if context.profile is None or context.profile.rows < LEAST_ROWS:
        return False
    share = context.profile.facts.get("sequence_step_share")
    return share is not None and share >= SEQUENCE.values(context)["stepShare"]


def _sequence_facts(context: CheckContext) -> dict[str, Any]:
    return {"jumpsAreLosses": _jumps_are_losses(context)}


def sequence_after(frame: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """Return the row that the next number is compared with."""
    return frame.filter(pl.col("sequence").ne(0) | _begins_anew()).tail(1)


def _crossed(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    best = _best_prices(frame, context)
    rows = best["row"].filter(best.select((pl.col("bid") >= pl.col("ask")).fill_null(value=False)).to_series())
    if context.sessions is not None and len(context.sessions):
        times = frame["ts_event"].gather(rows).to_numpy()
        rows = rows.filter(pl.Series(TradingTime(context.sessions).contains(times), dtype=pl.Boolean))
    marks = pl.repeat(value=False, n=len(frame), dtype=pl.Boolean, eager=True)
    return marks.scatter(rows, values=True)


def _best_prices(frame: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """`row`, `bid` and `ask` of each row that ends a message."""
    if context.data_type == "depth10":
        return best_levels(frame)
    return best_prices(frame, _known_entries(context))


def _best_evidence(frame: pl.DataFrame, marked: pl.Series, context: CheckContext) -> pl.DataFrame:
    """The best bid, and the best ask that it should be below."""
    best = _best_prices(frame, context)
    at = pl.DataFrame({"row": marked.cast(pl.Int64)})
    return at.join(best, on="row", how="left", maintain_order="left").select(
        value=pl.col("bid").cast(pl.Float64) / SCALE, expected=pl.col("ask").cast(pl.Float64) / SCALE
    )


def _entries_obstacle(context: CheckContext) -> str | None:
    if context.data_type == "depth10" or _entries(context) is not None:
        return None
    return NOT_TOLD


def _crossed_obstacle(context: CheckContext) -> str | None:
    if context.data_type == "delta" and context.profile and context.profile.facts.get(MESSAGES_END) is False:
        return "No row is marked as the last of its message (F_LAST), so no moment is known at which the book is whole."
    return _entries_obstacle(context)


def _orders_obstacle(context: CheckContext) -> str | None:
    obstacle = _entries_obstacle(context)
    if obstacle is None and _entries(context) != "orders":
        return "Order ids name price levels or none, not orders: an update of a level that is not there adds it."
    return obstacle


def _book_facts(context: CheckContext) -> dict[str, Any]:
    if context.data_type == "depth10":
        return {"withinSessions": context.sessions is not None}
    return {"entries": _entries(context), "withinSessions": context.sessions is not None}


def _orders_facts(context: CheckContext) -> dict[str, Any]:
    return {"entries": _entries(context)}


def book_after(frame: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """Return rows that build the book which the frame leaves behind; a depth is a whole book, so none."""
    return frame.clear() if context.data_type == "depth10" else resting(frame, _known_entries(context))


def _unknown_order(frame: pl.DataFrame, context: CheckContext) -> pl.Series:
    return unknown_orders(frame)


SEQUENCE: Final = Check(
    id="book.sequence",
    version=1,
    data_types=("delta",),
    dimension="completeness",
    severity="major",
    limit=Fraction(1, 1000),
    citation=f"Data desk rule; {FLAGS}",
    explanation="The sequence number falls, or jumps although the venue numbers each message: messages are missing "
    "or out of order, and the book is wrong from there on. Jumps count only where the sample shows that nearly all "
    "messages follow by one: elsewhere trades and other instruments take numbers too. Numbers are not compared "
    "across a clear or a snapshot, where feeds start anew; a sequence of 0 is no number.",
    example="Sequence 7,104 follows 7,101: two messages were lost.",
    rule=_out_of_sequence,
    params=(STEP_SHARE,),
    facts=_sequence_facts,
    carry=sequence_after,
)
CROSSED: Final = Check(
    id="book.crossed",
    version=1,
    data_types=("delta", "depth10"),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 1000),
    citation=f"BNHLS rule Q2 for books; the book is built as NautilusTrader's OrderBook builds it; {FLAGS}",
    explanation="The best bid is at or above the best ask after the last row of a message (F_LAST), or in a depth. "
    "Orders like that trade at once, so an entry is left over or a message is missing. Before the first snapshot "
    "only entries seen so far are compared: what is unknown could only cross the book further. Outside known "
    "sessions nothing is reported, since orders may cross before an auction.",
    example="Bid 5,214.50 stands against ask 5,214.25: the delete of the ask was lost.",
    rule=_crossed,
    facts=_book_facts,
    obstacle=_crossed_obstacle,
    carry=book_after,
    evidence=_best_evidence,
)
UNKNOWN_ORDER: Final = Check(
    id="book.unknown_order",
    version=1,
    data_types=("delta",),
    dimension="consistency",
    severity="major",
    limit=Fraction(1, 100),
    citation=f"NautilusTrader's OrderBook finds no such order; {FLAGS}",
    explanation="An update or delete names an order that is not in the book: its add is missing, or it has left. "
    "Judged only where order ids name orders (L3), as the sample shows, and only from the first clear or snapshot "
    "on: orders from before are unknown.",
    example="Order 6413245568336 is deleted twice.",
    rule=_unknown_order,
    facts=_orders_facts,
    obstacle=_orders_obstacle,
    carry=book_after,
)
CHECKS: Final = (SEQUENCE, CROSSED, UNKNOWN_ORDER)
