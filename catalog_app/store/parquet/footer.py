"""Parquet footers as encoded bytes: taken apart, their positions moved, put together again.

Everything that is no position is copied byte for byte, so that newer fields (size statistics, geospatial ones, …)
survive. Structs and field ids: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.thrift_compact import Forbid, Rules

MAGIC: Final = b"PAR1"
_ENCRYPTED_MAGIC: Final = b"PARE"
_ENCRYPTED: Final = "belongs to encryption; decrypt the file first"
_TAIL_BYTES: Final = 1 << 16
_INDEX_BYTES: Final = 1 << 22

# Fields of FileMetaData.
NUM_ROWS: Final = 3
ROW_GROUPS: Final = 4
KEY_VALUES: Final = 5
CREATED_BY: Final = 6
_ENCRYPTION: Final = frozenset({8, 9})
KNOWN: Final = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class RawFooter:
    """A file's encoded FileMetaData and where it starts, which is where its data and page indexes end."""

    path: str
    content: bytes
    start: int


@dataclass(frozen=True, slots=True)
class Parts:
    """A footer taken apart. `start` is where it starts in its own file.

    fields: of FileMetaData, by id, as (type, encoded value). row_groups: their encoded elements, positions moved;
    offset_indexes: the encoded ones that they point to. metadata: the file's keys and values.
    """

    path: str
    start: int
    fields: dict[int, tuple[int, bytes]]
    rows: int
    group_count: int
    row_groups: bytes
    offset_indexes: bytes
    metadata: dict[bytes, bytes]


def read_raw_footer(file: pa.NativeFile, path: str) -> RawFooter:
    """The footer of a Parquet file; UnreadableFile where there is none, UnsupportedFile where it is encrypted."""
    size = file.size()
    tail = file.read_at(min(size, _TAIL_BYTES), max(size - _TAIL_BYTES, 0))
    if size < 12 or file.read_at(4, 0) not in {MAGIC, _ENCRYPTED_MAGIC}:
        raise UnreadableFile(path, "not a whole Parquet file (it does not start as one)")
    length, magic = struct.unpack("<I4s", tail[-8:])
    if magic == _ENCRYPTED_MAGIC:
        raise UnsupportedFile(path, "its footer is encrypted; decrypt the file first")
    start = size - 8 - length
    if magic != MAGIC or start < len(MAGIC):
        raise UnreadableFile(path, "not a whole Parquet file (it does not end as one)")
    content = tail[-8 - length : -8] if length + 8 <= len(tail) else file.read_at(length, start)
    return RawFooter(path, content, start)


