"""Files of a store, of any dialect, as one lazy frame in the canonical schema."""

from collections.abc import Sequence
from functools import reduce
from itertools import groupby
from operator import or_

import polars as pl
import pyarrow as pa
from pyarrow import types

from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.reading.canonical import (
    as_decimals,
    canonical_columns,
    require_columns,
    stored_columns,
    undefined_values,
)
from catalog_app.store.reading.decoding import is_ns_timestamp
from catalog_app.store.reading.physical import Physical, read_physical
from catalog_app.store.reading.uncopied import scan_uncopied
from catalog_app.store.schema import CANONICAL, INT64_MAX, POSITIONS, UINT64_MAX

# What collecting rows may raise beside StoreError where a file's pages are damaged: Polars panics on some of them.
ROW_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

type _Bounds = tuple[tuple[int | None, int | None], Sequence[tuple[int, int]]]

_TIMES = pl.Schema({"ts_event": pl.Int64, "ts_init": pl.Int64})


def scan(
    root: Root,
    paths: Sequence[str],
    data_type: str,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    positions: bool = False,
    sliced: bool = False,
    windows: Sequence[tuple[int, int]] = (),
) -> pl.LazyFrame:
    """A lazy frame over files (below the store's root), in the order given; collect it with the streaming engine.

    Canonical columns of the data type (schema.CANONICAL), whatever each file's dialect, precision and row groups;
    undefined prices and sizes are null. Custom data keeps its columns, with ts_event and ts_init as Int64 last;
    where its files differ in columns, the missing ones are null. Bounds are inclusive on ts_init (ns, UTC); row
    groups outside are not read; with `windows` (inclusive, too) only rows within one of them are. `positions` adds
    `file` (the path) and `row` (position of the row in its file, from 0, before any filter). `sliced` and
    `positions` let a slice of the frame skip the row groups before it, at up to a third more time for a whole scan
    of 1.x files. No paths give an empty frame.

    Raises UnreadableFile for damaged files, UnsupportedFile for those whose columns are not such data's, ValueError
    for an unknown data type. Values that no column of that kind can have, and damaged pages, fail when the frame is
    collected, with one of ROW_ERRORS.
    """
    if data_type != "custom" and data_type not in CANONICAL:
        raise ValueError(f"data type {data_type!r} cannot be scanned; one of {', '.join(CANONICAL)}, custom can")
    if not paths:
        columns = CANONICAL.get(data_type, _TIMES)
        return pl.LazyFrame(schema=pl.Schema({**columns, **POSITIONS}) if positions else columns)
    store = StoreRoot.at(root)
    files = list(zip(paths, read_physical(store, paths), strict=True))
    # By the object: there are few schemas, and comparing them costs more than all the rest.
    stored: dict[int, pa.Schema] = {}
    for path, physical in files:
        schema = physical.schema
        if id(schema) not in stored:
            require_columns(path, data_type, schema)
            stored[id(schema)] = stored_columns(data_type, schema)
    kinds = {schema: number for number, schema in enumerate(stored.values())}
    kind_of = {key: kinds[schema] for key, schema in stored.items()}
    alike = groupby(files, lambda file: (kind_of[id(file[1].schema)], file[1].large_groups))
    bounds = ((start_ns, end_ns), windows)
    options = {"positions": positions, "sliced": sliced}
    parts = [part for _, group in alike for part in _parts(store, list(group), data_type, bounds, **options)]
    if len(parts) == 1:
        return parts[0]
    return pl.concat(parts, how="diagonal_relaxed" if data_type == "custom" else "vertical")


def _parts(
    store: StoreRoot,
    files: list[tuple[str, Physical]],
    data_type: str,
    bounds: _Bounds,
    *,
    positions: bool,
    sliced: bool,
) -> list[pl.LazyFrame]:
    """Files that the same expressions read."""
    schema, large_groups, _ = files[0][1]
    if positions:
        # One scan per file: row numbers then start at 0 in each, and pushed-down filters do not shift them.
        frames = [_stored(store, [path], schema, bounds, positions=True) for path, _ in files]
    else:
        frames = [_stored(store, [path for path, _ in files], schema, bounds, positions=False)]
        undefined = undefined_values(data_type, schema) if large_groups and not sliced else {}
        if undefined:
            layouts = [physical for _, physical in files]
            frames = [scan_uncopied(frames[0], {name: _possible(layouts, name, undefined[name]) for name in undefined})]
            schema = as_decimals(schema, undefined)
    columns = canonical_columns(data_type, schema)
    return [frame.select(*columns, *(POSITIONS if positions else ())) for frame in frames]


def _possible(layouts: list[Physical], column: str, undefined: int) -> int | None:
    """What stands for no value in a 16-byte column, where a file may have it."""
    encoded = undefined.to_bytes(16, "little", signed=True)
    return undefined if any(physical.may_hold(column, encoded) for physical in layouts) else None


def _stored(
    store: StoreRoot,
    paths: list[str],
    schema: pa.Schema,
    bounds: _Bounds,
    *,
    positions: bool,
) -> pl.LazyFrame:
    """Rows within the bounds, as they are stored; with positions it is one file."""
    frame = pl.scan_parquet(
        [store.source(path) for path in paths],
        row_index_name="row" if positions else None,
        extra_columns="ignore",
        glob=False,
        hive_partitioning=False,
        storage_options=store.storage_options,
    )
    (start_ns, end_ns), windows = bounds
    kind = schema.field("ts_init").type
    frame = _between(frame, kind, start_ns, end_ns)
    if windows:
        frame = frame.filter(reduce(or_, (_in_window(kind, *window) for window in windows)))
    if positions:
        frame = frame.with_columns(pl.lit(paths[0]).alias("file"), pl.col("row").cast(pl.Int64))
    return frame


def _between(frame: pl.LazyFrame, kind: pa.DataType, start_ns: int | None, end_ns: int | None) -> pl.LazyFrame:
    """Filter by the stored ts_init, where statistics apply."""
    stored = pl.col("ts_init")
    if start_ns is not None:
        frame = frame.filter(stored >= _stored_time(max(start_ns, 0), kind))
    if end_ns is not None:
        # No row is before 1970: an earlier end leaves none.
        frame = frame.filter(stored <= _stored_time(end_ns, kind) if end_ns >= 0 else pl.lit(False))
    return frame


def _in_window(kind: pa.DataType, start_ns: int, end_ns: int) -> pl.Expr:
    stored = pl.col("ts_init")
    return (stored >= _stored_time(max(start_ns, 0), kind)) & (stored <= _stored_time(max(end_ns, 0), kind))


def _stored_time(ns: int, kind: pa.DataType) -> pl.Expr:
    if types.is_uint64(kind):
        return pl.lit(min(ns, UINT64_MAX), pl.UInt64)
    if is_ns_timestamp(kind):
        return pl.lit(min(ns, INT64_MAX), pl.Datetime("ns", None if kind.tz is None else "UTC"))
    return pl.lit(min(ns, INT64_MAX), pl.Int64)
