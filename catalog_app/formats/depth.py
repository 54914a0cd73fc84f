"""Levels of a book as columns of their own: bid_price_0, bid_price_1 …, as NautilusTrader 1.x has them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import polars as pl

from catalog_app.formats.errors import FormatError
from catalog_app.store.schema import CANONICAL, LEVEL

_SIDES: Final = ("bids", "asks")
_TYPES: Final = {field.name: field.dtype for field in LEVEL.fields}
# Of one side. NautilusTrader has ten; a table with more columns than this helps nobody.
MAX_LEVELS: Final = 500


@dataclass(frozen=True, slots=True)
class DepthShape:
    """How many levels each side has at most, and whether they have order ids."""

    bids: int = 1
    asks: int = 1
    has_order_ids: bool = False

    @classmethod
    def of(cls, frames: Iterable[pl.DataFrame]) -> Self:
        """The shape that holds every row of canonical depth frames; FormatError above MAX_LEVELS."""
        shape = cls()
        for frame in frames:
            bids, asks, has_ids = frame.select(*map(_deepest, _SIDES), pl.any_horizontal(map(_ids, _SIDES))).row(0)
            shape = cls(max(shape.bids, bids or 0), max(shape.asks, asks or 0), shape.has_order_ids or bool(has_ids))
            if max(shape.bids, shape.asks) > MAX_LEVELS:
                raise FormatError(
                    f"a book has {max(shape.bids, shape.asks):,} levels on one side, and a CSV gets a column for each",
                    action="Export as Parquet, which keeps levels in lists.",
                )
        return shape

    def schema(self) -> pl.Schema:
        """The columns of flat frames."""
        flat = {name: _TYPES[part] for name, _, part in self._columns()}
        return pl.Schema(flat | {name: kind for name, kind in CANONICAL["depth10"].items() if name not in _SIDES})

    def flat(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A canonical depth frame with a column for each part of each level, null where the book is not as deep.

        Raises FormatError for a book that is deeper, or has order ids, against the shape.
        """
        found = DepthShape.of([frame])
        if found.bids > self.bids or found.asks > self.asks or found.has_order_ids > self.has_order_ids:
            raise FormatError(
                "the rows changed while they were exported: a book is deeper now", action="Export once more."
            )
        levels = [
            pl.col(f"{side}s").list.get(at, null_on_oob=True).alias(f"{side}_{at}")
            for side, depth in (("bid", self.bids), ("ask", self.asks))
            for at in range(depth)
        ]
        parts = [pl.col(level).struct.field(part).alias(name) for name, level, part in self._columns()]
        others = [name for name in frame.columns if name not in _SIDES]
        return frame.select(*levels, *others).select(*parts, *others)

    def _columns(self) -> list[tuple[str, str, str]]:
        """Name, level and part of each column, in the order of 1.x: prices, sizes, counts, order ids."""
        return [
            (f"{side}_{part}_{at}", f"{side}_{at}", part)
            for part in _TYPES
            if part != "order_id" or self.has_order_ids
            for side, depth in (("bid", self.bids), ("ask", self.asks))
            for at in range(depth)
        ]


def _deepest(side: str) -> pl.Expr:
    return pl.col(side).list.len().max()


def _ids(side: str) -> pl.Expr:
    return (pl.col(side).explode().struct.field("order_id") != 0).any().alias(f"{side}_ids")
