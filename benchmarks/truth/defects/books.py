"""Order books: lost and disordered messages, books that cross, orders that nobody added, levels in disorder."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Rows, Site, edit, insert, raw
from catalog_app.store.schema import LEVEL

_ADD, _DELETE, _CLEAR = 1, 3, 4
_BUY: Final = 1
_F_LAST, _F_SNAPSHOT = 128, 32
_DELTA, _DEPTH = ("delta",), ("depth10",)
_BOOK: Final = ("book.crossed", "book.unknown_order")


def _numbered(site: Site) -> pl.Series:
    """Rows of messages with a number, whose numbers are compared: not those of a snapshot, nor right after one."""
    anew = (site.frame["action"] == _CLEAR) | ((site.frame["flags"] & _F_SNAPSHOT) != 0)
    return (site.frame["sequence"] > 0) & ~anew & ~anew.shift(1, fill_value=True)


def _ends(site: Site) -> pl.Series:
    """Rows that end a message which has a number."""
    return ((site.frame["flags"] & _F_LAST) != 0) & _numbered(site)


def _falling(site: Site) -> Broken | None:
    """The number of a message is one lower than the number before."""
    sequence = site.frame["sequence"].to_numpy()
    begins = np.append(False, (sequence[1:] != sequence[:-1]) & (sequence[:-1] > 1))
    rows = site.some(_numbered(site) & pl.Series(begins), 50)
    if not len(rows):
        return None
    # All rows of the message, up to the next number.
    message = np.cumsum(begins)
    all_rows = np.flatnonzero(np.isin(message, message[rows]))
    lower = sequence[rows - 1] - 1
    wrong = lower[np.searchsorted(message[rows], message[all_rows])]
    follows = np.searchsorted(message, message[rows] + 1)
    return Broken(edit(site.frame, all_rows, {"sequence": pl.Series(wrong, dtype=pl.UInt64)}), rows, follows)


def _lost(site: Site) -> Broken | None:
    """A message is missing; where the venue numbers them one by one, the next one tells."""
    sequence = site.frame["sequence"].to_numpy()
    if len(sequence) < 1_000 or np.mean(np.diff(sequence) <= 1) < 0.999:
        return None
    # Few, so that the venue is still known to number its messages.
    chosen = np.unique(sequence[site.places(2_000)])
    frame = site.frame.filter(~pl.col("sequence").is_in(pl.lit(pl.Series(chosen)).implode()))
    left = frame["sequence"].to_numpy()
    return Broken(frame, np.flatnonzero(np.diff(left.astype(np.int64)) > 1) + 1)


def _crossing(site: Site) -> Broken | None:
    """A bid above every ask comes and leaves again with the next message."""
    places = site.some(_ends(site), 20)
    if not len(places):
        return None
    high = raw(2 * int(site.frame["price"].max() or 0))  # type: ignore[arg-type]
    bids = site.frame[places].with_columns(
        side=pl.lit(_BUY, pl.UInt8),
        price=high,
        size=raw(10**16),
        flags=pl.lit(_F_LAST, pl.UInt8),
        order_id=pl.int_range(pl.len()).cast(pl.UInt64) + 2**63 if (site.frame["order_id"] > 0).any() else pl.lit(0),
    )
    comes = bids.with_columns(action=pl.lit(_ADD, pl.UInt8))
    leaves = bids.with_columns(action=pl.lit(_DELETE, pl.UInt8))
    both = pl.concat([comes.with_row_index("_at"), leaves.with_row_index("_at")]).sort("_at", maintain_order=True)
    frame, rows = insert(site.frame, np.repeat(places, 2), both.drop("_at"))
    return Broken(frame, rows[::2])


def _nobodys(site: Site) -> Broken | None:
    """A delete of an order that was never added."""
    places = site.some(_ends(site), 20)
    if not len(places) or not (site.frame["order_id"] > 0).any():
        return None
    deletes = site.frame[places].with_columns(
        action=pl.lit(_DELETE, pl.UInt8), order_id=pl.int_range(pl.len()).cast(pl.UInt64) + 2**62
    )
    frame, rows = insert(site.frame, places, deletes)
    return Broken(frame, rows)


def _levels(site: Site, rows: Rows, side: str, order: list[int], moved: dict[int, int] | None = None) -> pl.DataFrame:
    """Put the levels of a side in another order, and move some by so many raw units."""
    levels = [pl.col(side).list.get(at) for at in order]
    for at, by in (moved or {}).items():
        level = levels[at]
        price = level.struct.field("price") + raw(by)
        others = [level.struct.field(name) for name in ("size", "count", "order_id")]
        levels[at] = pl.struct(price.alias("price"), *others).cast(LEVEL)
    return edit(site.frame, rows, {side: pl.concat_list(levels)})


def _swapped(site: Site) -> Broken | None:
    """The second and third bid have changed places."""
    rows = site.places()
    return Broken(_levels(site, rows, "bids", [0, 2, 1, *range(3, 10)]), rows) if len(rows) else None


def _depth_crossed(site: Site) -> Broken | None:
    """The best bid stands far above the best ask."""
    rows = site.places()
    beyond = int(site.frame["asks"].list.first().struct.field("price").max() or 0)  # type: ignore[arg-type]
    return Broken(_levels(site, rows, "bids", list(range(10)), {0: beyond}), rows) if len(rows) else None


DEFECTS: Final = (
    Defect("number falls", _DELTA, ("book.sequence",), _falling),
    Defect("message lost", _DELTA, ("book.sequence",), _lost, spoils=_BOOK),
    Defect("bid above the asks for a message", _DELTA, ("book.crossed",), _crossing, may_flag=("book.sequence",)),
    Defect("delete of an unknown order", _DELTA, ("book.unknown_order",), _nobodys),
    Defect("levels swapped", _DEPTH, ("depth.order",), _swapped),
    Defect(
        "depth crossed",
        _DEPTH,
        ("book.crossed",),
        _depth_crossed,
        may_flag=("return.spike", "price.decimal_shift"),
    ),
)
