"""Rows of a dataset for the eye: any page of any file, of any data type, exact."""

from dataclasses import dataclass

import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services.row_text import as_text, kind_of
from catalog_app.store import reader, schema
from catalog_app.store.errors import UnreadableFile

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class RowPage:
    """Up to PAGE_ROWS rows from `position` on, as the files hold them.

    `columns` are the canonical columns, of custom data its own; in `rows` prices and sizes are exact text and times
    ns UTC (see row_text), followed by the file's path and the row's position in that file. `kinds` says how a column
    is to be read: time, number, name, levels or text.
    """

    position: int
    total: int
    columns: list[str]
    rows: list[dict[str, object]]
    kinds: dict[str, str]

    @property
    def last(self) -> int:
        """Position of the last row shown."""
        return self.position + len(self.rows) - 1

    @property
    def previous(self) -> int | None:
        """Position of the page before, None on the first."""
        return max(self.position - PAGE_ROWS, 0) if self.position > 0 else None

    @property
    def next(self) -> int | None:
        """Position of the page after, None on the last."""
        return self.position + PAGE_ROWS if self.position + PAGE_ROWS < self.total else None


def readable_files(dataset: Dataset) -> list[DataFile]:
    """The dataset's files that hold rows and can be read, in the order of time."""
    found = dataset.files.filter(state=IndexState.OK, rows__gt=0, start_ns__isnull=False)
    return list(found.order_by("start_ns", "path"))


def read(frame: pl.LazyFrame, path: str) -> pl.DataFrame:
    """Collect by streaming; damage that shows only in the data pages becomes UnreadableFile of `path`."""
    try:
        return frame.collect(engine="streaming")
    except reader.ROW_ERRORS as error:
        raise UnreadableFile(path, f"its rows cannot be read ({error})") from error


def row_page(dataset: Dataset, position: int, limit: int = PAGE_ROWS) -> RowPage:
    """Up to `limit` rows from `position` on, counted over all readable files; clamped to what there is.

    Raises:
        StoreError: when a file cannot be read (it changed or vanished since the last sync).

    """
    files = readable_files(dataset)
    total = sum(file.rows or 0 for file in files)
    begin = min(max(position, 0), max(total - 1, 0))
    frames, before = [], 0
    for file in files:
        rows = file.rows or 0
        first, last = max(begin - before, 0), min(begin + limit - before, rows)
        if first < last:
            scanned = reader.scan(dataset.store.root, [file.path], dataset.data_type, positions=True)
            frames.append(read(scanned.slice(first, last - first), file.path))
        before += rows
    # Files of custom data need not have the same columns.
    shown = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    canonical = schema.CANONICAL.get(dataset.data_type)
    columns = list(canonical) if canonical else [name for name in shown.columns if name not in schema.POSITIONS]
    kinds = {name: kind_of(name, shown.schema.get(name), dataset.data_type) for name in columns}
    return RowPage(begin, total, columns, as_text(shown, dataset), kinds)


def position_at(dataset: Dataset, at_ns: int) -> int:
    """The position of the first row whose ts_init is at or after a time (ns UTC); the last row when none is."""
    before = 0
    for file in readable_files(dataset):
        if (file.end_ns or 0) >= at_ns:
            scanned = reader.scan(dataset.store.root, [file.path], dataset.data_type, start_ns=at_ns, positions=True)
            row = read(scanned.select(pl.col("row").min()), file.path).item()
            if row is not None:
                return before + int(row)
        before += file.rows or 0
    return max(before - 1, 0)
