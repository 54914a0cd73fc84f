"""The order book that deltas build, as lifetimes of its entries: columns in, columns out.

NautilusTrader's OrderBook is the model. An entry is an order (L3), a price level (L2) or a side's best price (L1); an
add or update puts it at its price, wherever it stood before, a delete or a size of 0 takes it out, a clear ends all.
One difference: of an L1 snapshot of several rows per side, NautilusTrader keeps the best, and this the last.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

ADD: Final = 1
UPDATE: Final = 2
DELETE: Final = 3
CLEAR: Final = 4
NO_SIDE: Final = 0
BUY: Final = 1
SELL: Final = 2

# Bits of `flags`: nautilus_trader.model.enums.RecordFlag.
F_LAST: Final = 128
F_TOB: Final = 64
F_SNAPSHOT: Final = 32
F_MBP: Final = 16

# What names an entry of the book: its order id (L3), its price (L2), or its side alone (L1).
Entries = Literal["orders", "levels", "top"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Deltas:
    """Columns of deltas as numpy; `price` counts the frame's distinct prices from the lowest, -1 is undefined."""

    action: npt.NDArray[np.uint8]
    side: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    order_id: npt.NDArray[np.uint64]
    price: Ints
    prices: pl.Series
    places: Flags
    clears: Ints

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Deltas":
        """Take the columns of a canonical frame of deltas."""
        action = frame["action"].to_numpy()
        sized = frame.select(pl.col("size").ne(0).fill_null(value=True))["size"].to_numpy()
        prices = frame["price"].drop_nulls().unique().sort()
        known = pl.DataFrame({"price": prices, "_rank": np.arange(len(prices))})
        ranks = frame.select("price").join(known, on="price", how="left", maintain_order="left")["_rank"]
        return cls(
            action=action,
            side=frame["side"].to_numpy(),
            flags=frame["flags"].to_numpy(),
            order_id=frame["order_id"].to_numpy(),
            price=ranks.fill_null(-1).to_numpy(),
            prices=prices,
            places=((action == ADD) | (action == UPDATE)) & sized,
            clears=np.flatnonzero(action == CLEAR),
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """Rows of one side about entries named alike, those of one entry together and in order.

    `row` is the position in the frame; `until` is the row that ends what this one says: the next about the entry, a
    clear, or the frame's end. `known` tells that the entry was in the book just before.
    """

    row: Ints
    until: Ints
    known: Flags


def chains(deltas: Deltas, entries: Entries, side: int) -> list[Chain]:
    """Return the rows of one side by entry; where orders name the entries, flagged rows name levels or the top."""
    own = (deltas.side == side) & (deltas.action != CLEAR)
    if entries == "top":
        return [_chain(deltas, own, np.zeros(len(own), np.uint8))]
    if entries == "levels":
        return [_chain(deltas, own & (deltas.price >= 0), deltas.price)]
    # An order that leaves may come without its side: its id tells.
    own |= (deltas.side == NO_SIDE) & (deltas.action == DELETE)
    top = (deltas.flags & F_TOB) != 0
    level = ~top & ((deltas.flags & F_MBP) != 0)
    found = [_chain(deltas, own & ~top & ~level, deltas.order_id)]
    if top.any():
        found.append(_chain(deltas, own & top, np.zeros(len(own), np.uint8)))
    if level.any():
        found.append(_chain(deltas, own & level & (deltas.price >= 0), deltas.price))
    return found


def _chain(deltas: Deltas, chosen: Flags, names: npt.NDArray[np.integer]) -> Chain:
    rows = np.flatnonzero(chosen)
    named = pl.DataFrame({"name": names[rows]})
    order = named.select(pl.arg_sort_by("name", maintain_order=True)).to_series().to_numpy()
    rows = rows[order]
    same = names[rows[1:]] == names[rows[:-1]]
    end = len(chosen)
    next_clear = np.append(deltas.clears, end)[np.searchsorted(deltas.clears, rows)]
    until = np.minimum(np.append(np.where(same, rows[1:], end), end)[: len(rows)], next_clear)
    known = np.zeros(len(rows), np.bool_)
    if len(rows):
        known[1:] = same & deltas.places[rows[:-1]] & (until[:-1] == rows[1:])
    return Chain(rows, until, known)


def best_prices(frame: pl.DataFrame, entries: Entries) -> pl.DataFrame:
    """Return the best prices after each row with F_LAST: `row` (position), `bid`, `ask` (Int128 raw, null: none)."""
    deltas = Deltas.of(frame)
    last = (deltas.flags & F_LAST) != 0
    # How many of these rows stand before a row.
    before = np.concatenate(([0], np.cumsum(last)))
    best = {}
    for side, sign in ((BUY, 1), (SELL, -1)):
        firsts, ends, values = [], [], []
        for chain in chains(deltas, entries, side):
            alive = deltas.places[chain.row] & (deltas.price[chain.row] >= 0)
            firsts.append(before[chain.row[alive]])
            ends.append(before[chain.until[alive]])
            values.append(sign * deltas.price[chain.row[alive]])
        top = _highest(np.concatenate(firsts), np.concatenate(ends), np.concatenate(values), int(before[-1]))
        places = pl.Series(sign * top, dtype=pl.Int64)
        best[side] = deltas.prices.gather(places.set(pl.Series(top == _NONE, dtype=pl.Boolean), None))
    rows = pl.Series("row", np.flatnonzero(last), dtype=pl.Int64)
    return pl.DataFrame([rows, best[BUY].alias("bid"), best[SELL].alias("ask")])


_NONE: Final = -(2**62)


def _highest(first: Ints, end: Ints, value: Ints, length: int) -> Ints:
    """Return for each place of 0..length-1 the highest value among spans [first, end) over it; _NONE where none is.

    A sparse table turned round: two entries of a power of two cover a span, and each level hands its highest values
    down to halves. One pass per level, all of it in whole columns.
    """
    covers = end > first
    first, end, value = first[covers], end[covers], value[covers]
    # Lengths are below 2**53: exponents are exact.
    level = (np.frexp((end - first).astype(np.float64))[1] - 1).astype(np.uint8)
    by_level = np.argsort(level, kind="stable")
    bounds = np.searchsorted(level[by_level], np.arange(66))
    table = np.full(length, _NONE, np.int64)
    for power in range(int(level.max(initial=0)), -1, -1):
        chosen = by_level[bounds[power] : bounds[power + 1]]
        np.maximum.at(table, first[chosen], value[chosen])
        np.maximum.at(table, end[chosen] - (1 << power), value[chosen])
        if power:
            half = 1 << (power - 1)
            table[half:] = np.maximum(table[half:], table[:-half])
    return table


def resting(frame: pl.DataFrame, entries: Entries) -> pl.DataFrame:
    """Return rows that build the book which the frame leaves behind, without F_LAST and F_SNAPSHOT.

    The first is a clear where the whole book is known, that is after a clear or a snapshot.
    """
    deltas = Deltas.of(frame)
    alive = np.concatenate(
        [
            chain.row[deltas.places[chain.row] & (chain.until == len(frame))]
            for side in (BUY, SELL)
            for chain in chains(deltas, entries, side)
        ]
    )
    begun = np.flatnonzero(known_from(deltas))[:1]
    book = pl.concat(
        [
            frame[begun].with_columns(action=pl.lit(CLEAR, pl.UInt8)),
            frame[np.sort(alive)],
        ]
    )
    return book.with_columns(pl.col("flags") & (255 - F_LAST - F_SNAPSHOT)).rechunk()


def known_from(deltas: Deltas) -> Flags:
    """Mark rows that begin a book which is wholly known: clears, and orders of a snapshot."""
    begins: Flags = (deltas.action == CLEAR) | ((deltas.action == ADD) & ((deltas.flags & F_SNAPSHOT) != 0))
    return begins


def unknown_orders(frame: pl.DataFrame) -> pl.Series:
    """Mark updates and deletes of orders (L3) that are not in the book, once the whole book is known."""
    deltas = Deltas.of(frame)
    missing = np.ones(len(frame), np.bool_)
    for side in (BUY, SELL):
        orders = chains(deltas, "orders", side)[0]
        missing[orders.row[orders.known]] = False
    judged = (deltas.action == DELETE) | ((deltas.action == UPDATE) & (deltas.side != NO_SIDE))
    judged &= (deltas.flags & (F_TOB | F_MBP | F_SNAPSHOT)) == 0
    whole = np.maximum.accumulate(known_from(deltas))
    return pl.Series(missing & judged & whole, dtype=pl.Boolean)
