"""What any data type is exported as, and one way to open a writer for it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from catalog_app.formats.depth import DepthShape
from catalog_app.formats.errors import FormatError
from catalog_app.formats.parquet_export import PARQUET_COMPRESSIONS, ParquetExportWriter
from catalog_app.formats.text_export import CSV_COMPRESSIONS, CsvWriter

# Format -> its compressions, the default first.
EXPORT_FORMATS: Final = {"csv": CSV_COMPRESSIONS, "parquet": PARQUET_COMPRESSIONS}
# Rows of a batch; those of depths and custom data may be as wide as a hundred others.
_BATCH_ROWS: Final = 131_072
_WIDE_BATCH_ROWS: Final = 16_384


def export_frames(
    fmt: str, data_type: str, rows: pl.LazyFrame, check: Callable[[], None]
) -> tuple[pl.Schema, Iterator[pl.DataFrame]]:
    """The frames to write, in order, of the rows of `reader.scan`, and their schema; none is held longer than needed.

    A CSV has a column for each level of a book: rows of depth10 are read once before, to count levels. `check` is
    called between batches of that, to stop it. Raises FormatError when a book has too many levels.
    """
    if (fmt, data_type) != ("csv", "depth10"):
        return rows.collect_schema(), _batches(rows, data_type)
    shape = DepthShape.of(_checked(_batches(rows.select("bids", "asks"), data_type), check))
    return shape.schema(), map(shape.flat, _batches(rows, data_type))


def _checked(frames: Iterator[pl.DataFrame], check: Callable[[], None]) -> Iterator[pl.DataFrame]:
    for frame in frames:
        check()
        yield frame


def _batches(rows: pl.LazyFrame, data_type: str) -> Iterator[pl.DataFrame]:
    size = _WIDE_BATCH_ROWS if data_type in {"depth10", "custom"} else _BATCH_ROWS
    return rows.collect_batches(chunk_size=size, maintain_order=True)


def open_writer(
    fmt: str,
    path: Path,
    data_type: str,
    *,
    price_precision: int,
    size_precision: int,
    metadata: Mapping[str, str] | None = None,
    compression: str | None = None,
    timestamp_format: str = "iso",
    schema: pl.Schema | None = None,
) -> CsvWriter | ParquetExportWriter:
    """A writer for "csv" or "parquet": `with open_writer(…) as writer: writer.write(frame)`, frames in order.

    They are of `schema`, as `export_frames` gives both, or else canonical. `timestamp_format` (iso or epoch_ns) is for
    CSV, `metadata` for Parquet. Raises FormatError for a format or compression that does not exist. The file is whole
    only after the with block ended without an error.
    """
    if fmt not in EXPORT_FORMATS:
        raise FormatError(f"{fmt!r} is no export format", action=f"Choose one of {', '.join(EXPORT_FORMATS)}.")
    if fmt == "csv":
        return CsvWriter(
            path,
            data_type,
            price_precision=price_precision,
            size_precision=size_precision,
            compression=compression or CSV_COMPRESSIONS[0],
            timestamp_format=timestamp_format,
            schema=schema,
        )
    return ParquetExportWriter(
        path,
        data_type,
        price_precision=price_precision,
        size_precision=size_precision,
        metadata=metadata,
        compression=compression or PARQUET_COMPRESSIONS[0],
        schema=schema,
    )


def file_extension(fmt: str, compression: str | None = None) -> str:
    """ ".csv", ".csv.gz" or ".parquet"."""
    return f".{fmt}.gz" if (fmt, compression) == ("csv", "gzip") else f".{fmt}"
