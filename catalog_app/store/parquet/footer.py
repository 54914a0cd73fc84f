"""Parquet footers as encoded bytes: taken apart, their positions moved, put together again.

Everything that is no position is copied byte for byte, so that newer fields (size statistics, geospatial ones, …)
survive. Structs and field ids: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.parquet import thrift_compact as thrift

MAGIC: Final = b"PAR1"
_ENCRYPTED_MAGIC: Final = b"PARE"
_TAIL_BYTES: Final = 1 << 16

# Fields of FileMetaData.
NUM_ROWS: Final = 3
ROW_GROUPS: Final = 4
KEY_VALUES: Final = 5
CREATED_BY: Final = 6
KNOWN: Final = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class RawFooter:
    """A file's encoded FileMetaData and where it starts, which is where its data and page indexes end."""

    path: str
    content: bytes
    start: int


def read_raw_footer(file: pa.NativeFile, path: str) -> RawFooter:
    """The footer of a Parquet file; UnreadableFile where there is none, UnsupportedFile where it is encrypted."""
    size = file.size()
    if not size:
        raise UnreadableFile(path, "the file is empty")
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


def rows_of(footer: RawFooter) -> int:
    """The number of rows that a footer gives; UnreadableFile where it is damaged before it does."""
    field = at = 0
    with damage_named(footer.path):
        while footer.content[at]:
            field, kind, at = thrift.read_field_header(footer.content, at, field)
            if field == NUM_ROWS:
                return thrift.integer(footer.content, at)
            at = thrift.skip(footer.content, at, kind)
        raise thrift.ThriftError("its number of rows is missing")


@contextmanager
def damage_named(path: str) -> Iterator[None]:
    """Turn what is wrong with an encoded footer into UnreadableFile or UnsupportedFile."""
    try:
        yield
    except thrift.ForbiddenField as error:
        raise UnsupportedFile(path, f"its footer cannot be moved: {error}") from error
    except (thrift.ThriftError, IndexError, RecursionError, OverflowError) as error:
        raise UnreadableFile(path, f"not a whole Parquet file (its footer is damaged: {error})") from error


def split(content: bytes, take_groups: Callable[[int, int], int]) -> dict[int, tuple[int, bytes]]:
    """The fields of an encoded FileMetaData, by id, as (type, encoded value), all but the row groups.

    `take_groups` is given where the first of them starts and how many there are, and says where the last one ends.
    """
    found: dict[int, tuple[int, bytes]] = {}
    field = at = 0
    while content[at]:
        field, kind, start = thrift.read_field_header(content, at, field)
        if field == ROW_GROUPS:
            count, at = thrift.list_of_structs(content, start, kind)
            at = take_groups(at, count)
        else:
            at = thrift.skip(content, start, kind)
            found[field] = kind, content[start:at]
    if at + 1 != len(content) or NUM_ROWS not in found:
        raise thrift.ThriftError("its length is wrong, or its number of rows is missing")
    return found


def join(fields: Mapping[int, tuple[int, bytes]], rows: int, row_groups: bytes, group_count: int) -> bytes:
    """An encoded FileMetaData of the fields that `split` gives, but with other rows and row groups."""
    whole = {
        **fields,
        NUM_ROWS: (thrift.INTEGER, thrift.encode_integer(rows)),
        ROW_GROUPS: (thrift.LIST, thrift.list_header(group_count) + row_groups),
    }
    out, previous = bytearray(), 0
    for field in sorted(whole):
        kind, value = whole[field]
        out += thrift.field_header(previous, field, kind) + value
        previous = field
    return bytes(out) + b"\0"


def key_values(fields: Mapping[int, tuple[int, bytes]]) -> dict[bytes, bytes]:
    """The keys and values of a footer whose fields `split` gave."""
    if KEY_VALUES not in fields:
        return {}
    kind, value = fields[KEY_VALUES]
    count, at = thrift.list_of_structs(value, 0, kind)
    found = {}
    for _ in range(count):
        pair: dict[int, bytes] = {}
        for number, _kind, start, end in thrift.fields(value, at):
            at = end
            length, begin = thrift.varint(value, start)
            pair[number] = value[begin : begin + length]
        at += 1  # its end
        found[pair.get(1, b"")] = pair.get(2, b"")
    return found


def encode_key_values(pairs: Mapping[bytes, bytes]) -> tuple[int, bytes]:
    """The field of keys and values, as `split` gives it."""
    out = bytearray(thrift.list_header(len(pairs)))
    for key, value in pairs.items():
        for field, text in ((1, key), (2, value)):
            out += thrift.field_header(field - 1, field, thrift.BINARY) + thrift.encode_varint(len(text)) + text
        out += b"\0"
    return thrift.LIST, bytes(out)
