"""Carrying a decided record out, or back, on a local file system: every step may be repeated after a crash.

A directory in which more than one name changes is exchanged whole where the file system can (swap.py); elsewhere files
to remove are renamed into the trash and staged files into place, one by one. Directories that receive definitions of
instruments come first, so that no data is without its definition; those that only lose definitions come last.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from catalog_app.store import layout
from catalog_app.store.commit import durable, swap
from catalog_app.store.commit.records import FileRecord, Record, Switch
from catalog_app.store.errors import ConcurrentChange, StoreError

if TYPE_CHECKING:
    from catalog_app.store.commit.local_area import LocalArea


@dataclass(frozen=True, slots=True)
class Committed:
    """A change that happened: files that left (now in the trash) and files that came."""

    operation_id: UUID
    files_before: list[FileRecord]
    files_after: list[FileRecord]


def committed_of(record: Record) -> Committed:
    """What a closed record says about its files."""
    return Committed(UUID(record.operation_id), record.files_before, record.files_after)


def directories_of(record: Record) -> list[str]:
    """The directories that a record changes, in the order in which they do."""

    def height(directory: str) -> tuple[int, str]:
        is_definition = layout.locate(f"{directory}/x.parquet").role == "definition"
        receives = any(file.directory == directory for file in record.files_after)
        return (0 if is_definition and receives else 2 if is_definition else 1), directory

    return sorted({file.directory for file in (*record.files_before, *record.files_after)}, key=height)


def prepare(area: "LocalArea", record: Record) -> None:
    """Build the new directories and note them in the record, where an exchange is possible and more than one step."""
    staging = area.staging / record.operation_id
    sources = dict(zip((file.path for file in record.files_after), record.staged, strict=True))
    for number, directory in enumerate(directories_of(record), 1):
        leaving, coming = record.before_in(directory), record.after_in(directory)
        if len(leaving) + len(coming) < 2:
            continue
        built = area.built(record) / f"{number:06d}"
        staged = {file.name: staging / sources[file.path] for file in coming}
        item = swap.build(area.live(directory), built, directory, {file.name for file in leaving}, staged)
        if item is not None:
            record.switches.append(item)
    if record.switches:
        durable.fsync_directory(area.built(record))


def forward(area: "LocalArea", record: Record) -> None:
    """Switch every directory, then settle those that were exchanged."""
    for directory in directories_of(record):
        item = _switch_of(record, directory)
        leaving, coming = record.before_in(directory), record.after_in(directory)
        if item is not None:
            live, out = area.live(directory), area.built(record) / item.built
            if swap.switch(item, live, out, _not_trashed(area, record, leaving), coming):
                continue
            record.switches.remove(item)
            area.save_pending(record)
            swap.discard(item, out)
        _rename_in(area, record, leaving, coming)
    for item in record.switches:
        own = {file.name: file for file in record.before_in(item.directory)}
        trash = area.trash / record.operation_id / item.directory
        swap.settle(item, area.live(item.directory), area.built(record) / item.built, own, trash, _aside(area, record))


def _not_trashed(area: "LocalArea", record: Record, files: list[FileRecord]) -> list[FileRecord]:
    return [file for file in files if not (area.trash / record.operation_id / file.path).exists()]


def _switch_of(record: Record, directory: str) -> Switch | None:
    return next((item for item in record.switches if item.directory == directory), None)


def _aside(area: "LocalArea", record: Record) -> Path:
    return area.trash / record.operation_id / "others"


def _rename_in(area: "LocalArea", record: Record, leaving: list[FileRecord], coming: list[FileRecord]) -> None:
    touched: dict[Path, None] = {}
    for file in leaving:
        source, trashed = area.root / file.path, area.trash / record.operation_id / file.path
        durable.make_directories(trashed.parent)
        if not trashed.exists():
            if not file.is_at(source):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
            durable.move_new(source, trashed)
        elif file.is_at(source):
            durable.remove(source)
        touched |= {source.parent: None, trashed.parent: None}
    sources = dict(zip((file.path for file in record.files_after), record.staged, strict=True))
    for file in coming:
        staged, target = area.staging / record.operation_id / sources[file.path], area.root / file.path
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


def backward(area: "LocalArea", record: Record) -> None:
    """Exchange back what is exchanged and not settled, then move file by file what is left."""
    for item in reversed(record.switches):
        live, out = area.live(item.directory), area.built(record) / item.built
        if swap.is_out(item, live, out):
            _untrash(area, record, item.directory, out)
            swap.switch_back(live, out)
        if item.is_new:
            swap.discard(item, out)
        else:
            own = {file.name: file for file in record.after_in(item.directory)}
            swap.settle(item, live, out, own, None, _aside(area, record))
    _rename_out(area, record)


def _untrash(area: "LocalArea", record: Record, directory: str, out: Path) -> None:
    for file in record.before_in(directory):
        trashed = area.trash / record.operation_id / file.path
        if not file.is_at(trashed) or os.path.lexists(out / file.name):
            continue  # a crash may have left both names; a foreign file is dealt with below
        durable.move_new(trashed, out / file.name)
    durable.fsync_directory(out)


def _rename_out(area: "LocalArea", record: Record) -> None:
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
