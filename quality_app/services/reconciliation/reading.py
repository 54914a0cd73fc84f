"""Read a source of a reconciliation: surveyed over its times, then piece by piece as a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services.errors import JobFailed
from catalog_app.store import reader
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.models import ReconciliationSource
from quality_app.reconcile.series import series_of, to_bars, whole_bars
from quality_app.reconcile.survey import Survey
from quality_app.services.context import data_files, identities, interval_of, require_unchanged

BATCH_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars that all sources are brought to: length and origin of their closes, ns."""

    interval_ns: int
    origin_ns: int


class SourceReader:
    """One source: its files, and its rows as a series of prices in grains."""

    def __init__(self, source: ReconciliationSource) -> None:
        self.source = source
        self.dataset: Dataset = source.dataset
        self.root = StoreRoot.at(self.dataset.store.root)
        self.interval_ns = interval_of(self.dataset)
        indexed = data_files(self.dataset)
        self.files = [file for file in indexed if file.state == IndexState.OK and file.rows]
        self.unreadable = [file.path for file in indexed if file.state != IndexState.OK]
        if not self.files:
            raise JobFailed(f"{source.label}: no file can be read. Sync its store, or take it out of the comparison.")
        for file in self.files:
            require_unchanged(self.root, file)

    @property
    def first_ns(self) -> int:
        """First time by the index, shifted."""
        return min(file.start_ns or 0 for file in self.files) + self.source.shift_ns

    @property
    def last_ns(self) -> int:
        """Last time by the index, shifted."""
        return max(file.end_ns or 0 for file in self.files) + self.source.shift_ns

    @property
    def identities(self) -> list[dict[str, object]]:
        """What pins the content that is read."""
        return identities(self.files)

    def survey(self, start_ns: int, end_ns: int, told: Callable[[int], None]) -> Survey:
        """Look at the times in (start, end]; `told` is called with the number of rows of each batch."""
        survey = Survey(start_ns, end_ns)
        for file in self._within(start_ns, end_ns):
            frame = self._scan([file.path], start_ns, end_ns, positions=False).select("ts_init")
            try:
                for batch in frame.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming"):
                    survey.feed(
                        np.asarray(batch["ts_init"].to_numpy(), np.int64) + self.source.shift_ns, self.interval_ns
                    )
                    told(len(batch))
            except (StoreError, *reader.ROW_ERRORS) as error:
                raise self._broken(error) from error
        return survey

    def is_built(self, bars: Bars | None) -> bool:
        """Whether its bars are built here; raises JobFailed where its own bars do not fit into them."""
        if bars is None or self.interval_ns == bars.interval_ns:
            return False
        if self.dataset.data_type == "bar" and (self.interval_ns is None or bars.interval_ns % self.interval_ns):
            raise JobFailed(
                f"{self.source.label}: its bars cannot be joined to the length that is compared. "
                "Choose a length that all bars divide."
            )
        return True

    def series(self, after_ns: int, until_ns: int, grain: int, bars: Bars | None) -> pl.DataFrame:
        """Return the rows in (after, until], or the bars built from them; the ends must lie on the bars' grid."""
        paths = [file.path for file in self._within(after_ns, until_ns)]
        price: Any = self.source.price
        try:
            rows = self._scan(paths, after_ns, until_ns, positions=True)
            found = series_of(rows, self.dataset.data_type, price, grain, self.source.shift_ns)
            frame = found.collect(engine="streaming")
        except (StoreError, *reader.ROW_ERRORS) as error:
            raise self._broken(error) from error
        if not frame["ts"].is_sorted():
            frame = frame.sort("ts", maintain_order=True)
        if bars is None or not self.is_built(bars):
            return frame
        built = to_bars(frame, bars.interval_ns, bars.origin_ns)
        return whole_bars(built, bars.interval_ns, self.first_ns - (self.interval_ns or 0), self.last_ns)

    def span(self, survey: Survey, bars: Bars | None) -> tuple[int, int]:
        """Return the first and last time that the source can have in the comparison; an empty one has (1, 0)."""
        if survey.first_ns is None or survey.last_ns is None:
            return 1, 0
        if bars is None or not self.is_built(bars):
            return survey.first_ns, survey.last_ns
        opens = survey.first_ns - (self.interval_ns or 0)
        first = bars.origin_ns - ((bars.origin_ns - opens) // bars.interval_ns) * bars.interval_ns
        last = bars.origin_ns + ((survey.last_ns - bars.origin_ns) // bars.interval_ns) * bars.interval_ns
        return first + bars.interval_ns, last

    def _within(self, after_ns: int, until_ns: int) -> list[DataFile]:
        shift = self.source.shift_ns
        return [f for f in self.files if (f.end_ns or 0) + shift > after_ns and (f.start_ns or 0) + shift <= until_ns]

    def _scan(self, paths: list[str], after_ns: int, until_ns: int, *, positions: bool) -> pl.LazyFrame:
        shift = self.source.shift_ns
        first, last = after_ns - shift + 1, until_ns - shift
        kind = self.dataset.data_type
        return reader.scan(self.root, paths, kind, positions=positions, start_ns=first, end_ns=last)

    def _broken(self, error: BaseException) -> JobFailed:
        return JobFailed(f"{self.source.label} cannot be read: {error}. Validate the dataset for details.")
