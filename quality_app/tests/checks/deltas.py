"""Deltas for tests: short rows to canonical frames, and the book that NautilusTrader builds of them."""

from collections.abc import Iterator

import polars as pl
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from catalog_app.store.schema import CANONICAL, SCALE
from quality_app.checks.book_state import CLEAR, DELETE, F_LAST, Entries
from quality_app.checks.check import Check, CheckContext
from quality_app.checks.profile import Profile
from quality_app.tests.checks.marking import marks_of
from quality_app.tests.frames import context

BOOK_TYPES = {"orders": BookType.L3_MBO, "levels": BookType.L2_MBP, "top": BookType.L1_MBP}
PRECISION = 2
CENT = SCALE // 100

# action, side, price in cents or None, size, order id, flags
Row = tuple[int, int, int | None, int, int, int]
Best = tuple[int, int | None, int | None]


def deltas(rows: list[Row], sequence: list[int] | None = None) -> pl.DataFrame:
    """A canonical frame with positions; the sequence is 0, and ts_event the position, where nothing else is said."""
    names = ("action", "side", "price", "size", "order_id", "flags")
    columns: dict[str, list[int | None]] = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    columns["price"] = [None if row[2] is None else row[2] * CENT for row in rows]
    columns["size"] = [row[3] * SCALE for row in rows]
    columns["sequence"] = [*(sequence or [0] * len(rows))]
    columns["ts_event"] = columns["ts_init"] = [*range(len(rows))]
    frame = pl.DataFrame({name: pl.Series(columns[name], dtype=dtype) for name, dtype in CANONICAL["delta"].items()})
    return frame.with_columns(file=pl.lit("data/a.parquet"), row=pl.int_range(pl.len(), dtype=pl.Int64))


def knowing(data_type: str = "delta", rows: int = 100, **facts: object) -> CheckContext:
    """A context whose profile learned these facts from so many rows."""
    return context(data_type, profile=Profile(rows=rows, zone="UTC", digest="", facts=facts))


def marked(check: Check, frame: pl.DataFrame, known: CheckContext) -> list[int]:
    """Positions of violating rows."""
    return marks_of(check, frame, known).arg_true().to_list()


def marked_in_pieces(check: Check, frame: pl.DataFrame, known: CheckContext, cuts: list[int]) -> list[int]:
    """The same, with the frame cut at these positions and state carried over."""
    assert check.rule is not None
    assert check.carry is not None
    found, state = [], frame.clear()
    for start, stop in zip([0, *cuts], [*cuts, len(frame)], strict=True):
        piece = pl.concat([state, frame[start:stop]])
        found += [start + at - len(state) for at in marked(check, piece, known) if at >= len(state)]
        state = check.carry(piece, known)
    return found


def upstream_best(frame: pl.DataFrame, entries: Entries) -> Iterator[Best]:
    """Position, best bid and best ask after each F_LAST row, by NautilusTrader's own book."""
    instrument = InstrumentId.from_str("A.TEST")
    book = OrderBook(instrument, BOOK_TYPES[entries])
    for at, row in enumerate(frame.iter_rows(named=True)):
        if row["action"] == CLEAR:
            book.clear(0, 0)
        else:
            # NautilusTrader refuses updates to a size of 0; who means that, deletes.
            action = row["action"] if row["size"] else DELETE
            order = BookOrder(
                OrderSide(row["side"]),
                Price.from_raw(row["price"], PRECISION),
                Quantity.from_raw(row["size"], 0),
                row["order_id"],
            )
            book.apply_delta(OrderBookDelta(instrument, BookAction(action), order, row["flags"], 0, 0, 0))
        if row["flags"] & F_LAST:
            yield at, _raw(book.best_bid_price()), _raw(book.best_ask_price())


def _raw(price: Price | None) -> int | None:
    return None if price is None else int(price.raw)
