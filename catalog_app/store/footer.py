"""What a file says about itself, without reading its rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from catalog_app.store.dialects import Dialect, detect_data_type, detect_dialect
from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.layout import locate
from catalog_app.store.parquet.row_groups import RowGroup
from catalog_app.store.reading.canonical import require_columns
from catalog_app.store.reading.decoding import is_ns_timestamp
from catalog_app.store.reading.metadata import Metadata, read_metadata
from catalog_app.store.reading.opening import opened
from catalog_app.store.schema import INT64_MAX, SCALE_DIGITS

TS_INIT: Final = "ts_init"
_INSTRUMENT_ID: Final = "instrument_id"


@dataclass(frozen=True, slots=True)
class Footer:
    """A file's own description. start_ns and end_ns are the least and greatest ts_init of its rows (ns, UTC)."""

    rows: int
    row_groups: int
    start_ns: int | None
    end_ns: int | None
    dialect: Dialect
    data_type: str
    instrument_id: str | None
    bar_type: str | None
    price_precision: int | None
    size_precision: int | None
    columns: tuple[str, ...]
    compression: str
    supported: bool  # reader.scan can read it
    metadata: dict[str, str]


def read_footer(root: Root, path: str, *, type_directories: Collection[str] = ()) -> Footer:
    """Read a Parquet file's footer (`path` is below the store's root).

    `type_directories`, the names below the store's data/, tell dialects apart where a file alone does not (see
    detect_dialect). Raises UnreadableFile (missing, empty, truncated, damaged) or UnsupportedFile (no NautilusTrader
    data, or columns that do not fit the directory). Instrument definitions and data of unknown types get a Footer too,
    with supported false.
    """
    store = StoreRoot.at(root)
    return describe(store, read_metadata(store, path), type_directories)


def describe(root: StoreRoot, found: Metadata, type_directories: Collection[str] = ()) -> Footer:
    """The Footer of a file whose metadata were read; see read_footer."""
    path, schema = found.path, found.schema
    if TS_INIT not in schema.names:
        raise UnsupportedFile(path, "it has no ts_init column, so it is not market data written by NautilusTrader")
    located = locate(path)
    data_type = located.data_type or ("" if located.role == "definition" else detect_data_type(schema))
    groups = found.row_groups({TS_INIT, _INSTRUMENT_ID, found.leaves[0]})
    start_ns, end_ns = _interval(root, found, groups)
    if data_type:
        require_columns(path, data_type, schema)
    metadata = {_text(key): _text(value) for key, value in (schema.metadata or {}).items()}
    return Footer(
        rows=found.rows,
        row_groups=len(groups),
        start_ns=start_ns,
        end_ns=end_ns,
        dialect=detect_dialect(schema, located.type_directory, type_directories),
        data_type=data_type,
        instrument_id=metadata.get(_INSTRUMENT_ID) or _only_instrument(found, groups),
        bar_type=metadata.get("bar_type"),
        price_precision=_precision(metadata, "price_precision", path),
        size_precision=_precision(metadata, "size_precision", path),
        columns=tuple(schema.names),
        compression=groups[0].chunks[0].codec if groups else "",
        supported=bool(data_type),
        metadata=metadata,
    )


def _only_instrument(found: Metadata, groups: Sequence[RowGroup]) -> str | None:
    """1.x's Python writer names the instrument of closes and statuses in a column alone: by its statistics."""
    if _INSTRUMENT_ID not in found.leaves or not _is_text(found.schema.field(_INSTRUMENT_ID).type):
        return None
    chunks = [group.chunks[found.leaves.index(_INSTRUMENT_ID)] for group in groups]
    values = {value for chunk in chunks for value in (chunk.low, chunk.high)}
    only = values.pop() if len(values) == 1 else None
    return None if only is None else _text(only)


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(value) or types.is_large_string(value))


def _interval(root: StoreRoot, found: Metadata, groups: Sequence[RowGroup]) -> tuple[int | None, int | None]:
    """Least and greatest ts_init by the row groups' statistics, or by the column where there are none."""
    kind = found.schema.field(TS_INIT).type
    if not (types.is_uint64(kind) or types.is_int64(kind) or is_ns_timestamp(kind)):
        raise UnsupportedFile(found.path, f"ts_init is {kind}, not nanoseconds")
    if not found.rows:
        return None, None
    column = found.leaves.index(TS_INIT)
    intervals = [group.chunks[column].interval for group in groups if group.rows]
    known = [interval for interval in intervals if interval is not None]
    low, high = _bounds_by_rows(root, found.path) if len(known) < len(intervals) else _hull(known)
    if low is None or high is None or not 0 <= low <= high <= INT64_MAX:
        raise UnsupportedFile(found.path, "ts_init has values outside 1970 to 2262, or none")
    return low, high


def _hull(intervals: Sequence[tuple[int, int]]) -> tuple[int | None, int | None]:
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _bounds_by_rows(root: StoreRoot, path: str) -> tuple[int | None, int | None]:
    with opened(root, path) as file:
        times = file.read(columns=[TS_INIT]).column(TS_INIT)
    bounds = pc.min_max(times.cast(pa.int64(), safe=False))
    return bounds["min"].as_py(), bounds["max"].as_py()


def _precision(metadata: dict[str, str], key: str, path: str) -> int | None:
    text = metadata.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > SCALE_DIGITS:
        raise UnsupportedFile(path, f"its metadata gives {key} as {text!r}, not 0 to {SCALE_DIGITS}")
    return int(text)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
