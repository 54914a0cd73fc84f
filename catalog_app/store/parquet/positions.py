"""The positions that a footer holds: taken apart with all of them moved, and compared with what was moved.

Everything that is no position is copied byte for byte, so that newer fields (size statistics, geospatial ones, …)
survive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.footer import KNOWN, NUM_ROWS, RawFooter, damage_named, join, key_values, split
from catalog_app.store.parquet.patterns import Forbid, Found, Patterns, Place, Struct, Wanted

_ENCRYPTED_COLUMN: Final = "belongs to encryption; decrypt the file first"
_INDEX_BYTES: Final = 1 << 22
_ENCRYPTION: Final = frozenset({8, 9})


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


def take_apart(
    file: pa.NativeFile, footer: RawFooter, *, shift: int = 0, first_group: int = 0, indexes_at: int = 0
) -> Parts:
    """Take a footer apart for a file in which its data come `shift` bytes later, after `first_group` other row groups,
    and in which its offset indexes stand at `indexes_at`.

    Raises UnreadableFile for a damaged footer, UnsupportedFile for what cannot be moved: encryption, columns in other
    files, fields that a newer format may have added.
    """
    move = _Move(file, footer, shift, first_group, indexes_at)
    with damage_named(footer.path):
        return _take_apart(footer, move)


def _take_apart(footer: RawFooter, move: "_Move") -> Parts:
    groups = bytearray()
    group_count = 0

    def take_groups(at: int, count: int) -> int:
        nonlocal group_count
        group_count = count
        for _ in range(count):
            at = move.row_group(at, groups)
        return at

    found = split(footer.content, take_groups)
    if encrypted := _ENCRYPTION & found.keys():
        raise thrift.ForbiddenField(f"field {min(encrypted)} of FileMetaData {_ENCRYPTED_COLUMN}")
    if unknown := found.keys() - KNOWN:
        raise thrift.ForbiddenField(f"field {min(unknown)} of FileMetaData is not known to this program")
    rows = thrift.integer(found[NUM_ROWS][1], 0)
    indexes = bytes(move.offset_indexes)
    return Parts(footer.path, footer.start, found, rows, group_count, bytes(groups), indexes, key_values(found))


def put_together(parts: Sequence[Parts]) -> bytes:
    """One encoded FileMetaData over the row groups of all parts; what else it says is what the first one says."""
    groups = b"".join(one.row_groups for one in parts)
    return join(parts[0].fields, sum(one.rows for one in parts), groups, sum(one.group_count for one in parts))


type _Path = tuple[int, ...]


def _known(name: str, count: int, **others: Wanted) -> Struct:
    """A struct of the fields 1 to count; a newer format's could hold positions that nobody would move."""
    fields = dict.fromkeys(range(1, count + 1), False) | {int(key[1:]): value for key, value in others.items()}
    return Struct(name, fields, others=Forbid("is not known to this program"))


_ELSEWHERE: Final = Forbid("says that the column is in another file")
_COLUMN: Final = _known("ColumnMetaData", 17, _9=True, _10=True, _11=True, _14=True)
_CHUNK: Final = _known(
    "ColumnChunk",
    7,
    _1=_ELSEWHERE,
    _2=True,
    _3=_COLUMN,
    _4=True,
    _5=True,
    _6=True,
    _8=Forbid(_ENCRYPTED_COLUMN),
    _9=Forbid(_ENCRYPTED_COLUMN),
)
_ROW_GROUP: Final = _known("RowGroup", 7, _1=_CHUNK, _5=True, _7=True)
_OFFSET_INDEX: Final = _known("OffsetIndex", 2, _1=_known("PageLocation", 3, _1=True))
_POSITIONS: Final = frozenset({(1, 2), (1, 3, 9), (1, 3, 10), (1, 3, 11), (1, 3, 14), (1, 6), (5,)})
_INDEX_AT, _INDEX_LENGTH, _ORDINAL = (1, 4), (1, 5), (7,)


def _integers(places: Sequence[Place]) -> list[_Path]:
    """The paths of positions, all of them integers."""
    if wrong := next((place for place in places if place.kind not in thrift.INTEGERS), None):
        raise thrift.ThriftError(f"an integer was expected, not type {wrong.kind}")
    return [place.fields for place in places]