def take_apart(
    file: pa.NativeFile, footer: RawFooter, *, shift: int = 0, first_group: int = 0, indexes_at: int = 0
) -> Parts:
    """Take a footer apart for a file in which its data come `shift` bytes later, after `first_group` other row groups,
    and in which its offset indexes stand at `indexes_at`.

    Raises UnreadableFile for a damaged footer, UnsupportedFile for what cannot be moved: encryption, columns in other
    files, fields that a newer format may have added.
    """
    move = _Move(file, footer, shift, first_group, indexes_at)
    try:
        return _take_apart(footer, move)
    except thrift.ForbiddenField as error:
        raise UnsupportedFile(footer.path, f"its footer cannot be moved: {error}") from error
    except (thrift.ThriftError, IndexError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableFile(footer.path, f"its footer is damaged ({error})") from error


def _take_apart(footer: RawFooter, move: "_Move") -> Parts:
    content = footer.content
    found: dict[int, tuple[int, bytes]] = {}
    groups, group_count, field, at = bytearray(), 0, 0, 0
    while content[at]:
        field, kind, start = thrift.read_field_header(content, at, field)
        if field in _ENCRYPTION:
            raise thrift.ForbiddenField(f"field {field} of FileMetaData {_ENCRYPTED}")
        if field not in KNOWN:
            raise thrift.ForbiddenField(f"field {field} of FileMetaData is not known to this program")
        if field == ROW_GROUPS:
            group_count, at = thrift.list_of_structs(content, start, kind)
            for _ in range(group_count):
                at = thrift.rewrite(content, at, move.row_group, groups)
        else:
            at = thrift.skip(content, start, kind)
            found[field] = kind, content[start:at]
    if at + 1 != len(content) or NUM_ROWS not in found:
        raise thrift.ThriftError("its length is wrong, or its number of rows is missing")
    rows = thrift.integer(found[NUM_ROWS][1], 0)
    metadata = _key_values(found[KEY_VALUES]) if KEY_VALUES in found else {}
    indexes = bytes(move.offset_indexes)
    return Parts(footer.path, footer.start, found, rows, group_count, bytes(groups), indexes, metadata)


def put_together(parts: Sequence[Parts]) -> bytes:
    """One encoded FileMetaData over the row groups of all parts; what else it says is what the first one says."""
    fields = dict(parts[0].fields)
    fields[NUM_ROWS] = thrift.INTEGER, thrift.encode_integer(sum(one.rows for one in parts))
    groups = b"".join(one.row_groups for one in parts)
    fields[ROW_GROUPS] = thrift.LIST, thrift.list_header(sum(one.group_count for one in parts)) + groups
    out, previous = bytearray(), 0
    for field in sorted(fields):
        kind, value = fields[field]
        out += thrift.field_header(previous, field, kind) + value
        previous = field
    return bytes(out) + b"\0"


class _Move:
    """The rules that move one file's positions."""

    def __init__(self, file: pa.NativeFile, footer: RawFooter, shift: int, first_group: int, indexes_at: int) -> None:
        self.offset_indexes = bytearray()
        self._file = file
        self._footer = footer
        self._shift = shift
        self._next_group = first_group
        self._indexes_at = indexes_at
        self._index_at = 0
        self._block, self._block_at = b"", 0
        self._page_locations = Rules(
            "OffsetIndex", {1: Rules("PageLocation", {1: self._position, 2: None, 3: None}), 2: None}
        )
        keep = dict.fromkeys(range(1, 18))
        column = Rules("ColumnMetaData", {**keep, **dict.fromkeys((9, 10, 11, 14), self._position)})
        chunk = Rules(
            "ColumnChunk",
            {
                1: Forbid("says that the column is in another file"),
                2: self._position,
                3: column,
                4: self._offset_index_at,
                5: self._offset_index_length,
                6: self._position,
                7: None,
                8: Forbid(_ENCRYPTED),
                9: Forbid(_ENCRYPTED),
            },
        )
        self.row_group = Rules(
            "RowGroup", {1: chunk, 2: None, 3: None, 4: None, 5: self._position, 6: None, 7: self._ordinal}
        )

    def _position(self, position: int) -> int:
        """0 stands for "none" with some writers: nothing but the magic can be there."""
        if not 0 <= position < self._footer.start:
            raise thrift.ThriftError(f"it points to byte {position}, beyond the file's data")
        return position + self._shift if position else 0

    def _ordinal(self, _ordinal: int) -> int:
        """Where a file numbers its row groups, they are numbered through."""
        self._next_group += 1
        return self._next_group - 1

    def _offset_index_at(self, position: int) -> int:
        """Offset indexes hold positions themselves, whose size may change: they are written anew."""
        self._position(position)
        self._index_at = position
        return self._indexes_at + len(self.offset_indexes)

    def _offset_index_length(self, length: int) -> int:
        if not self._index_at or not 0 < length <= self._footer.start - self._index_at:
            raise thrift.ThriftError("it names an offset index beyond the file's data")
        before = len(self.offset_indexes)
        content = self._read(self._index_at, length)
        self._index_at = 0
        if thrift.rewrite(content, 0, self._page_locations, self.offset_indexes) != len(content):
            raise thrift.ThriftError("the length of an offset index is wrong")
        return len(self.offset_indexes) - before

    def _read(self, at: int, length: int) -> bytes:
        """Writers put all indexes of a file side by side: a block holds many."""
        if not self._block_at <= at or at + length > self._block_at + len(self._block):
            self._block = self._file.read_at(min(max(length, _INDEX_BYTES), self._footer.start - at), at)
            self._block_at = at
        start = at - self._block_at
        return self._block[start : start + length]


def _key_values(field: tuple[int, bytes]) -> dict[bytes, bytes]:
    kind, value = field
    count, at = thrift.list_of_structs(value, 0, kind)
    found = {}
    for _ in range(count):
        pair: dict[int, bytes] = {}
        for number, _kind, start, _end in thrift.fields(value, at):
            length, begin = thrift.varint(value, start)
            pair[number] = value[begin : begin + length]
        at = thrift.skip(value, at, thrift.STRUCT)
        found[pair.get(1, b"")] = pair.get(2, b"")
    return found
