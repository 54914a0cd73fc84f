"""Putting known defects into a frame: where, how, and what is true of it afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.check import CheckContext

Rows = npt.NDArray[np.int64]
Random = np.random.Generator

# The row of the sound frame that a row was; null for rows that were put in.
ORIGIN: Final = "_origin"
# Of so many rows one is broken: further apart than any window reaches, so that defects do not excuse each other.
SPACING: Final = 200


@dataclass(frozen=True, slots=True)
class Site:
    """A sound frame with ORIGIN, what is known of it, the least raw price step, and where chance comes from."""

    frame: pl.DataFrame
    context: CheckContext
    tick: int
    random: Random

    def places(self, spacing: int = SPACING, *, allowed: pl.Series | None = None) -> Rows:
        """Return rows to break, in order and far apart, of those allowed; none where there is too little room."""
        count = len(self.frame) // spacing
        aside = self.random.integers(spacing // 4, spacing - spacing // 4, count)
        rows = np.arange(count) * spacing + aside
        return rows if allowed is None else rows[allowed.to_numpy()[rows]]

    def some(self, allowed: pl.Series, every: int) -> Rows:
        """Return every so-many-th of the allowed rows, for defects that no window sees."""
        rows = allowed.arg_true().to_numpy().astype(np.int64)
        return rows[int(self.random.integers(0, every)) :: every]


@dataclass(frozen=True, slots=True)
class Broken:
    """A frame after it was broken: `rows` are the violating ones, all and only; `around` may be flagged, or not."""

    frame: pl.DataFrame
    rows: Rows
    around: Rows = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Defect:
    """A kind of defect.

    finds: the checks that must find each row, as far as they run on such data. may_flag: checks that rightly flag the
    broken rows (and those around) too. spoils: checks of which nothing can be said then, since the defect changes what
    is true of other rows. Every other flag that the sound data did not have is a false one. No `finds` is the reverse
    test: nothing may be flagged at all.
    """

    name: str
    data_types: tuple[str, ...]
    finds: tuple[str, ...]
    put: Callable[[Site], Broken | None]
    may_flag: tuple[str, ...] = ()
    spoils: tuple[str, ...] = ()


def edit(frame: pl.DataFrame, rows: Rows, columns: Mapping[str, pl.Expr | pl.Series]) -> pl.DataFrame:
    """Set columns in some rows, all at once: expressions over the frame, or values in the order of the rows."""
    chosen = pl.int_range(pl.len(), dtype=pl.Int64).is_in(pl.lit(pl.Series(rows)).implode())
    changed = []
    for name, new in columns.items():
        value = new if isinstance(new, pl.Expr) else pl.lit(frame[name].clone().scatter(rows, new))
        cell = pl.when(chosen).then(value).otherwise(pl.col(name))
        changed.append(cell.cast(frame.schema[name]).alias(name))
    return frame.with_columns(changed)


def insert(frame: pl.DataFrame, after: Rows, new: pl.DataFrame) -> tuple[pl.DataFrame, Rows]:
    """Put rows in, each behind a row of the frame (in order); returns their new positions too."""
    place = np.concatenate([np.arange(len(frame)) * 2, after * 2 + 1])
    order = np.argsort(place, kind="stable")
    added = new.with_columns(pl.lit(None, frame.schema[ORIGIN]).alias(ORIGIN)).select(frame.columns).cast(frame.schema)
    return pl.concat([frame, added])[order], np.flatnonzero(order >= len(frame))


def raw(value: int) -> pl.Expr:
    """A raw price or size."""
    return pl.lit(value, dtype=pl.Int128)


def integers(values: Rows | list[int]) -> pl.Series:
    """Raw prices or sizes, one per row."""
    return pl.Series(values, dtype=pl.Int128)