_ROW_GROUPS_MET: Final = Patterns(_ROW_GROUP, _integers)
_OFFSET_INDEXES_MET: Final = Patterns(_OFFSET_INDEX, _integers)


class _Move:
    """Moves one file's positions."""

    def __init__(self, file: pa.NativeFile, footer: RawFooter, shift: int, first_group: int, indexes_at: int) -> None:
        self.offset_indexes = bytearray()
        self._file = file
        self._footer = footer
        self._shift = shift
        self._next_group = first_group
        self._indexes_at = indexes_at
        self._index_at = 0
        self._block, self._block_at = b"", 0
        others = {_INDEX_AT: self._offset_index_at, _INDEX_LENGTH: self._offset_index_length, _ORDINAL: self._ordinal}
        self._moves = dict.fromkeys(_POSITIONS, self._position) | others

    def row_group(self, at: int, out: bytearray) -> int:
        """Append the footer's row group at `at` with its positions moved; gives where it ends."""
        found = _ROW_GROUPS_MET.take_apart(self._footer.content, at)
        moves = [self._moves[path] for path in found.meaning]
        _rewrite(self._footer.content, at, found, moves, out)
        return found.end

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
        found = _OFFSET_INDEXES_MET.take_apart(content, 0)
        if found.end != len(content):
            raise thrift.ThriftError("the length of an offset index is wrong")
        _rewrite(content, 0, found, [self._position] * len(found.spans), self.offset_indexes)
        return len(self.offset_indexes) - before

    def _read(self, at: int, length: int) -> bytes:
        """Writers put all indexes of a file side by side: a block holds many."""
        if not self._block_at <= at or at + length > self._block_at + len(self._block):
            self._block = self._file.read_at(min(max(length, _INDEX_BYTES), self._footer.start - at), at)
            self._block_at = at
        start = at - self._block_at
        return self._block[start : start + length]


def _rewrite(
    content: bytes, at: int, found: Found[list[_Path]], moves: Sequence[Callable[[int], int]], out: bytearray
) -> None:
    """Append the struct at `at` with its integers changed, everything else byte for byte."""
    view = memoryview(content)
    for (start, end), move in zip(found.spans, moves, strict=True):
        out += view[at:start]
        out += thrift.encode_integer(move(thrift.integer(content, start)))
        at = end
    out += view[at : found.end]


# Where a row group starts, and what is in it.
type _Group = tuple[int, Found[list[_Path]]]


class MovedGroups:
    """The row groups of a footer, to be compared with those that they were moved from."""

    def __init__(self, footer: RawFooter) -> None:
        self._content = footer.content
        self._groups: list[_Group] = []
        with damage_named(footer.path):
            split(footer.content, self._take)

    def __len__(self) -> int:
        return len(self._groups)

    def _take(self, at: int, count: int) -> int:
        for _ in range(count):
            found = _ROW_GROUPS_MET.take_apart(self._content, at)
            self._groups.append((at, found))
            at = found.end
        return at

    def are_from(self, source: "MovedGroups", first: int, shift: int) -> bool:
        """Whether these, from `first` on, are all of the source's `shift` bytes later, and equal in all else.

        Where their offset indexes are, and how row groups are numbered, is not compared.
        """
        pairs = zip(source._groups, self._groups[first : first + len(source)], strict=False)
        return len(self) >= first + len(source) and all(
            _is_moved(source._content, ours, self._content, theirs, shift) for ours, theirs in pairs
        )


def _is_moved(
    source: bytes,
    ours: tuple[int, Found[list[_Path]]],
    target: bytes,
    theirs: tuple[int, Found[list[_Path]]],
    shift: int,
) -> bool:
    (at, found), (to, moved) = ours, theirs
    if found.meaning != moved.meaning:
        return False
    for path, (start, end), (new_start, new_end) in zip(found.meaning, found.spans, moved.spans, strict=True):
        if source[at:start] != target[to:new_start]:
            return False
        if path in _POSITIONS:
            position = thrift.integer(source, start)
            if thrift.integer(target, new_start) != (position + shift if position else 0):
                return False
        at, to = end, new_end
    return source[at : found.end] == target[to : moved.end]
