"""Where rows for a gap come from: the same data elsewhere, or bars built from finer data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db.models import Q

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.store.bar_type import BarType, parse_bar_type
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance import Pinned
from catalog_app.store.maintenance.repair import require_pinned
from catalog_app.store.maintenance.sources import Source, read_contents
from quality_app.gaps.building import INGREDIENTS, build_bars
from quality_app.models import Gap, GapFill
from quality_app.services.gaps.filling.near import read_rows, rows_after, rows_before, times_within

# Rows that are held in memory at once.
PIECE_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """How bars of the target come about from a source's rows; `grid_ns` is any close of theirs."""

    price_type: str
    interval_ns: int
    grid_ns: int


def recipe_for(target: Dataset, source: Dataset, grid_ns: int) -> Recipe | None:
    """How to build the target's bars from a source; None where it holds the same kind of rows.

    Raises:
        StoreError: they cannot be built from it.

    """
    if (source.data_type, source.timeframe) == (target.data_type, target.timeframe):
        return None
    wanted = bar_type_of(target)
    if wanted is None or wanted.interval_ns is None:
        raise StoreError(f"{target.title}: only bars of a fixed length can be built from other data.")
    if source.data_type not in INGREDIENTS.get(wanted.price_type, ()):
        raise StoreError(f"{source.title}: no {wanted.price_type} bars can be built from it.")
    if source.data_type == DataType.BAR:
        finer = bar_type_of(source)
        interval = finer.interval_ns if finer else None
        is_finer = interval is not None and interval < wanted.interval_ns and wanted.interval_ns % interval == 0
        if finer is None or finer.price_type != wanted.price_type or not is_finer:
            raise StoreError(f"{source.title}: its bars cannot be joined to {target.timeframe}.")
    return Recipe(wanted.price_type, wanted.interval_ns, grid_ns)


def bar_type_of(dataset: Dataset) -> BarType | None:
    """The parts of a dataset's bar type; None for other data."""
    try:
        return parse_bar_type(dataset.bar_type) if dataset.bar_type else None
    except ValueError:
        return None


class FillSource:
    """A dataset that rows are taken from: as they are, or built into bars.

    Raises:
        StoreError: it holds no readable file.

    """

    def __init__(self, dataset: Dataset, recipe: Recipe | None) -> None:
        self.dataset, self.recipe = dataset, recipe
        self.root = StoreRoot.at(dataset.store.root)
        self.files: list[Source] = read_contents(self.root, dataset.path).sources
        if not self.files:
            raise StoreError(f"{dataset.title} in {dataset.store}: no file of it can be read.")
        self._holes = self._known_holes() if recipe else []

    @property
    def kind(self) -> str:
        """A kind of GapFill."""
        return GapFill.Kind.BUILT if self.recipe else GapFill.Kind.DATASET

    @property
    def first_ns(self) -> int:
        return min(file.start_ns for file in self.files)

    @property
    def last_ns(self) -> int:
        return max(file.end_ns for file in self.files)

    def pinned(self, low: int, high: int) -> list[Pinned]:
        """The files, as they are now, that the rows of a range come from."""
        low -= self.recipe.interval_ns if self.recipe else 0
        found = [one for one in self.files if one.start_ns <= high and one.end_ns >= low]
        return [Pinned(one.path, one.size_bytes, one.mtime_ns) for one in found]

    def pieces(self, low: int, high: int) -> Iterator[pl.DataFrame]:
        """Canonical rows of the target's type with low ≤ ts_init ≤ high, in order, whole instants at a time."""
        for first, last in self._cuts(low, high):
            if self.recipe is None:
                frame = read_rows(self.root, self.files, self.dataset.data_type, first, last)
            else:
                frame = self._built(first, last, self.recipe)
            if frame.height:
                yield frame

    def around(self, low: int, high: int, count: int) -> pl.DataFrame:
        """Up to `count` rows on either side of low … high, in order: to compare with those of the target."""
        if self.recipe is None:
            kind = self.dataset.data_type
            before = rows_before(self.root, self.files, kind, low, count)
            return pl.concat([before, rows_after(self.root, self.files, kind, high, count)])
        reach = count * self.recipe.interval_ns
        sides = [*self.pieces(low - reach, low - 1), *self.pieces(high + 1, high + reach)]
        return pl.concat(sides) if sides else self._built(low, low - 1, self.recipe)

    def count(self, low: int, high: int) -> int:
        """How many of the source's own rows the range has."""
        return len(times_within(self.root, self.files, self.dataset.data_type, low, high))

    def _cuts(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """A range in parts of at most PIECE_ROWS rows, cut between bars."""
        interval = self.recipe.interval_ns if self.recipe else 1
        if high - low < interval or self.count(low - interval + 1, high) <= PIECE_ROWS:
            yield low, high
            return
        middle = low + (high - low) // 2
        if self.recipe:
            middle = self.recipe.grid_ns - ((self.recipe.grid_ns - middle) // interval) * interval
            if middle >= high:
                yield low, high
                return
        yield from self._cuts(low, middle)
        yield from self._cuts(middle + 1, high)

    def _built(self, low: int, high: int, recipe: Recipe) -> pl.DataFrame:
        """Bars that close in the range and whose whole time the source covers, as far as it is known to."""
        interval, kind = recipe.interval_ns, self.dataset.data_type
        rows = read_rows(self.root, self.files, kind, low - interval + 1, high)
        bars = build_bars(rows, kind, recipe.price_type, interval, recipe.grid_ns)
        finer = bar_type_of(self.dataset)
        begins = self.first_ns - ((finer.interval_ns or 0) if finer else 0)
        close = pl.col("ts_init")
        whole = close.is_between(low, high) & (close - interval >= begins) & (close <= self.last_ns)
        for hole_low, hole_high in self._holes:
            if hole_low <= high and hole_high > low - interval:
                whole &= (close <= hole_low) | (close - interval >= hole_high)
        return bars.filter(whole)

    def _known_holes(self) -> list[tuple[int, int]]:
        """Times that the source is known to miss: bars that reach into them would be made of a part."""
        finer = bar_type_of(self.dataset)
        back = (finer.interval_ns or 0) if finer else 0
        missing = Gap.objects.filter(dataset=self.dataset).unexplained()
        return [(low - back, high) for low, high in missing.values_list("start_ns", "end_ns")]


def require_same(root: StoreRoot, files: Sequence[Pinned], whose: str) -> None:
    """Raise ConcurrentChange unless the files are still those of the preview."""
    try:
        require_pinned(root, files)
    except ConcurrentChange as error:
        raise ConcurrentChange(
            f"{error.args[0].split(':')[0]}: this file of {whose} changed since the preview, so nothing was written. "
            "Preview it again."
        ) from None


def identity_of(source: FillSource, files: Sequence[Pinned]) -> dict[str, Any]:
    """What GapFill keeps of a source: which dataset, and the identity of every file that was read."""
    dataset = source.dataset
    return {
        "datasetId": str(dataset.pk),
        "dataset": dataset.title,
        "store": dataset.store.name,
        "path": dataset.path,
        "files": [{"path": one.path, "size": one.size_bytes, "mtimeNs": str(one.mtime_ns)} for one in files],
    }


def finer_data(target: Dataset) -> Q:
    """Which datasets of an instrument the target's bars might be built from."""
    wanted = bar_type_of(target)
    if wanted is None or wanted.interval_ns is None:
        return Q(pk__in=())
    return Q(data_type__in=INGREDIENTS.get(wanted.price_type, ())) & ~Q(timeframe=target.timeframe, data_type="bar")
