"""The dataset that is filled: its files, the rows beside a gap, and what new rows must fit to."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import polars as pl
import pyarrow as pa

from catalog_app.models import Dataset
from catalog_app.store.decimals import parse_raw
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance.sources import Contents, Source, read_contents
from catalog_app.store.schema import CANONICAL
from quality_app.gaps.seams import CONTEXT_ROWS, Terms
from quality_app.services.context import interval_of
from quality_app.services.gaps.filling.near import rows_after, rows_before, times_within
from quality_app.services.gaps.filling.spans import Span


class Target:
    """The dataset's directory as it is now.

    Raises:
        StoreError: rows of this kind are not written, or the directory is not in order.

    """

    def __init__(self, dataset: Dataset, root: StoreRoot | None = None) -> None:
        if dataset.data_type not in CANONICAL:
            raise StoreError(f"{dataset.title}: rows of custom data are not filled; import them instead.")
        self.dataset = dataset
        self.root = root or StoreRoot.at(dataset.store.root)
        self.contents: Contents = read_contents(self.root, dataset.path)
        self.files = self.contents.sources
        if not self.files:
            raise StoreError(f"{dataset.path}: no file of it can be read.")
        if any(pa.binary(8) in file.schema.types for file in self.files):
            raise StoreError(f"{dataset.path}: its values are stored in 8 bytes; convert the store before filling it.")
        self.interval_ns = interval_of(dataset)

    def require_disjoint(self, span: Span) -> None:
        """StoreError where files overlap each other, or cannot be read, where the rows would go."""
        near = [one for one in self.files if one.start_ns <= span.last_ns and one.end_ns >= span.first_ns]
        for before, after in pairwise(near):
            if after.start_ns <= before.end_ns:
                raise StoreError(f"{before.name} and {after.name} overlap. Split overlapping files first.")
        for one in self.contents.left_alone:
            if one.interval is None or (one.interval[0] <= span.last_ns and one.interval[1] >= span.first_ns):
                raise StoreError(
                    f"{one.path}: {one.reason}. Its rows may be the missing ones: mend or remove it first."
                )

    def nearest(self, at_ns: int) -> Source:
        """The file whose form new rows near a time get: the one before, else the first."""
        at = bisect_left([file.start_ns for file in self.files], at_ns)
        return self.files[max(at - 1, 0)]

    def terms(self, span: Span) -> Terms:
        """What rows of a span must fit to."""
        form = self.nearest(span.first_ns)
        definition = self.dataset.definition
        price, size = (digits(form, f"{name}_precision") for name in ("price", "size"))
        return Terms(
            self.dataset.data_type,
            price or 0,
            size or 0,
            _raw(definition.price_increment) if definition else None,
            _raw(definition.size_increment) if definition else None,
            self.interval_ns,
            span.first_ns if self.interval_ns else None,
        )

    def sides(self, span: Span) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows before and after a span, nearest last and first."""
        inner = 1 if span.is_exact else 0
        kind = self.dataset.data_type
        before = rows_before(self.root, self.files, kind, span.first_ns + inner, CONTEXT_ROWS)
        return before, rows_after(self.root, self.files, kind, span.last_ns - inner, CONTEXT_ROWS)

    def present(self, span: Span) -> pl.Series:
        """The ts_init of rows that are within a span already."""
        return times_within(self.root, self.files, self.dataset.data_type, span.first_ns, span.last_ns)


def digits(source: Source, key: str) -> int | None:
    """A precision of a file's metadata."""
    text = source.metadata(key)
    return int(text) if text is not None and text.isdecimal() else None


def _raw(increment: str) -> int | None:
    try:
        return parse_raw(increment) if increment else None
    except ValueError:
        return None
