"""What a sample of deltas tells of the book: what its order ids name, and whether messages end visibly."""

from typing import Any, Final

import polars as pl

from quality_app.checks.book_state import ADD, CLEAR, DELETE, F_LAST, F_MBP, F_TOB, Entries

# Facts of a profile.
ORDER_IDS: Final = "order_ids"
MESSAGES_END: Final = "messages_end"
# So many prices that never had two ids have levels, not orders.
_LEAST_PRICES: Final = 50


def book_facts(sample: pl.DataFrame) -> dict[str, Any]:
    """Return facts of sampled deltas (canonical columns, in order).

    `order_ids`: what names an entry of the book, see entries_of. `messages_end`: whether any row has F_LAST.
    """
    return {ORDER_IDS: entries_of(sample), MESSAGES_END: bool((sample["flags"] & F_LAST).ne(0).any())}


def entries_of(sample: pl.DataFrame) -> Entries | None:
    """Tell what names an entry of the book that a sample of deltas (canonical columns, in order) builds.

    "orders" (L3), "levels" (L2) or "top" (L1); None where the sample does not show it.
    """
    names = ("action", "side", "price", "order_id", "flags")
    rows = sample.select(*names, pl.col("action").eq(CLEAR).cum_sum().alias("_epoch")).filter(pl.col("action") != CLEAR)
    top = (pl.col("flags") & F_TOB) != 0
    levels = ((pl.col("flags") & F_MBP) != 0) | (pl.col("order_id") == 0)
    if len(rows.filter(top)) * 2 > len(rows):
        return "top"
    if len(rows.filter(levels)) * 2 > len(rows):
        return "levels"
    adds = rows.filter(pl.col("action") == ADD)
    return _by_ids(adds, rows.filter(pl.col("action") == DELETE)) if len(adds) else None


def _by_ids(adds: pl.DataFrame, deletes: pl.DataFrame) -> Entries | None:
    """Tell by how ids and prices go together."""
    ids = adds.n_unique(("_epoch", "side", "order_id"))
    if ids < adds.n_unique(("_epoch", "side", "order_id", "price")) * 0.99:
        # One id at several prices: the number of a message, or of a level counted from the best.
        return "levels"
    prices = adds.n_unique(("side", "price"))
    if adds.n_unique(("side", "price", "order_id")) == prices:
        # One id per price: an order's id does not come back after it has left, a level's does.
        return "levels" if ids < len(adds) or prices >= _LEAST_PRICES else None
    # Ids that only number rows are never seen again.
    known = deletes.join(adds, on=["side", "price", "order_id"], how="semi")
    return "orders" if len(known) * 100 >= len(deletes) else "levels"
