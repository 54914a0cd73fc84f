"""Carrying a decided record out, or back: every step may be repeated after a crash.

Files to remove go into .datacatalog/trash/<operation>, staged files into place, directories are synced, and the
record is closed.
"""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from uuid import UUID

from catalog_app.store import durable
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.records import Area, FileRecord, Record


@dataclass(frozen=True, slots=True)
class Committed:
    """A change that happened: files that left (now in the trash) and files that came."""

    operation_id: UUID
    files_before: list[FileRecord]
    files_after: list[FileRecord]


def committed_of(record: Record) -> Committed:
    return Committed(UUID(record.operation_id), record.files_before, record.files_after)


def complete(area: Area, record: Record) -> None:
    """Carry out a decided record; on a conflict or a failing disk, take it back and raise."""
    try:
        _forward(area, record)
    except (ConcurrentChange, OSError) as error:
        try:
            take_back(area, record)
        except OSError as second:
            raise StoreError(
                f"operation {record.operation_id} is half done ({error}) and could not be taken back ({second}): "
                "mend the disk, then recover the store, which ends it"
            ) from error
        raise
    _finish(area, record, "committed")


def take_back(area: Area, record: Record) -> None:
    if record.state != "rolling_back":
        record.state = "rolling_back"
        area.save_pending(record)
    touched: dict[Path, None] = {}
    for file in record.files_after:
        target = area.root / file.path
        if file.is_at(target):
            durable.remove(target)
            touched[target.parent] = None
    for file in record.files_before:
        source, trashed = area.root / file.path, area.trash / record.operation_id / file.path
        if not trashed.exists():
            continue
        if file.is_at(source):
            durable.remove(trashed)
        elif os.path.lexists(source):
            raise StoreError(f"{file.path}: another file took this name; the old one is kept at {trashed}")
        else:
            durable.make_directories(source.parent)
            durable.move_new(trashed, source)
        touched[source.parent] = None
    for directory in touched:
        durable.fsync_directory(directory)
    remove_empty(area.root, record.made_directories)
    _finish(area, record, "rolled_back")


def missing_directories(root: Path, paths: dict[str, Path]) -> list[str]:
    """Directories that a commit makes, innermost first: a rollback or an undo removes them when empty."""
    missing = {
        str(parent)
        for path in paths
        for parent in PurePosixPath(path).parents
        if parent.parts and not (root / parent).exists()
    }
    return sorted(missing, key=lambda path: -path.count("/"))


def remove_empty(root: Path, directories: list[str]) -> None:
    for directory in directories:
        try:
            (root / directory).rmdir()
        except OSError:  # not empty, or gone
            continue


def _forward(area: Area, record: Record) -> None:
    touched: dict[Path, None] = {}
    for file in record.files_before:
        source, trashed = area.root / file.path, area.trash / record.operation_id / file.path
        durable.make_directories(trashed.parent)
        if not trashed.exists():
            if not file.is_at(source):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
            durable.move_new(source, trashed)
        elif file.is_at(source):
            durable.remove(source)
        touched |= {source.parent: None, trashed.parent: None}
    for file, staged_name in zip(record.files_after, record.staged, strict=True):
        staged, target = area.staging / record.operation_id / staged_name, area.root / file.path
        durable.make_directories(target.parent)
        if not file.is_at(target):
            try:
                durable.move_new(staged, target)
            except FileExistsError:
                raise ConcurrentChange(f"{file.path}: a file of this name exists; nothing was changed") from None
            except FileNotFoundError:
                raise ConcurrentChange(f"{file.path}: the file was taken away meanwhile; nothing was changed") from None
        elif staged.exists():
            durable.remove(staged)
        touched |= {target.parent: None, staged.parent: None}
    for directory in touched:
        durable.fsync_directory(directory)


def _finish(area: Area, record: Record, state: Literal["committed", "rolled_back"]) -> None:
    if state == "committed" and record.undoes:
        undone = area.final_record(record.undoes)
        if undone is not None and undone.state == "committed":
            undone.state = "undone"
            area.save_final(undone)
    record.state = state
    area.save_final(record)
    durable.remove(area.pending / f"{record.operation_id}.json")
    durable.fsync_directory(area.pending)
