"""Concatenates Parquet files without decoding them: their bytes as they are, and one footer over all row groups.

What stood between a file's magic and its footer is copied verbatim. Only its offset indexes, which hold positions, are
written anew at the end; the old ones stay behind as bytes that nothing points to (some 14 per page).
"""

import base64
import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa

from catalog_app.store.commit import durable
from catalog_app.store.errors import FileProblem, StoreError, UnreadableFile, UnsupportedFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.footer import TS_INIT
from catalog_app.store.parquet.footer import (
    CREATED_BY,
    KEY_VALUES,
    KNOWN,
    MAGIC,
    NUM_ROWS,
    ROW_GROUPS,
    RawFooter,
    read_raw_footer,
)
from catalog_app.store.parquet.positions import Parts, put_together, take_apart
from catalog_app.store.reading.metadata import read_metadata

# RowGroup.ordinal is an i16, and parquet-rs writes no more.
MAX_ROW_GROUPS: Final = 32_767
# Footers are held in memory, a few times over.
MAX_FOOTER_BYTES: Final = 1 << 26
_COPY_BYTES: Final = 1 << 23
_ARROW_SCHEMA: Final = b"ARROW:schema"
# What a writer noted about itself, not about the rows.
_IRRELEVANT: Final = frozenset({_ARROW_SCHEMA, b"rows_per_group"})
_NAMES: Final = {1: "format version", 2: "columns", 7: "column orders"}
# Another file system, or one that cannot: the bytes then go through this process.
_NO_RANGE_COPY: Final = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge wrote."""

    rows: int
    row_groups: int
    size_bytes: int


def mergeable(root: Root, paths: Sequence[str]) -> str | None:
    """Whether files (below the store's root) can be merged: None, or why not.

    Raises UnreadableFile for missing or damaged ones.
    """
    try:
        _parts(StoreRoot.at(root), paths)
    except UnsupportedFile as refusal:
        return str(refusal)
    return None


def merge(root: Root, paths: Sequence[str], output: Path) -> Merged:
    """Write the row groups of files (below the store's root; sorted by ts_init, disjoint, in the order given) as one
    file, byte for byte; schema and metadata are those of the first.

    Raises UnsupportedFile where `mergeable` says no, UnreadableFile for missing or damaged files, StoreError where the
    disk refuses or the written file is not what it should be. The caller syncs the file.
    """
    store = StoreRoot.at(root)
    parts = _parts(store, paths)
    content = put_together(parts)
    with durable.explained(f"cannot merge into {output.name}"), output.open("wb") as target:
        target.write(MAGIC)
        for one in parts:
            _copy(store, one, target)
        target.writelines(one.offset_indexes for one in parts)
        target.write(content + struct.pack("<I", len(content)) + MAGIC)
    with durable.explained(f"cannot read {output.name} back"):
        return _verified(output, parts)


def _parts(store: StoreRoot, paths: Sequence[str]) -> list[Parts]:
    """The footers, moved to where their data will be; UnsupportedFile where they cannot stand side by side."""
    if not paths:
        raise ValueError("there is no file to merge")
    footers = [_read(store, path) for path in paths]
    size = sum(len(footer.content) for footer in footers)
    if size > MAX_FOOTER_BYTES:
        reason = f"the files' footers hold {size:,} bytes, more than {MAX_FOOTER_BYTES:,}; regroup their rows instead"
        raise UnsupportedFile(paths[0], reason)
    indexes_at = len(MAGIC) + sum(_body_bytes(footer) for footer in footers)
    parts: list[Parts] = []
    shift = groups = 0
    for footer in footers:
        with store.open_input(footer.path) as file:
            one = take_apart(file, footer, shift=shift, first_group=groups, indexes_at=indexes_at)
        parts.append(one)
        shift += _body_bytes(footer)
        groups += one.group_count
        indexes_at += len(one.offset_indexes)
        _require_alike(parts[0], one)
        if groups > MAX_ROW_GROUPS:
            reason = f"one file cannot hold more than {MAX_ROW_GROUPS:,} row groups; regroup the rows instead"
            raise UnsupportedFile(footer.path, reason)
    return parts


def _read(store: StoreRoot, path: str) -> RawFooter:
    try:
        with store.open_input(path) as file:
            return read_raw_footer(file, path)
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except OSError as error:
        raise UnreadableFile(path, f"it cannot be read ({error.strerror or error})") from error


def _body_bytes(footer: RawFooter | Parts) -> int:
    return footer.start - len(MAGIC)


def _require_alike(first: Parts, other: Parts) -> None:
    """UnsupportedFile unless both footers say the same of everything but their row groups and writers."""
    for field in sorted(KNOWN - {NUM_ROWS, ROW_GROUPS, KEY_VALUES, CREATED_BY}):
        if first.fields.get(field) != other.fields.get(field):
            name = _NAMES.get(field, f"field {field}")
            raise UnsupportedFile(other.path, f"its {name} are not stored as those of {first.path}")
    for key in sorted((first.metadata.keys() | other.metadata.keys()) - _IRRELEVANT):
        ours, theirs = other.metadata.get(key), first.metadata.get(key)
        if ours != theirs:
            name = key.decode(errors="replace")
            raise UnsupportedFile(other.path, f"its {name} is {_shown(ours)}, that of {first.path} is {_shown(theirs)}")
    schemas = [one.metadata.get(_ARROW_SCHEMA) for one in (first, other)]
    if schemas[0] != schemas[1] and not _same_schema(*schemas):
        raise UnsupportedFile(other.path, f"its Arrow types are not those of {first.path}")


def _shown(value: bytes | None) -> str:
    return "missing" if value is None else repr(value.decode(errors="replace")[:80])


def _same_schema(first: bytes | None, other: bytes | None) -> bool:
    """Whether two encoded Arrow schemas have equal fields: writers differ in how they lay out the same one."""
    if first is None or other is None:
        return False
    try:
        schemas = [pa.ipc.read_schema(pa.py_buffer(base64.b64decode(one))) for one in (first, other)]
    except (ValueError, pa.ArrowException, OSError):
        return False
    return bool(schemas[0].equals(schemas[1]))


def _copy(store: StoreRoot, part: Parts, target: BinaryIO) -> None:
    """Append what is between a file's magic and its footer."""
    if store.is_local:
        target.flush()
        with (store.path / part.path).open("rb", buffering=0) as source:
            copied = _copy_range(source.fileno(), target.fileno(), len(MAGIC), _body_bytes(part))
        target.seek(0, os.SEEK_END)
        at = len(MAGIC) + copied
    else:
        at = len(MAGIC)
    if at == part.start:
        return
    with store.open_input(part.path) as file:
        while at < part.start:
            block = file.read_at(min(_COPY_BYTES, part.start - at), at)
            if not block:
                raise UnreadableFile(part.path, "it became shorter while it was read")
            target.write(block)
            at += len(block)


def _copy_range(source: int, target: int, at: int, size: int) -> int:
    """Copy within the kernel, where the file systems can; how many bytes were copied."""
    copied = 0
    if not hasattr(os, "copy_file_range"):
        return copied
    while copied < size:
        try:
            count = os.copy_file_range(source, target, size - copied, offset_src=at + copied)
        except OSError as error:
            if error.errno in _NO_RANGE_COPY:
                break
            raise
        if not count:
            break
        copied += count
    return copied


def _verified(path: Path, parts: Sequence[Parts]) -> Merged:
    """StoreError unless the file has the announced rows, in ascending order."""
    try:
        found = read_metadata(StoreRoot.at(path.parent), path.name)
        groups = found.row_groups({TS_INIT})
    except FileProblem as problem:
        raise StoreError(f"the merged file cannot be read back ({problem.reason})") from problem
    rows, group_count = sum(one.rows for one in parts), sum(one.group_count for one in parts)
    if (found.rows, len(groups)) != (rows, group_count):
        reason = f"{found.rows} rows in {len(groups)} groups, not {rows} in {group_count}"
        raise StoreError(f"the merged file has {reason}")
    latest: int | None = None
    for number, group in enumerate(groups):
        for interval in (chunk.interval for chunk in group.chunks.values()):
            if interval is None:
                continue
            if latest is not None and interval[0] < latest:
                raise StoreError(f"row group {number} of the merged file starts before the end of the one before it")
            latest = interval[1]
    return Merged(rows, group_count, path.stat().st_size)
