"""Files of a store as one lazy frame in the canonical schema."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.dialects import SCANNED_DIALECTS, SCANNED_TYPES, detect_dialect, expected_types
from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.layout import locate
from catalog_app.store.schema import CANONICAL, INT128_MAX, POSITIONS, PRICE_COLUMNS, SIZE_COLUMNS, UINT64_MAX


def scan(
    root: Path,
    paths: Sequence[str],
    data_type: str,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    positions: bool = False,
) -> pl.LazyFrame:
    """A lazy frame over files (below the store's root), in the order given; collect it with the streaming engine.

    Canonical columns of "quote", "trade" or "bar"; undefined prices and sizes are null. Bounds are inclusive on
    ts_init (ns, UTC); row groups outside are not read. `positions` adds `file` (the path) and `row` (position of the
    row in its file, from 0, before any filter). No paths give an empty frame.

    Raises UnsupportedFile for other data types and dialects, UnreadableFile for damaged files.
    """
    schema = CANONICAL.get(data_type)
    if schema is None:
        raise ValueError(f"data type {data_type!r} cannot be scanned; one of {', '.join(CANONICAL)} can")
    if not paths:
        return pl.LazyFrame(schema=pl.Schema({**schema, **POSITIONS}) if positions else schema)
    for path in paths:
        _require_readable(Path(root), path, data_type)
    if positions:
        # One scan per file: row numbers then start at 0 in each, and pushed-down filters do not shift them.
        parts = [
            _canonical(
                pl.scan_parquet(root / path, row_index_name="row", extra_columns="ignore", glob=False),
                data_type,
                start_ns,
                end_ns,
            ).select(*schema.names(), pl.lit(path).alias("file"), pl.col("row").cast(pl.Int64))
            for path in paths
        ]
        return pl.concat(parts, how="vertical")
    files = [root / path for path in paths]
    frame = _canonical(pl.scan_parquet(files, extra_columns="ignore", glob=False), data_type, start_ns, end_ns)
    return frame.select(schema.names())


def _canonical(frame: pl.LazyFrame, data_type: str, start_ns: int | None, end_ns: int | None) -> pl.LazyFrame:
    """Filter by the stored ts_init, where statistics apply, then reinterpret the columns."""
    stored = pl.col("ts_init")
    if start_ns is not None:
        frame = frame.filter(stored >= pl.lit(min(max(start_ns, 0), UINT64_MAX), pl.UInt64))
    if end_ns is not None:
        # No row is before 1970: an earlier end leaves none.
        frame = (
            frame.filter(stored <= pl.lit(min(end_ns, UINT64_MAX), pl.UInt64))
            if end_ns >= 0
            else frame.filter(pl.lit(False))
        )
    undefined_price = pl.lit(INT128_MAX, pl.Int128)
    undefined_size = pl.lit(-1, pl.Int128)  # UINT128_MAX
    return frame.with_columns(
        *(_raw(name, undefined_price) for name in PRICE_COLUMNS[data_type]),
        *(_raw(name, undefined_size) for name in SIZE_COLUMNS[data_type]),
        pl.col("ts_event", "ts_init").reinterpret(signed=True),
    )


def _raw(name: str, undefined: pl.Expr) -> pl.Expr:
    raw = pl.col(name).bin.reinterpret(dtype=pl.Int128, endianness="little")
    return pl.when(raw != undefined).then(raw).alias(name)


def _require_readable(root: Path, path: str, data_type: str) -> None:
    try:
        schema = pq.read_schema(root / path)
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(path, f"not a whole Parquet file ({error})") from error
    if "ts_init" not in schema.names:
        raise UnsupportedFile(path, "it has no ts_init column")
    dialect = detect_dialect(schema, locate(path).type_directory)
    if data_type not in SCANNED_TYPES or dialect not in SCANNED_DIALECTS:
        raise UnsupportedFile(path, f"{data_type} data in the dialect {dialect} cannot be read yet")
    for name, kind in expected_types(data_type, dialect).items():
        if name not in schema.names or schema.field(name).type != kind:
            raise UnsupportedFile(path, f"its columns are not those of {data_type} data ({name} is missing or differs)")
