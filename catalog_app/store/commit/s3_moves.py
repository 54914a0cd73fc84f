"""Carrying a decided record out, or back, in a bucket: every step may be repeated after a crash.

New objects are put before old ones are deleted, so that a reader never misses rows; until the deletions it may see
some of them twice. A file that is replaced under its own name is one request: readers see the old or the new.
"""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog_app.store.commit.area import TRASH
from catalog_app.store.commit.moves import directories_of
from catalog_app.store.commit.records import FileRecord, Record
from catalog_app.store.errors import ConcurrentChange, StoreError

if TYPE_CHECKING:
    from catalog_app.store.commit.s3_area import BucketArea

_CHUNK = 8 * 2**20


def forward(area: "BucketArea", record: Record) -> None:
    """Copy what leaves into the trash, put what comes, delete what left; note the new objects' identities."""
    for file in record.files_before:
        if not area.exists(_trashed(record, file)):
            if not area.exists(file.path) or not area.is_same(file):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
            area.copy(file.path, _trashed(record, file))
    before = {file.path: file for file in record.files_before}
    for directory in directories_of(record):
        for file in record.after_in(directory):
            _put(area, record, file, before.get(file.path))
    coming = {file.path for file in record.files_after}
    for directory in reversed(directories_of(record)):
        for file in record.before_in(directory):
            if file.path in coming or not area.exists(file.path):
                continue
            if not area.is_same(file):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
            area.delete(file.path)
    record.files_after = [_as_put(area, file) for file in record.files_after]


def _put(area: "BucketArea", record: Record, file: FileRecord, replaced: FileRecord | None) -> None:
    staged = _staged(record, file)
    if not area.exists(staged):
        raise ConcurrentChange(f"{file.path}: the file was taken away meanwhile; nothing was changed")
    if area.exists(file.path):
        if _same_content(area, staged, file.path):
            return
        if replaced is None or not area.is_same(replaced):
            raise ConcurrentChange(f"{file.path}: a file of this name exists; nothing was changed")
    area.copy(staged, file.path)


def _as_put(area: "BucketArea", file: FileRecord) -> FileRecord:
    identity = area.identity(file.path)
    if identity is None:
        raise ConcurrentChange(f"{file.path}: the file was taken away meanwhile; nothing was changed")
    return replace(file, mtime_ns=identity[1], etag=area.etag(file.path))


def backward(area: "BucketArea", record: Record) -> None:
    """Bring back what left, then delete what came."""
    before = {file.path for file in record.files_before}
    for file in record.files_before:
        trashed = _trashed(record, file)
        if not area.exists(trashed):
            continue
        if not area.exists(file.path) or _is_ours(area, record, file.path):
            area.copy(trashed, file.path)
        elif not _same_content(area, trashed, file.path):
            raise StoreError(f"{file.path}: another file took this name; the old one is kept at {trashed}")
    for file in record.files_after:
        if file.path not in before and _is_ours(area, record, file.path):
            area.delete(file.path)
    area.empty_trash(record.operation_id)


def _is_ours(area: "BucketArea", record: Record, path: str) -> bool:
    """Whether the object at `path` is the one that this operation put there."""
    staged = next((_staged(record, file) for file in record.files_after if file.path == path), None)
    return staged is not None and area.exists(path) and area.exists(staged) and _same_content(area, staged, path)


def _trashed(record: Record, file: FileRecord) -> str:
    return f"{TRASH}/{record.operation_id}/{file.path}"


def _staged(record: Record, file: FileRecord) -> str:
    return record.staged[[after.path for after in record.files_after].index(file.path)]


def _same_content(area: "BucketArea", first: str, second: str) -> bool:
    """Entity tags tell at once that objects are equal; unequal ones may come from uploads in parts."""
    one, other = area.identity(first), area.identity(second)
    if one is None or other is None or one[0] != other[0]:
        return False
    return area.etag(first) == area.etag(second) or _sha256(area, first) == _sha256(area, second)


def _sha256(area: "BucketArea", path: str) -> str:
    digest = hashlib.sha256()
    with area.store.open_input(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
