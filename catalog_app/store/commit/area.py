"""The place <root>/.datacatalog and what an operation needs of it, whatever the file system.

staging/<operation> holds files on their way in, trash/<operation> those that left, journal/ the records.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from catalog_app.store.commit.records import FileRecord, Record
from catalog_app.store.commit.workspace import Workspace
from catalog_app.store.errors import ConcurrentChange, HalfDone
from catalog_app.store.filesystem import Held, StoreRoot

AREA: Final = ".datacatalog"
STAGING: Final = f"{AREA}/staging"
TRASH: Final = f"{AREA}/trash"
JOURNAL: Final = f"{AREA}/journal"
PENDING: Final = f"{JOURNAL}/pending"

Outcome = Literal["rolled_forward", "rolled_back"]


class Area(ABC):
    """A store's journal, staging and trash, and the moves between them and the data."""

    def __init__(self, store: StoreRoot) -> None:
        self.store = store

    # Access and journal

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[Held]:
        """Be the only one who changes the store; the answer raises StoreError once that is lost."""

    @abstractmethod
    def open_workspace(self, operation_id: UUID) -> Workspace:
        """A fresh local directory; StoreError when the operation runs in another process. Called under `exclusive`."""

    @abstractmethod
    def save_pending(self, record: Record) -> None:
        """Decide an operation: after this, a crash ends in what the record's state says."""

    @abstractmethod
    def save_final(self, record: Record) -> None:
        """Write down how an operation ended."""

    @abstractmethod
    def drop_pending(self, operation_id: str) -> None:
        """Close an operation that has its final record."""

    @abstractmethod
    def pending_records(self) -> Iterator[Record]:
        """Records of operations that a crash may have interrupted, in the order of decision."""

    @abstractmethod
    def final_records(self) -> Iterator[Record]:
        """All closed operations, in no order."""

    @abstractmethod
    def final_record(self, operation_id: UUID | str) -> Record | None:
        """A closed operation, or None."""

    @abstractmethod
    def is_pending(self, operation_id: UUID) -> bool:
        """Whether an operation is decided and not closed."""

    @abstractmethod
    def next_sequence(self) -> int:
        """The next operation's number, above all given so far. Called under `exclusive`."""

    @abstractmethod
    def has_leftovers(self) -> bool:
        """Whether there may be something to recover; changes nothing, also where no area was made yet."""

    @abstractmethod
    def discard_staging(self) -> list[UUID]:
        """Remove staged files of dead processes, and say whose. Called under `exclusive`."""

    # Facts

    @abstractmethod
    def identity(self, rel_path: str) -> tuple[int, int] | None:
        """Size and modification time (ns) of a file, or None where there is none."""

    @abstractmethod
    def parquet_names(self, directory: str) -> set[str]:
        """Names of the .parquet files directly in a directory."""

    @abstractmethod
    def describe_present(self, rel_path: str) -> FileRecord:
        """A file of the store as it is; FileNotFoundError."""

    @abstractmethod
    def is_unchanged(self, file: FileRecord) -> bool:
        """Whether the file is in its place with its content, however it came there."""

    @abstractmethod
    def is_same(self, file: FileRecord) -> bool:
        """Whether the file is in its place as it was described: cheap, and never true for a changed file."""

    # Moves

    @abstractmethod
    def missing_directories(self, paths: list[str]) -> list[str]:
        """Directories that a commit makes, innermost first: a rollback or an undo removes them when empty."""

    @abstractmethod
    def remove_empty(self, directories: list[str]) -> None:
        """Remove those of the directories that are empty."""

    @abstractmethod
    def require_movable(self, record: Record) -> None:
        """StoreError where the files cannot be moved between data and trash."""

    @abstractmethod
    def stage(self, record: Record, workspace: Workspace, scratch: dict[str, Path]) -> None:
        """Bring the staged files where `forward` takes them from, before the decision; fills record.staged."""

    @abstractmethod
    def forward(self, record: Record) -> None:
        """Carry out a decided record; may be repeated after a crash. ConcurrentChange, OSError."""

    @abstractmethod
    def backward(self, record: Record) -> None:
        """Take back what `forward` did so far; may be repeated after a crash."""

    @abstractmethod
    def restage(self, operation_id: str, file: FileRecord, scratch: Path) -> FileRecord:
        """Make a trashed file ready to come back, without taking it out of the trash: a crash must not lose it."""

    @abstractmethod
    def trash_usage(self) -> dict[str, int]:
        """Bytes that each operation's trash holds."""

    @abstractmethod
    def empty_trash(self, operation_id: str) -> tuple[int, int]:
        """Delete an operation's trash: the number of files, and the bytes that came free."""

    # The same on every file system

    def complete(self, record: Record) -> None:
        """Carry out a decided record and close it; on a conflict or a failing disk, take it back and raise."""
        if record.purges:
            for operation_id in record.purges:
                self.empty_trash(operation_id)
            self.finish(record, "committed")
            return
        try:
            self.forward(record)
        except (ConcurrentChange, OSError) as error:
            try:
                self.take_back(record)
            except OSError as second:
                raise HalfDone(
                    f"operation {record.operation_id} is half done ({error}) and could not be taken back ({second}): "
                    "mend the disk, then recover the store, which ends it"
                ) from error
            raise
        try:
            self.finish(record, "committed")
        except OSError as error:
            raise HalfDone(
                f"operation {record.operation_id} is done, but its record could not be closed ({error}): "
                "mend the disk, then recover the store, which closes it"
            ) from error

    def take_back(self, record: Record) -> None:
        """Undo the steps of a record that cannot be completed, and close it."""
        if record.state != "rolling_back":
            record.state = "rolling_back"
            self.save_pending(record)
        self.backward(record)
        self.remove_empty(record.made_directories)
        self.finish(record, "rolled_back")

    def finish(self, record: Record, state: Literal["committed", "rolled_back"]) -> None:
        """Close a record; every step may be repeated."""
        if state == "committed":
            self._note_others(record)
        record.state = state
        for item in record.switches:  # may be thousands of names, which nobody needs any more
            item.kept.clear()
        self.save_final(record)
        self.drop_pending(record.operation_id)

    def _note_others(self, record: Record) -> None:
        """What this operation means for the records of others: undone, done again, purged."""
        undone = self.final_record(record.undoes) if record.undoes else None
        if undone is not None and undone.state == "committed":
            undone.state = "undone"
            self.save_final(undone)
        original = self.final_record(undone.undoes) if undone is not None and undone.undoes else None
        if original is not None and original.state == "undone":
            original.state = "committed"
            self.save_final(original)
        for operation_id in record.purges:
            purged = self.final_record(operation_id)
            if purged is not None and purged.purged_at is None:
                purged.purged_at = record.created_at
                self.save_final(purged)

    def finish_interrupted(self) -> list[tuple[Record, Outcome]]:
        """End the decided operations of dead processes. Called under `exclusive`, which they held until their close."""
        return [(record, self._finish_one(record)) for record in sorted(self.pending_records(), key=_order)]

    def _finish_one(self, record: Record) -> Outcome:
        final = self.final_record(record.operation_id)
        if final is not None and final.state in {"committed", "undone"}:
            record.state = final.state
            self.drop_pending(record.operation_id)
            return "rolled_forward"
        if record.state == "rolling_back":
            self.take_back(record)
            return "rolled_back"
        try:
            self.complete(record)
        except ConcurrentChange:
            return "rolled_back"
        return "rolled_forward"


def _order(record: Record) -> int:
    return record.sequence
