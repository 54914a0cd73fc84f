"""What comes after a commit: finishing what a crash interrupted, and taking an operation back."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from catalog_app.store import durable
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.journal import Transaction
from catalog_app.store.moves import Committed, committed_of, complete, remove_empty, take_back
from catalog_app.store.records import Area, FileRecord, Record


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` did with one interrupted operation."""

    operation_id: UUID
    outcome: Literal["rolled_forward", "rolled_back", "discarded"]
    kind: str = ""
    directory: str = ""
    committed: Committed | None = None


def recover(root: Path) -> list[Recovered]:
    """Finish or undo what a crash interrupted; leaves operations of living processes alone."""
    area = Area(Path(root))
    with durable.explained(f"cannot recover the store {root}"):
        if not area.pending.is_dir() or not (any(area.pending.glob("*.json")) or any(area.staging.glob("*"))):
            return []
        return _recover_all(area)


def _recover_all(area: Area) -> list[Recovered]:
    with durable.locked(area.lock):
        # The lock is held from decision to close: a pending record here belongs to a process that died.
        recovered = [_recover_one(area, record) for record in list(area.pending_records())]
        discarded = [UUID(staging.name) for staging in sorted(area.staging.iterdir()) if _discard(staging)]
        # What is left of a closed operation is no news.
        recovered += [Recovered(one, "discarded") for one in discarded if area.final_record(one) is None]
    return recovered


def undo(root: Path, operation_id: UUID | str) -> Committed:
    """Take an operation back, as an operation of its own. Refuses (ConcurrentChange) when its files changed since.

    Raises StoreError for an unknown or undone operation, and when the trash no longer holds what it removed.
    """
    area = Area(Path(root))
    record = area.final_record(operation_id)
    if record is None or record.state != "committed":
        state = "unknown here" if record is None else f"{record.state} already"
        raise StoreError(f"operation {operation_id} cannot be undone: it is {state}")
    with durable.explained(f"cannot undo operation {operation_id}"):
        committed = _undo(area, record)
    remove_empty(area.root, record.made_directories)
    return committed


def _undo(area: Area, record: Record) -> Committed:
    for file in record.files_after:
        path = area.root / file.path
        if not path.exists() or path.stat().st_size != file.size_bytes or durable.sha256(path) != file.sha256:
            raise ConcurrentChange(f"{file.path}: the file changed since then; nothing was changed")
    with Transaction(area.root, "undo", record.directory) as transaction:
        transaction._undoes = record.operation_id
        for file in record.files_after:
            transaction.remove(file.path)
        for file in record.files_before:
            _restage(area.trash / record.operation_id / file.path, transaction.stage(file.path), file)
        return transaction.commit()


def _recover_one(area: Area, record: Record) -> Recovered:
    operation_id = UUID(record.operation_id)
    final = area.final_record(operation_id)
    if final is not None and final.state in {"committed", "undone"}:
        durable.remove(area.pending / f"{operation_id}.json")
        return Recovered(operation_id, "rolled_forward", record.kind, record.directory, committed_of(final))
    if record.state == "rolling_back":
        take_back(area, record)
        return Recovered(operation_id, "rolled_back", record.kind, record.directory)
    try:
        complete(area, record)
    except ConcurrentChange:
        return Recovered(operation_id, "rolled_back", record.kind, record.directory)
    return Recovered(operation_id, "rolled_forward", record.kind, record.directory, committed_of(record))


def _discard(staging: Path) -> bool:
    """Remove an operation's staging directory unless a living process holds its lock."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", staging.name):
        return False
    lock = durable.try_lock(staging / ".lock")
    if lock is None:
        return False
    try:
        shutil.rmtree(staging)
    finally:
        os.close(lock)
    return True


def _restage(trashed: Path, staged: Path, file: FileRecord) -> None:
    """Bring a file back from the trash without taking it out: a crash must not lose it."""
    if not trashed.exists():
        raise StoreError(f"{file.path}: the trash no longer holds it, so the operation cannot be undone")
    if durable.sha256(trashed) != file.sha256:
        raise StoreError(f"{trashed}: the trashed file was changed, so the operation cannot be undone")
    try:
        os.link(trashed, staged)
    except OSError:
        shutil.copy2(trashed, staged)
