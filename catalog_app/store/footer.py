"""What a file says about itself, without reading its rows."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from catalog_app.store.dialects import Dialect, detect_data_type, detect_dialect
from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.layout import locate
from catalog_app.store.reading.canonical import require_columns
from catalog_app.store.reading.decoding import is_ns_timestamp
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
    with opened(StoreRoot.at(root), path) as file:
        return _describe(file, path, type_directories)


def _describe(file: pq.ParquetFile, path: str, type_directories: Collection[str]) -> Footer:
    parquet, schema = file.metadata, file.schema_arrow
    if TS_INIT not in schema.names:
        raise UnsupportedFile(path, "it has no ts_init column, so it is not market data written by NautilusTrader")
    located = locate(path)
    data_type = located.data_type or ("" if located.role == "definition" else detect_data_type(schema))
    start_ns, end_ns = _interval(file, path)
    if data_type:
        require_columns(path, data_type, schema)
    metadata = {_text(key): _text(value) for key, value in (schema.metadata or {}).items()}
    return Footer(
        rows=parquet.num_rows,
        row_groups=parquet.num_row_groups,
        start_ns=start_ns,
        end_ns=end_ns,
        dialect=detect_dialect(schema, located.type_directory, type_directories),
        data_type=data_type,
        instrument_id=metadata.get(_INSTRUMENT_ID) or _only_instrument(file),
        bar_type=metadata.get("bar_type"),
        price_precision=_precision(metadata, "price_precision", path),
        size_precision=_precision(metadata, "size_precision", path),
        columns=tuple(schema.names),
        compression=parquet.row_group(0).column(0).compression if parquet.num_row_groups else "",
        supported=bool(data_type),
        metadata=metadata,
    )


def _only_instrument(file: pq.ParquetFile) -> str | None:
    """1.x's Python writer names the instrument of closes and statuses in a column alone: by its statistics."""
    names = file.metadata.schema.names
    if _INSTRUMENT_ID not in names or not file.metadata.num_row_groups:
        return None
    found = set()
    for number in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(number).column(names.index(_INSTRUMENT_ID)).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        found |= {statistics.min, statistics.max}
    only = found.pop()
    return only if not found and isinstance(only, str) else None


def _interval(file: pq.ParquetFile, path: str) -> tuple[int | None, int | None]:
    """Least and greatest ts_init by the row groups' statistics, or by the column where there are none."""
    kind = file.schema_arrow.field(TS_INIT).type
    if not (types.is_uint64(kind) or types.is_int64(kind) or is_ns_timestamp(kind)):
        raise UnsupportedFile(path, f"ts_init is {kind}, not nanoseconds")
    if not file.metadata.num_rows:
        return None, None
    bounds = _statistics(file)
    if bounds is None:
        times = file.read(columns=[TS_INIT]).column(TS_INIT)
        least_greatest = pc.min_max(times.cast(pa.int64(), safe=False))
        bounds = least_greatest["min"].as_py(), least_greatest["max"].as_py()
    if bounds[0] is None or not 0 <= bounds[0] <= bounds[1] <= INT64_MAX:
        raise UnsupportedFile(path, "ts_init has values outside 1970 to 2262, or none")
    return bounds


def _statistics(file: pq.ParquetFile) -> tuple[int, int] | None:
    index = file.metadata.schema.names.index(TS_INIT)
    lows, highs = [], []
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        if not group.num_rows:
            continue
        statistics = group.column(index).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        # Raw 64-bit values: the logical ones of a timestamp would go through pandas.
        lows.append(statistics.min_raw)
        highs.append(statistics.max_raw)
    return (min(lows), max(highs)) if lows else None


def _precision(metadata: dict[str, str], key: str, path: str) -> int | None:
    text = metadata.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > SCALE_DIGITS:
        raise UnsupportedFile(path, f"its metadata gives {key} as {text!r}, not 0 to {SCALE_DIGITS}")
    return int(text)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
