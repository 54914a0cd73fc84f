"""Changes of a store, whole or not at all.

Protocol of a commit: staged files are written and synced under .datacatalog/staging/<operation>; under the store's
lock the present files are checked, then a journal record that names every move is put in place and synced (the point
of decision); files to remove are renamed into .datacatalog/trash/<operation>, staged files are renamed into place,
directories are synced, and the record is closed. `recover` finishes what a crash interrupted: operations with a record
go forward, staging without one is thrown away once no process holds its lock.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Literal, Self
from uuid import UUID, uuid4

from catalog_app.store import durable
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.records import Area, FileRecord, Record, describe

Check = Callable[[frozenset[str]], None]


@dataclass(frozen=True, slots=True)
class Committed:
    """A change that happened: files that left (now in the trash) and files that came."""

    operation_id: UUID
    files_before: list[FileRecord]
    files_after: list[FileRecord]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What `recover` did with one interrupted operation."""

    operation_id: UUID
    outcome: Literal["rolled_forward", "rolled_back", "discarded"]
    kind: str = ""
    directory: str = ""
    committed: Committed | None = None


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
            made_directories=_missing_directories(self.root, self._staged),
            undoes=self._undoes,
        )
        with durable.locked(self._area.lock):
            self._verify(record)
            self._area.save_pending(record)
            _complete(self._area, record)
        return _committed(record)

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
    _remove_empty(area.root, record.made_directories)
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


def find_operation(root: Path, operation_id: UUID | str) -> Committed | None:
    """A committed (and not undone) operation by its id, or None: has a repeated caller's work been done already?"""
    record = Area(Path(root)).final_record(operation_id)
    return _committed(record) if record is not None and record.state == "committed" else None


def operations(root: Path) -> Iterator[Record]:
    """All closed operations of a store, in no order of time."""
    yield from Area(Path(root)).final_records()


def _complete(area: Area, record: Record) -> None:
    """Carry out a decided record; on a conflict or a failing disk, take it back and raise."""
    try:
        _forward(area, record)
    except (ConcurrentChange, OSError) as error:
        try:
            _back(area, record)
        except OSError as second:
            raise StoreError(
                f"operation {record.operation_id} is half done ({error}) and could not be taken back ({second}): "
                "mend the disk, then recover the store, which ends it"
            ) from error
        raise
    _finish(area, record, "committed")


def _recover_one(area: Area, record: Record) -> Recovered:
    operation_id = UUID(record.operation_id)
    final = area.final_record(operation_id)
    if final is not None and final.state in {"committed", "undone"}:
        durable.remove(area.pending / f"{operation_id}.json")
        return Recovered(operation_id, "rolled_forward", record.kind, record.directory, _committed(final))
    if record.state == "rolling_back":
        _back(area, record)
        return Recovered(operation_id, "rolled_back", record.kind, record.directory)
    try:
        _complete(area, record)
    except ConcurrentChange:
        return Recovered(operation_id, "rolled_back", record.kind, record.directory)
    return Recovered(operation_id, "rolled_forward", record.kind, record.directory, _committed(record))


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


def _back(area: Area, record: Record) -> None:
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
    _remove_empty(area.root, record.made_directories)
    _finish(area, record, "rolled_back")


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


def _committed(record: Record) -> Committed:
    return Committed(UUID(record.operation_id), record.files_before, record.files_after)


def _require_data_path(rel_path: str) -> None:
    parts = PurePosixPath(rel_path).parts
    if len(parts) < 2 or parts[0] != "data" or ".." in parts or "\0" in rel_path or "/".join(parts) != rel_path:
        raise ValueError(f"{rel_path!r} is not a path below the store's data directory")


def _missing_directories(root: Path, paths: dict[str, Path]) -> list[str]:
    """Directories that a commit makes, innermost first: a rollback or an undo removes them when empty."""
    missing = {
        str(parent)
        for path in paths
        for parent in PurePosixPath(path).parents
        if parent.parts and not (root / parent).exists()
    }
    return sorted(missing, key=lambda path: -path.count("/"))


def _remove_empty(root: Path, directories: list[str]) -> None:
    for directory in directories:
        try:
            (root / directory).rmdir()
        except OSError:  # not empty, or gone
            continue


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())
