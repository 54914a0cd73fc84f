"""A file's footer: its schema, and what it says about row groups."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.footer import (
    KEY_VALUES,
    MAGIC,
    NUM_ROWS,
    RawFooter,
    damage_named,
    encode_key_values,
    join,
    key_values,
    read_raw_footer,
    split,
)
from catalog_app.store.parquet.row_groups import RowGroup, RowGroups
from catalog_app.store.reading.opening import explained

_ARROW_SCHEMA: Final = b"ARROW:schema"


class Columns(NamedTuple):
    """The columns of a file: as Arrow has them, and those that hold values (leaves), nested ones by their last name,
    with their physical types.
    """

    schema: pa.Schema
    leaves: tuple[str, ...]
    physical_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    """A Parquet file by its footer. `schema` has the file's metadata."""

    path: str
    rows: int
    schema: pa.Schema
    columns: Columns
    groups: RowGroups

    @property
    def leaves(self) -> tuple[str, ...]:
        """The columns that hold values, nested ones by their last name."""
        return self.columns.leaves

    def row_groups(self, leaves: Collection[str] | None = None) -> list[RowGroup]:
        """The row groups, with the chunks of some leaves or all; UnreadableFile where the footer contradicts itself."""
        numbers = None if leaves is None else {at for at, name in enumerate(self.leaves) if name in leaves}
        with damage_named(self.path):
            groups = list(self.groups.read(numbers))
            if sum(group.rows for group in groups) != self.rows:
                raise thrift.ThriftError("its row groups have other rows than the file")
            kinds = self.columns.physical_types
            wanted = range(len(kinds)) if numbers is None else sorted(numbers)
            expected = [(number, kinds[number]) for number in wanted]
            for group in groups:
                if [(number, chunk.physical_type) for number, chunk in group.chunks.items()] != expected:
                    raise thrift.ThriftError("a row group has other columns than the file")
        return groups


def read_metadata(root: StoreRoot, path: str) -> Metadata:
    """Read a footer (`path` is below the root).

    Raises UnreadableFile where it is missing, empty, truncated or damaged, UnsupportedFile where it is encrypted.
    """
    with explained(root, path):
        with root.open_input(path) as file:
            raw = read_raw_footer(file, path)
        with damage_named(path):
            return _parse(raw)


def _parse(raw: RawFooter) -> Metadata:
    groups = RowGroups(raw.content)
    fields = split(raw.content, groups.take)
    rows = thrift.integer(fields[NUM_ROWS][1], 0)
    if rows < 0:
        raise thrift.ThriftError("it has a negative number of rows")
    metadata = key_values(fields)
    arrow_schema = metadata.pop(_ARROW_SCHEMA, None)
    fields[KEY_VALUES] = encode_key_values({} if arrow_schema is None else {_ARROW_SCHEMA: arrow_schema})
    columns = _columns(join(fields, 0, b"", 0))
    # 2.x keeps keys and values in the Arrow schema alone.
    metadata = {**(columns.schema.metadata or {}), **metadata}
    return Metadata(raw.path, rows, columns.schema.with_metadata(metadata or None), columns, groups)


@lru_cache(maxsize=1024)
def _columns(footer: bytes) -> Columns:
    """The columns by a footer without row groups, of which stores have few: PyArrow finds them in a file of no rows."""
    file = b"".join((MAGIC, footer, struct.pack("<I", len(footer)), MAGIC))
    with pq.ParquetFile(pa.BufferReader(file)) as parquet:
        leaves = parquet.metadata.schema
        kinds = tuple(leaves.column(at).physical_type for at in range(len(leaves.names)))
        return Columns(parquet.schema_arrow, tuple(leaves.names), kinds)
