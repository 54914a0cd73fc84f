"""How files are laid out, as far as reading them together needs it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.fs as pafs

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.reading.metadata import Metadata, read_metadata

# A layout takes a few hundred bytes; a store of this many files is scanned again without reading footers.
_REMEMBERED: Final = 20_000
# From here on a call of Python per row group is cheaper than what it saves.
_LARGE_GROUP_ROWS: Final = 65_536
_LOCAL_THREADS, _REMOTE_THREADS = 4, 32
_NO_BOUND: Final = b"\xff" * 16


class Physical(NamedTuple):
    """How a file is laid out: its Arrow schema, without metadata, and whether its row groups are large.

    `greatest` has the greatest values, by their bytes, of the 16-byte columns whose statistics tell it; of files with
    large row groups alone, where looking them up takes less time than it saves.
    """

    schema: pa.Schema
    large_groups: bool
    greatest: dict[str, bytes]

    def may_hold(self, column: str, value: bytes) -> bool:
        """Whether a 16-byte column can have a value, by its statistics."""
        return self.greatest.get(column, value) >= value


def read_physical(root: StoreRoot, paths: Sequence[str]) -> list[Physical]:
    """The layouts of files, in the order given; those of unchanged files (size, mtime) are remembered.

    Equal schemas are mostly one object. Raises UnreadableFile of the first file that is missing or damaged.
    """
    infos = root.fs.get_file_info([root.full(path) for path in paths])
    threads = _LOCAL_THREADS if root.is_local else _REMOTE_THREADS
    with ThreadPoolExecutor(min(threads, len(paths)) or 1, thread_name_prefix="schema") as pool:
        return list(pool.map(_identified, [root] * len(paths), paths, infos))


def _identified(root: StoreRoot, path: str, info: pafs.FileInfo) -> Physical:
    if info.type == pafs.FileType.NotFound:
        raise UnreadableFile(path, "the file does not exist")
    return _physical(root, path, info.size, info.mtime_ns)


@lru_cache(maxsize=_REMEMBERED)
def _physical(root: StoreRoot, path: str, size: int | None, mtime_ns: int | None) -> Physical:
    del size, mtime_ns  # they identify the file's content
    found = read_metadata(root, path)
    schema = _shared(found.columns.schema.remove_metadata())
    large_groups = found.rows >= _LARGE_GROUP_ROWS * max(len(found.groups), 1)
    return Physical(schema, large_groups, _greatest(found) if large_groups else {})


def _greatest(found: Metadata) -> dict[str, bytes]:
    names = {field.name for field in found.schema if field.type == pa.binary(16)}
    groups = found.row_groups(names)
    greatest = {}
    for number, name in enumerate(found.leaves):
        if name in names:
            values = [group.chunks[number].high for group in groups]
            if known := [value for value in values if value is not None]:
                greatest[name] = max(known) if len(known) == len(values) else _NO_BOUND
    return greatest


@lru_cache(maxsize=1024)
def _shared(schema: pa.Schema) -> pa.Schema:
    """Stores have few schemas and many files: equal ones become one object."""
    return schema
