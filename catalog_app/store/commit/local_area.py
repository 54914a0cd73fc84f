"""The area of a store on a local file system: flock for exclusive access, fsync for every step."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import UUID

from catalog_app.store.commit import durable, moves
from catalog_app.store.commit.area import AREA, JOURNAL, PENDING, STAGING, TRASH, Area
from catalog_app.store.commit.records import FileRecord, Record, decode, describe, encode, parents_of
from catalog_app.store.commit.workspace import Workspace, discard_dead
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Held, StoreRoot


class LocalArea(Area):
    """The directory <root>/.datacatalog and where things stand in it."""

    def __init__(self, store: StoreRoot) -> None:
        super().__init__(store)
        self.root = store.path
        self.path = self.root / AREA
        self.lock = self.path / "lock"
        self.staging = self.root / STAGING
        self.journal = self.root / JOURNAL
        self.pending = self.root / PENDING
        self.trash = self.root / TRASH

    def live(self, directory: str) -> Path:
        """Where a directory really is, linked or not."""
        return (self.root / directory).resolve()

    def built(self, record: Record) -> Path:
        """Where an operation builds directories."""
        return self.staging / record.operation_id / "directories"

    def _prepare(self) -> None:
        if not self.root.is_dir():
            raise StoreError(f"{self.root}: no such directory; create the store's root first")
        for directory in (self.staging, self.pending, self.trash):
            durable.make_directories(directory)

    @contextmanager
    def exclusive(self) -> Iterator[Held]:
        self._prepare()
        with ExitStack() as stack:
            held = stack.enter_context(self.store.guard()) if self.store.guard else _still_locked
            stack.enter_context(durable.locked(self.lock))
            yield held

    def open_workspace(self, operation_id: UUID) -> Workspace:
        # A record that could be neither completed nor rolled back needs its staged files in `recover`.
        return Workspace(self.staging, operation_id, lambda: not self.is_pending(operation_id))

    def _pending_path(self, operation_id: UUID | str) -> Path:
        return self.pending / f"{operation_id}.json"

    def save_pending(self, record: Record) -> None:
        durable.write_atomically(self._pending_path(record.operation_id), encode(record))

    def save_final(self, record: Record) -> None:
        durable.write_atomically(self.journal / f"{record.operation_id}.json", encode(record))

    def drop_pending(self, operation_id: str) -> None:
        durable.remove(self._pending_path(operation_id))
        durable.fsync_directory(self.pending)

    def is_pending(self, operation_id: UUID) -> bool:
        return self._pending_path(operation_id).exists()

    def pending_records(self) -> Iterator[Record]:
        for path in sorted(self.pending.glob("*.json")):
            yield decode(path.read_bytes(), str(path))

    def final_records(self) -> Iterator[Record]:
        for path in sorted(self.journal.glob("*.json")):
            yield decode(path.read_bytes(), str(path))

    def final_record(self, operation_id: UUID | str) -> Record | None:
        path = self.journal / f"{UUID(str(operation_id))}.json"
        return decode(path.read_bytes(), str(path)) if path.exists() else None

    def next_sequence(self) -> int:
        path = self.journal / "sequence"
        try:
            last = int(path.read_text())
        except (FileNotFoundError, ValueError):
            last = max((record.sequence for record in self.final_records()), default=0)
        # Not synced: a number given twice after a power cut does no harm, it only leaves two operations unordered.
        temporary = path.with_name(".sequence.tmp")
        temporary.write_text(str(last + 1))
        temporary.replace(path)
        return last + 1

    def has_leftovers(self) -> bool:
        return self.pending.is_dir() and (any(self.pending.glob("*.json")) or any(self.staging.glob("*")))

    def discard_staging(self) -> list[UUID]:
        return discard_dead(self.staging)

    def identity(self, rel_path: str) -> tuple[int, int] | None:
        try:
            stat = (self.root / rel_path).stat()
        except FileNotFoundError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def parquet_names(self, directory: str) -> set[str]:
        try:
            return {path.name for path in (self.root / directory).iterdir() if path.suffix == ".parquet"}
        except FileNotFoundError:
            return set()

    def describe_present(self, rel_path: str) -> FileRecord:
        return describe(self.root / rel_path, rel_path)

    def is_unchanged(self, file: FileRecord) -> bool:
        path = self.root / file.path
        return path.exists() and path.stat().st_size == file.size_bytes and durable.sha256(path) == file.sha256

    def is_same(self, file: FileRecord) -> bool:
        return file.is_at(self.root / file.path)

    def missing_directories(self, paths: list[str]) -> list[str]:
        return [parent for parent in parents_of(paths) if not (self.root / parent).exists()]

    def remove_empty(self, directories: list[str]) -> None:
        for directory in directories:
            with suppress(OSError):  # not empty, or gone
                (self.root / directory).rmdir()

    def require_movable(self, record: Record) -> None:
        device = self.path.stat().st_dev
        for file in (*record.files_before, *record.files_after):
            target = self.root / file.path
            if next(parent for parent in target.parents if parent.exists()).stat().st_dev != device:
                raise StoreError(f"{file.path}: lies on another file system than {self.path}; use one for a store")

    def stage(self, record: Record, workspace: Workspace, scratch: dict[str, Path]) -> None:
        record.staged = [scratch[file.path].name for file in record.files_after]
        moves.prepare(self, record)
        durable.fsync_directory(workspace.path)

    def forward(self, record: Record) -> None:
        moves.forward(self, record)

    def backward(self, record: Record) -> None:
        moves.backward(self, record)

    def restage(self, operation_id: str, file: FileRecord, scratch: Path) -> FileRecord:
        trashed = self.trash / operation_id / file.path
        if not trashed.exists():
            raise StoreError(f"{file.path}: the trash no longer holds it, so the operation cannot be undone")
        if durable.sha256(trashed) != file.sha256:
            raise StoreError(f"{trashed}: the trashed file was changed, so the operation cannot be undone")
        try:
            os.link(trashed, scratch)
        except OSError:
            shutil.copy2(trashed, scratch)
        return describe(scratch, file.path)

    def trash_usage(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        links: Counter[tuple[int, int]] = Counter()
        for operation in self.trash.iterdir() if self.trash.is_dir() else ():
            sizes.setdefault(operation.name, 0)
            for path in operation.rglob("*"):
                stat = path.lstat()
                links[stat.st_dev, stat.st_ino] += 1
                # A file that is linked elsewhere too, as after an undo, takes no room of its own.
                if path.is_file() and links[stat.st_dev, stat.st_ino] == stat.st_nlink:
                    sizes[operation.name] += stat.st_size
        return sizes

    def empty_trash(self, operation_id: str) -> tuple[int, int]:
        trash = self.trash / operation_id
        files = freed = 0
        for path in sorted(trash.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
                continue
            stat = path.lstat()
            files, freed = files + 1, freed + (stat.st_size if stat.st_nlink == 1 else 0)
            durable.remove(path)
        with suppress(FileNotFoundError):
            trash.rmdir()
        return files, freed


def _still_locked() -> None:
    """A flock is never lost while its process lives."""
