"""Changes of a store, whole or not at all.

Protocol of a commit: staged files are written and synced under .datacatalog/staging/<operation>; under the store's
lock the present files are checked, then a journal record that names every move is put in place and synced (the point
of decision); files to remove are renamed into .datacatalog/trash/<operation>, staged files are renamed into place,
directories are synced, and the record is closed. `recovery.recover` finishes what a crash interrupted: operations with
a record go forward, staging without one is thrown away once no process holds its lock.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from catalog_app.store import durable
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.moves import Committed, committed_of, complete, missing_directories
from catalog_app.store.records import Area, Record, describe

Check = Callable[[frozenset[str]], None]


class Transaction:
    """One change of a store: stage files, name files to remove, commit. Aborts when left without a commit.

    `directory` is the dataset's directory below the root, `kind` the verb ("import"). A caller that may be repeated
    after a crash passes its own `operation_id` and asks `find_operation` first. Raises StoreError where the store
    cannot be written.
    """

    def __init__(self, root: Path, kind: str, directory: str, *, operation_id: UUID | None = None) -> None:
        self.root = Path(root)
        self.kind = kind
        self.directory = directory
        self.operation_id = operation_id or uuid4()
        self._area = Area(self.root)
        self._staging = self._area.staging / str(self.operation_id)
        self._staged: dict[str, Path] = {}
        self._removed: dict[str, None] = {}
        self._expected: list[tuple[str, int, int]] = []
        self._checks: list[Check] = []
        self._undoes: str | None = None
        self._scratch_count = 0
        self._lock: int | None = self._open()

    def _open(self) -> int:
        with durable.explained(f"cannot write to the store {self.root}"):
            if not self.root.is_dir():
                raise StoreError(f"{self.root}: no such directory; create the store's root first")
            self._area.prepare()
            with durable.locked(self._area.lock):
                if (self._area.pending / f"{self.operation_id}.json").exists():
                    raise StoreError(f"operation {self.operation_id} was interrupted: recover the store first")
                record = self._area.final_record(self.operation_id)
                if record is not None and record.state != "rolled_back":
                    raise StoreError(f"operation {self.operation_id} was done already ({record.state})")
                durable.make_directories(self._staging)
                lock = durable.try_lock(self._staging / ".lock")
                if lock is None:
                    raise StoreError(f"operation {self.operation_id} is running in another process")
                for leftover in self._staging.iterdir():
                    if leftover.name != ".lock":
                        leftover.unlink()
                return lock

    @property
    def removed(self) -> frozenset[str]:
        """Paths that leave at commit."""
        return frozenset(self._removed)

    @property
    def staged(self) -> frozenset[str]:
        """Paths that come at commit."""
        return frozenset(self._staged)

    def scratch(self) -> Path:
        """A fresh file name in the staging directory, for a file whose final name is not known yet."""
        self._require_open()
        self._scratch_count += 1
        return self._staging / f"{self._scratch_count:06d}.staged"

    def adopt(self, scratch: Path, final_rel_path: str) -> None:
        """Name where a scratch file goes at commit; ValueError for a path outside data/ or named twice."""
        _require_data_path(final_rel_path)
        if final_rel_path in self._staged:
            raise ValueError(f"{final_rel_path} is staged already")
        self._staged[final_rel_path] = scratch

    def stage(self, final_rel_path: str) -> Path:
        """The file to write, which goes to `final_rel_path` at commit."""
        scratch = self.scratch()
        self.adopt(scratch, final_rel_path)
        return scratch

    def remove(self, rel_path: str) -> None:
        """Move a present file to the trash at commit."""
        self._require_open()
        _require_data_path(rel_path)
        self._removed[rel_path] = None

    def expect(self, rel_path: str, size_bytes: int, mtime_ns: int) -> None:
        """Make the commit refuse (ConcurrentChange) unless the file is still as given."""
        self._expected.append((rel_path, size_bytes, mtime_ns))

    def require(self, check: Check) -> None:
        """Run `check(removed paths)` under the store's lock at commit; what it raises aborts the commit."""
        self._checks.append(check)

    def commit(self) -> Committed:
        """Make the change. Raises ConcurrentChange or StoreError, with the store as it was."""
        self._require_open()
        with durable.explained(f"cannot commit to the store {self.root}"):
            try:
                return self._commit()
            except FileNotFoundError as error:
                raise ConcurrentChange(f"{error.filename}: the file is gone; nothing was changed") from error
            finally:
                self._close()

    def abort(self) -> None:
        """Throw the staged files away. Does nothing after a commit."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _commit(self) -> Committed:
        for path in self._staged.values():
            durable.fsync_file(path)
        durable.fsync_directory(self._staging)
        after = [describe(path, rel_path) for rel_path, path in self._staged.items()]
        before = [describe(self.root / rel_path, rel_path) for rel_path in self._removed]
        record = Record(
            operation_id=str(self.operation_id),
            kind=self.kind,
            directory=self.directory,
            created_at=datetime.now(UTC).isoformat(),
            state="prepared",
            files_before=before,
            files_after=after,
            staged=[path.name for path in self._staged.values()],
            made_directories=missing_directories(self.root, self._staged),
            undoes=self._undoes,
        )
        with durable.locked(self._area.lock):
            self._verify(record)
            self._area.save_pending(record)
            complete(self._area, record)
        return committed_of(record)

    def _verify(self, record: Record) -> None:
        for rel_path, size_bytes, mtime_ns in self._expected:
            try:
                stat = (self.root / rel_path).stat()
            except FileNotFoundError:
                raise ConcurrentChange(f"{rel_path}: the file is gone; nothing was changed") from None
            if (stat.st_size, stat.st_mtime_ns) != (size_bytes, mtime_ns):
                raise ConcurrentChange(f"{rel_path}: the file changed meanwhile; nothing was changed")
        for file in record.files_before:
            if not file.is_at(self.root / file.path):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
        device = self._staging.stat().st_dev
        for file in (*record.files_before, *record.files_after):
            target = self.root / file.path
            if _existing_parent(target).stat().st_dev != device:
                raise StoreError(
                    f"{file.path}: lies on another file system than {self._area.path}; use one for a store"
                )
        for file in record.files_after:
            if os.path.lexists(self.root / file.path) and file.path not in self._removed:
                raise ConcurrentChange(f"{file.path}: a file of this name exists; nothing was changed")
        for check in self._checks:
            check(self.removed)

    def _require_open(self) -> None:
        if self._lock is None:
            raise StoreError(f"operation {self.operation_id} is closed")

    def _close(self) -> None:
        if self._lock is None:
            return
        # A record that could be neither completed nor rolled back needs its staged files in `recover`.
        if not (self._area.pending / f"{self.operation_id}.json").exists():
            shutil.rmtree(self._staging, ignore_errors=True)
        os.close(self._lock)
        self._lock = None


def find_operation(root: Path, operation_id: UUID | str) -> Committed | None:
    """A committed (and not undone) operation by its id, or None: has a repeated caller's work been done already?"""
    record = Area(Path(root)).final_record(operation_id)
    return committed_of(record) if record is not None and record.state == "committed" else None


def operations(root: Path) -> Iterator[Record]:
    """All closed operations of a store, in no order of time."""
    yield from Area(Path(root)).final_records()


def _require_data_path(rel_path: str) -> None:
    parts = PurePosixPath(rel_path).parts
    if len(parts) < 2 or parts[0] != "data" or ".." in parts or "\0" in rel_path or "/".join(parts) != rel_path:
        raise ValueError(f"{rel_path!r} is not a path below the store's data directory")


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())
