"""What the columns of exported rows are, whatever the data type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from catalog_app.store import schema

# Columns of whole nanoseconds, UTC.
TIMES: Final = frozenset({"ts_event", "ts_init", "next_funding_ns"})
# Columns whose numbers stand for names.
NAMES: Final[Mapping[str, Mapping[int, str]]] = {
    "aggressor_side": schema.AGGRESSOR_SIDES,
    "action": schema.BOOK_ACTIONS,
    "side": schema.ORDER_SIDES,
    "close_type": schema.CLOSE_TYPES,
}
# A number without a name is shown as it is: nothing is lost.
_ALL_NAMES: Final = {
    column: {number: names.get(number, str(number)) for number in range(256)} for column, names in NAMES.items()
}


@dataclass(frozen=True, slots=True)
class ExportColumns:
    """The columns of frames to export: their types, and which of them are more than their type says."""

    schema: pl.Schema
    digits: Mapping[str, int]  # raw prices and sizes, with the decimals to show
    names: Mapping[str, Mapping[int, str]]  # enumerations, with the text for every number
    times: frozenset[str]
    level_digits: Mapping[str, int]  # of prices and sizes within bids and asks

    def names_of_levels(self) -> list[str]:
        """The columns that hold levels of a book."""
        return [name for name, kind in self.schema.items() if self.level_digits and kind == pl.List(schema.LEVEL)]


def export_columns(
    data_type: str, price_precision: int, size_precision: int, frames: pl.Schema | None = None
) -> ExportColumns:
    """The columns of a data type's frames; `frames` is their schema where it is not the canonical one."""
    found = schema.CANONICAL[data_type] if frames is None else frames
    if data_type == "custom":
        return ExportColumns(found, {}, {}, frozenset({"ts_event", "ts_init"} & found.keys()), {})
    is_depth = data_type == "depth10"
    prices = _parts(found, "price") if is_depth else schema.PRICE_COLUMNS[data_type]
    sizes = _parts(found, "size") if is_depth else schema.SIZE_COLUMNS[data_type]
    return ExportColumns(
        schema=found,
        digits=dict.fromkeys(prices, price_precision) | dict.fromkeys(sizes, size_precision),
        names={name: names for name, names in _ALL_NAMES.items() if found.get(name) == pl.UInt8},
        times=TIMES & found.keys(),
        level_digits={"price": price_precision, "size": size_precision} if is_depth else {},
    )


def _parts(names: Iterable[str], part: str) -> list[str]:
    """bid_price_0, ask_price_0 … of a flat depth."""
    return [name for name in names if name.startswith((f"bid_{part}_", f"ask_{part}_"))]
