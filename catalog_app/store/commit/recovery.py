"""What comes after a commit: finishing what a crash interrupted, and taking an operation back."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from catalog_app.store.commit import durable
from catalog_app.store.commit.area import Area
from catalog_app.store.commit.area_of import area_of
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.moves import Committed, committed_of
from catalog_app.store.commit.records import Record
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.filesystem import Root


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` did with one interrupted operation."""

    operation_id: UUID
    outcome: Literal["rolled_forward", "rolled_back", "discarded"]
    kind: str = ""
    directory: str = ""
    committed: Committed | None = None


def recover(root: Root) -> list[Recovered]:
    """Finish or undo what a crash interrupted; leaves operations of living processes alone.

    A bucket's root must be `StoreRoot.guarded`, as for a change.
    """
    area = area_of(root)
    with durable.explained(f"cannot recover the store {root}"):
        if not area.has_leftovers():
            return []
        with area.exclusive():
            recovered = [_recovered(record, outcome) for record, outcome in area.finish_interrupted()]
            discarded = area.discard_staging()
            # What is left of a closed operation is no news.
            recovered += [Recovered(one, "discarded") for one in discarded if area.final_record(one) is None]
    return recovered


def undo(root: Root, operation_id: UUID | str) -> Committed:
    """Take an operation back, as an operation of its own. Refuses (ConcurrentChange) when its files changed since.

    Undoing an undo does the first operation again. Raises StoreError for an unknown, undone or purged operation, and
    when the trash no longer holds what it removed.
    """
    area = area_of(root)
    record = _undoable(area, operation_id)
    with durable.explained(f"cannot undo operation {operation_id}"):
        committed = _undo(area, record)
    area.remove_empty(record.made_directories)
    return committed


def _undoable(area: Area, operation_id: UUID | str) -> Record:
    record = area.final_record(operation_id)
    if record is None:
        raise StoreError(f"operation {operation_id} cannot be undone: it is unknown here")
    if record.purges:
        raise StoreError(f"operation {operation_id} cannot be undone: a purge deletes files for good")
    if record.state != "committed":
        raise StoreError(f"operation {operation_id} cannot be undone: it is {record.state} already")
    if record.purged_at is not None:
        raise StoreError(f"operation {operation_id} cannot be undone: what it removed was purged at {record.purged_at}")
    return record


def _undo(area: Area, record: Record) -> Committed:
    for file in record.files_after:
        if not area.is_unchanged(file):
            raise ConcurrentChange(f"{file.path}: the file changed since then; nothing was changed")
    with Transaction(area.store, "undo", record.directory) as transaction:
        transaction._undoes = record.operation_id
        for file in record.files_after:
            transaction.remove(file.path)
        for file in record.files_before:
            scratch = transaction.stage(file.path)
            transaction._restored[file.path] = area.restage(record.operation_id, file, scratch)
        return transaction.commit()


def _recovered(record: Record, outcome: Literal["rolled_forward", "rolled_back"]) -> Recovered:
    committed = committed_of(record) if outcome == "rolled_forward" else None
    return Recovered(UUID(record.operation_id), outcome, record.kind, record.directory, committed)
