"""One way to open a writer for an export file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from catalog_app.formats.errors import FormatError
from catalog_app.formats.parquet_export import PARQUET_COMPRESSIONS, ParquetExportWriter
from catalog_app.formats.text_export import CSV_COMPRESSIONS, CsvWriter

# Format -> its compressions, the default first.
EXPORT_FORMATS: Final = {"csv": CSV_COMPRESSIONS, "parquet": PARQUET_COMPRESSIONS}


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
) -> CsvWriter | ParquetExportWriter:
    """A writer for "csv" or "parquet": `with open_writer(…) as writer: writer.write(frame)`, canonical frames in order.

    `timestamp_format` (iso or epoch_ns) is for CSV, `metadata` for Parquet. Raises FormatError for a format or
    compression that does not exist. The file is whole only after the with block ended without an error.
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
        )
    return ParquetExportWriter(
        path,
        data_type,
        price_precision=price_precision,
        size_precision=size_precision,
        metadata=metadata,
        compression=compression or PARQUET_COMPRESSIONS[0],
    )


def file_extension(fmt: str, compression: str | None = None) -> str:
    """ ".csv", ".csv.gz" or ".parquet"."""
    return f".{fmt}.gz" if (fmt, compression) == ("csv", "gzip") else f".{fmt}"
