"""Stores of one dataset as each NautilusTrader writes it: directories, columns, compression, row groups."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.inputs.frames import deltas, quotes, trades
from benchmarks.subjects import DELTAS, QUOTES, TRADES, Subject
from benchmarks.work import Workspace
from catalog_app.store.layout import DATA, V1_DIRECTORY, V2_DIRECTORY, Version, format_file_name, identifier
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.store.writing.encoding import to_arrow
from catalog_app.store.writing.row_groups import ROW_GROUP_ROWS

FILES: Final = 20
# 16-byte raw values are units of 10^-16, 8-byte ones of 10^-9.
_TO_8_BYTES: Final = 10**7
_HUGE_FILES: Final = 100
# Of so many rows one stands twice.
_DUPLICATE_EVERY: Final = 1_000


@dataclass(frozen=True, slots=True)
class Form:
    """What a version of NautilusTrader writes."""

    columns: Version
    directories: dict[str, str]
    parquet: dict[str, Any]
    raw_bytes: int = 16


_V1_PARQUET: Final = {"compression": "snappy", "row_group_size": 5_000}
_V2_PARQUET: Final = {
    "compression": "zstd",
    "row_group_size": 131_072,
    "use_dictionary": False,
    "column_encoding": dict.fromkeys(("ts_event", "ts_init"), "DELTA_BINARY_PACKED"),
    "write_page_index": True,
}
FORMS: Final = {
    "v1-16": Form("v1", V1_DIRECTORY, _V1_PARQUET),
    "v1-8": Form("v1", V1_DIRECTORY, _V1_PARQUET, raw_bytes=8),
    "rc4": Form("v1", V2_DIRECTORY, _V1_PARQUET),
    "v2": Form("v2", V2_DIRECTORY, _V2_PARQUET),
    # As the desk writes 1.x, after a recompression for example.
    "v1-16-desk": Form("v1", V1_DIRECTORY, {"compression": "zstd", "row_group_size": ROW_GROUP_ROWS}),
}
_RECORDS: Final = {"quotes": (QUOTES, quotes), "trades": (TRADES, trades), "deltas": (DELTAS, deltas)}


def store(workspace: Workspace, name: str) -> None:
    """`rows` rows in 20 files; `name` is "<records>-<dialect>"."""
    records, _, dialect = name.partition("-")
    subject, frames = _RECORDS[records]
    sizes = workspace.sizes
    write_files(
        workspace.path(name), subject, FORMS[dialect], frames(sizes.rows, sizes.seed, max(sizes.rows // FILES, 1))
    )


def checked_quotes(workspace: Workspace, dialect: str) -> None:
    """`check_rows` quotes in 20 files of a dialect."""
    sizes = workspace.sizes
    frames = quotes(sizes.check_rows, sizes.seed, max(sizes.check_rows // FILES, 1))
    write_files(workspace.path(f"checked-{dialect}"), QUOTES, FORMS[dialect], frames)


def huge_quotes(workspace: Workspace) -> None:
    """`huge_rows` quotes in 100 files as 1.x writes them, one row of a thousand twice: a block again and again."""
    rows = max(workspace.sizes.huge_rows // _HUGE_FILES, 1)
    block = pl.concat(quotes(rows, workspace.sizes.seed))
    kept = pl.int_range(pl.len()) - (pl.int_range(pl.len()) % _DUPLICATE_EVERY == 1).cast(pl.Int64)
    block = block.select(pl.all().gather(kept))
    write_files(workspace.path("huge-quotes"), QUOTES, FORMS["v1-16"], _repeated(block, workspace.sizes.huge_rows))


def write_files(root: Path, subject: Subject, form: Form, frames: Iterable[pl.DataFrame]) -> None:
    """A file of each frame, named by its times."""
    precisions = (subject.price_precision, subject.size_precision)
    schema = arrow_schema(subject.data_type, subject.instrument_id, subject.bar_type, *precisions, form.columns)
    owner = identifier(subject.bar_type or subject.instrument_id)
    directory = root / DATA / form.directories[subject.data_type] / owner
    directory.mkdir(parents=True)
    for frame in frames:
        table = to_arrow(frame, schema)
        name = format_file_name(frame["ts_init"][0], frame["ts_init"][-1])
        pq.write_table(_in_8_bytes(table, frame) if form.raw_bytes == 8 else table, directory / name, **form.parquet)


def _repeated(block: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    step = block["ts_init"][-1] - block["ts_init"][0] + 1
    for number in range(-(-rows // block.height)):
        shifted = block.with_columns(pl.col("ts_event", "ts_init") + number * step)
        yield shifted.head(rows - number * block.height)


def _in_8_bytes(table: pa.Table, frame: pl.DataFrame) -> pa.Table:
    """Raw values as 64-bit integers at the smaller scale."""
    kind = pa.binary(8)
    for at, field in enumerate(table.schema):
        if pa.types.is_fixed_size_binary(field.type):
            numbers = (frame[field.name] // _TO_8_BYTES).cast(pl.Int64).to_numpy()
            array = pa.FixedSizeBinaryArray.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
            table = table.set_column(at, pa.field(field.name, kind, nullable=False), array)
    return table
