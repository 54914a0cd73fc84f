"""Rows of a dataset for the eye: any page of any file, exact."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.store import reader, schema
from catalog_app.store.decimals import decimal_text
from catalog_app.store.errors import UnreadableFile

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class RowPage:
    """Up to PAGE_ROWS rows from `position` on, as the files hold them.

    `columns` are the canonical columns; in `rows` prices and sizes are exact text, times are ns UTC,
    followed by the file's path and the row's position in that file.
    """

    position: int
    total: int
    columns: list[str]
    rows: list[dict[str, object]]

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
    except (pl.exceptions.PolarsError, OSError) as error:
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
            scanned = reader.scan(Path(dataset.store.root), [file.path], dataset.data_type, positions=True)
            frames.append(read(scanned.slice(first, last - first), file.path))
        before += rows
    columns = list(schema.CANONICAL[dataset.data_type])
    shown = _as_text(pl.concat(frames), dataset).to_dicts() if frames else []
    return RowPage(begin, total, columns, shown)


def position_at(dataset: Dataset, at_ns: int) -> int:
    """The position of the first row whose ts_init is at or after a time (ns UTC); the last row when none is."""
    before = 0
    for file in readable_files(dataset):
        if (file.end_ns or 0) >= at_ns:
            scanned = reader.scan(
                Path(dataset.store.root), [file.path], dataset.data_type, start_ns=at_ns, positions=True
            )
            row = read(scanned.select(pl.col("row").min()), file.path).item()
            if row is not None:
                return before + int(row)
        before += file.rows or 0
    return max(before - 1, 0)


def _as_text(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Prices and sizes as exact text in the declared precision; values finer than that show every digit."""
    prices, sizes = schema.PRICE_COLUMNS[dataset.data_type], schema.SIZE_COLUMNS[dataset.data_type]
    return frame.with_columns(
        *(decimal_text(pl.col(name), dataset.price_precision or 0) for name in prices),
        *(decimal_text(pl.col(name), dataset.size_precision or 0) for name in sizes),
    )
