"""The rows on both sides of a gap, read from the store as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from catalog_app.models import Dataset
from catalog_app.services.preview import RowPage, position_at, row_page
from catalog_app.store.errors import StoreError

AROUND = 8


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows before and after a gap, the nearest ones, and how many lie within it by now.

    Where they cannot be read, `problem` says why.
    """

    before: list[dict[str, Any]] = field(default_factory=list)
    after: list[dict[str, Any]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    within: int = 0
    problem: str = ""


def sides_of(dataset: Dataset, span: tuple[int, int]) -> Sides:
    """Read up to AROUND rows on either side of a time (ns UTC, inclusive)."""
    first, last = span
    try:
        begin, until = position_at(dataset, first), position_at(dataset, last + 1)
        # One row more: where no row follows, the position is that of the last row before.
        left = row_page(dataset, begin - AROUND, min(begin, AROUND) + 1)
        right = row_page(dataset, until, AROUND)
    except StoreError as error:
        return Sides(problem=f"{error} Sync the store, then reload.")
    before = [row for row in left.rows if _time(row) < first][-AROUND:]
    after = [row for row in right.rows if _time(row) > last]
    return Sides(before, after, left.kinds or right.kinds, until - begin + _reaches(right, span))


def _reaches(right: RowPage, span: tuple[int, int]) -> bool:
    """Whether the row at the end of a span is in it still, since none follows."""
    return bool(right.rows) and span[0] <= _time(right.rows[0]) <= span[1]


def _time(row: dict[str, Any]) -> int:
    return int(row["ts_init"])
