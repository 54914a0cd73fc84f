"""What a footer says about the row groups and column chunks of its file.

Read from the encoded bytes, not through PyArrow's accessors: those end the whole process where a damaged footer
contradicts itself (statistics too short, a type or codec that there is none of). Here that is an error.
Structs and field ids: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.patterns import Found, Patterns, Place, Struct

# By their numbers in the format; the names are PyArrow's.
PHYSICAL_TYPES: Final = (
    "BOOLEAN",
    "INT32",
    "INT64",
    "INT96",
    "FLOAT",
    "DOUBLE",
    "BYTE_ARRAY",
    "FIXED_LEN_BYTE_ARRAY",
)
CODECS: Final = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4_HADOOP", "ZSTD", "LZ4")

_STATISTICS: Final = Struct("Statistics", dict.fromkeys(range(5, 9), True))
_META_DATA: Final = Struct("ColumnMetaData", {**dict.fromkeys((1, 4, 5, 7, 9, 11), True), 12: _STATISTICS})
_ROW_GROUP: Final = Struct("RowGroup", {1: Struct("ColumnChunk", {3: _META_DATA}), 3: True})

# Paths of fields: of a row group, and of ColumnMetaData in its chunks.
_ROWS: Final = (3,)
_TYPE, _CODEC, _VALUES, _COMPRESSED = (1, 3, 1), (1, 3, 4), (1, 3, 5), (1, 3, 7)
_DATA_PAGE, _DICTIONARY_PAGE = (1, 3, 9), (1, 3, 11)
_HIGH, _LOW, _HIGH_EXACT, _LOW_EXACT = (1, 3, 12, 5), (1, 3, 12, 6), (1, 3, 12, 7), (1, 3, 12, 8)
_FALSE: Final = 2
_INEXACT: Final = (1, 3, 12)

# Which of a row group's values is its number of rows, and which are those of each chunk, by path.
type _Meaning = tuple[int, dict[int, dict[tuple[int, ...], int]]]


class Chunk(NamedTuple):
    """A column's part of a row group. `start` is the position of its first page in the file, `data_start` that of the
    first page of data, which a dictionary may precede.

    low and high are the least and greatest value as they are encoded, None where the footer does not give both exactly.
    """

    physical_type: str
    codec: str
    values: int
    compressed_bytes: int
    start: int
    data_start: int
    low: bytes | None
    high: bytes | None

    @property
    def interval(self) -> tuple[int, int] | None:
        """low and high of 64-bit integers, as signed ones."""
        if self.low is None or self.high is None or len(self.low) != 8 or len(self.high) != 8:
            return None
        return int.from_bytes(self.low, "little", signed=True), int.from_bytes(self.high, "little", signed=True)


class RowGroup(NamedTuple):
    """A row group: its rows, and chunks by the position of their column among the leaves of the schema."""

    rows: int
    chunks: dict[int, Chunk]


class RowGroups:
    """The row groups of an encoded footer."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._found: list[Found[_Meaning]] = []

    def __len__(self) -> int:
        return len(self._found)

    def take(self, at: int, count: int) -> int:
        """Take apart those that start at `at`, and say where they end; ThriftError where they are damaged."""
        for _ in range(count):
            found = _PATTERNS.take_apart(self._content, at)
            self._found.append(found)
            at = found.end
        return at

    def read(self, columns: Collection[int] | None = None) -> Iterator[RowGroup]:
        """Them, with the chunks of some columns or all; ThriftError where they are damaged."""
        return (_row_group(self._content, found, columns) for found in self._found)


def _row_group(content: bytes, found: Found[_Meaning], columns: Collection[int] | None) -> RowGroup:
    rows, recipe = found.meaning
    chunks = {
        number: _chunk(content, found, places)
        for number, places in recipe.items()
        if columns is None or number in columns
    }
    return RowGroup(_natural(content, found.spans[rows]), chunks)


def _interpret(places: Sequence[Place]) -> _Meaning:
    rows = None
    recipe: dict[int, dict[tuple[int, ...], int]] = {}
    for at, place in enumerate(places):
        if place.fields == _ROWS:
            rows = at
            _require(place, thrift.INTEGERS)
            continue
        chunk = recipe.setdefault(place.items[0], {})
        if place.fields in {_HIGH_EXACT, _LOW_EXACT}:
            if place.kind == _FALSE:
                chunk[_INEXACT] = at
            continue
        _require(place, {thrift.BINARY} if place.fields in {_HIGH, _LOW} else thrift.INTEGERS)
        chunk[place.fields] = at
    if rows is None:
        raise thrift.ThriftError("a row group has no number of rows")
    return rows, recipe


_PATTERNS: Final = Patterns(_ROW_GROUP, _interpret)


def _require(place: Place, kinds: Collection[int]) -> None:
    if place.kind not in kinds:
        raise thrift.ThriftError(f"a value has the type {place.kind}")


def _chunk(content: bytes, found: Found[_Meaning], places: dict[tuple[int, ...], int]) -> Chunk:
    spans = found.spans
    try:
        physical_type = PHYSICAL_TYPES[_natural(content, spans[places[_TYPE]])]
        codec = CODECS[_natural(content, spans[places[_CODEC]])]
        values, compressed = (_natural(content, spans[places[path]]) for path in (_VALUES, _COMPRESSED))
        start = data_start = _natural(content, spans[places[_DATA_PAGE]])
    except (KeyError, IndexError):
        raise thrift.ThriftError("a column chunk is not described as any Parquet file has it") from None
    if _DICTIONARY_PAGE in places:
        start = min(start, _natural(content, spans[places[_DICTIONARY_PAGE]]) or start)
    if _INEXACT in places or _LOW not in places or _HIGH not in places:
        return Chunk(physical_type, codec, values, compressed, start, data_start, None, None)
    (low, low_end), (high, high_end) = spans[places[_LOW]], spans[places[_HIGH]]
    return Chunk(
        physical_type, codec, values, compressed, start, data_start, content[low:low_end], content[high:high_end]
    )


def _natural(content: bytes, span: tuple[int, int]) -> int:
    """A count or position: zigzag, so that an odd number is a negative one."""
    value = shift = 0
    for byte in content[span[0] : span[1]]:
        value |= (byte & 0x7F) << shift
        shift += 7
    if value & 1:
        raise thrift.ThriftError("a count or position is negative")
    return value >> 1
