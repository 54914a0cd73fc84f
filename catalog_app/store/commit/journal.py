"""Changes of a store, whole or not at all.

Protocol of a commit: files are written in a workspace; with exclusive access the present files are checked and the
staged ones made ready, then a journal record that names every move is put in place (the point of decision); then each
directory gets its new content (locally in one step: moves.py; in a bucket: s3_moves.py), files that left are in
.datacatalog/trash/<operation>, and the record is closed. `recovery.recover` finishes what a crash interrupted:
operations with a record go forward, staging without one is thrown away once its process is dead.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self
from uuid import UUID, uuid4

from catalog_app.store.commit import durable
from catalog_app.store.commit.area import Area
from catalog_app.store.commit.area_of import area_of
from catalog_app.store.commit.moves import Committed, committed_of
from catalog_app.store.commit.records import FileRecord, Record, describe
from catalog_app.store.commit.workspace import Workspace
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.filesystem import Root, StoreRoot

_HASHING_THREADS: Final = 2
_LARGE_BYTES: Final = 1 << 20

Check = Callable[[frozenset[str]], None]


class Transaction:
    """One change of a store: stage files, name files to remove, commit. Aborts when left without a commit.

    `directory` is the dataset's directory below the root, `kind` the verb ("import"). A caller that may be repeated
    after a crash passes its own `operation_id` and asks `find_operation` first. A bucket's root must be
    `StoreRoot.guarded`. Raises StoreError where the store cannot be written.
    """

    def __init__(self, root: Root, kind: str, directory: str, *, operation_id: UUID | None = None) -> None:
        self.store = StoreRoot.at(root)
        self.kind = kind
        self.directory = directory
        self.operation_id = operation_id or uuid4()
        self._area: Area = area_of(self.store)
        self._staged: dict[str, Path] = {}
        self._restored: dict[str, FileRecord] = {}
        self._described: dict[str, Future[FileRecord]] = {}
        self._removed: dict[str, Future[FileRecord] | None] = {}
        self._hashing: ThreadPoolExecutor | None = None
        self._expected: list[tuple[str, int, int]] = []
        self._listings: dict[str, set[str]] = {}
        self._checks: list[Check] = []
        self._undoes: str | None = None
        self._scratch_count = 0
        self._workspace: Workspace | None = self._open()

    def _open(self) -> Workspace:
        with durable.explained(f"cannot write to the store {self.store}"), self._area.exclusive():
            if self._area.is_pending(self.operation_id):
                raise StoreError(f"operation {self.operation_id} was interrupted: recover the store first")
            record = self._area.final_record(self.operation_id)
            if record is not None and record.state != "rolled_back":
                raise StoreError(f"operation {self.operation_id} was done already ({record.state})")
            return self._area.open_workspace(self.operation_id)

    @property
    def root(self) -> Path:
        """The local directory of the store; StoreError for a bucket, see `store`."""
        return self.store.path

    @property
    def removed(self) -> frozenset[str]:
        """Paths that leave at commit."""
        return frozenset(self._removed)

    @property
    def staged(self) -> frozenset[str]:
        """Paths that come at commit."""
        return frozenset(self._staged)

    def scratch(self) -> Path:
        """A fresh local file name in the staging directory, for a file whose final name is not known yet."""
        workspace = self._require_open()
        self._scratch_count += 1
        return workspace.path / f"{self._scratch_count:06d}.staged"

    def adopt(self, scratch: Path, final_rel_path: str) -> None:
        """Name where a written file goes at commit; ValueError for a path outside data/ or named twice."""
        self._name(scratch, final_rel_path)
        if scratch.stat().st_size >= _LARGE_BYTES:
            self._described[final_rel_path] = self._aside(describe, scratch, final_rel_path)

    def _name(self, scratch: Path, final_rel_path: str) -> None:
        _require_data_path(final_rel_path)
        if final_rel_path in self._staged:
            raise ValueError(f"{final_rel_path} is staged already")
        self._staged[final_rel_path] = scratch

    def stage(self, final_rel_path: str) -> Path:
        """The file to write, which goes to `final_rel_path` at commit."""
        scratch = self.scratch()
        self._name(scratch, final_rel_path)
        return scratch

    def remove(self, rel_path: str) -> None:
        """Move a present file to the trash at commit."""
        self._require_open()
        _require_data_path(rel_path)
        if rel_path not in self._removed:
            self._removed[rel_path] = self._removal(rel_path)

    def _removal(self, rel_path: str) -> "Future[FileRecord] | None":
        """A large file is hashed while others are written; small ones in a row cost less than handing them over."""
        size, _ = self._area.identity(rel_path) or (0, 0)
        return self._aside(self._area.describe_present, rel_path) if size >= _LARGE_BYTES else None

    def _aside[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if self._hashing is None:
            self._hashing = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="hash")
        return self._hashing.submit(work, *args, **kwargs)

    def expect(self, rel_path: str, size_bytes: int, mtime_ns: int) -> None:
        """Make the commit refuse (ConcurrentChange) unless the file is still as given."""
        self._expected.append((rel_path, size_bytes, mtime_ns))

    def expect_directory(self, directory: str, listing: Iterable[str]) -> None:
        """Make the commit refuse (ConcurrentChange) unless the directory has just these .parquet files.

        For an operation that depends on all of them; `listing` gives their names, or paths.
        """
        names = {PurePosixPath(path).name for path in listing}
        self._listings[directory] = {name for name in names if name.endswith(".parquet")}

    def require(self, check: Check) -> None:
        """Run `check(removed paths)` with exclusive access at commit; what it raises aborts the commit."""
        self._checks.append(check)

    def commit(self) -> Committed:
        """Make the change. Raises ConcurrentChange or StoreError, with the store as it was, or HalfDone."""
        workspace = self._require_open()
        with durable.explained(f"cannot commit to the store {self.store}"):
            try:
                return self._commit(workspace)
            except FileNotFoundError as error:
                raise ConcurrentChange(f"{error.filename or error}: the file is gone; nothing was changed") from error
            finally:
                self.abort()

    def abort(self) -> None:
        """Throw the staged files away. Does nothing after a commit."""
        if self._hashing is not None:
            self._hashing.shutdown(wait=False, cancel_futures=True)
            self._hashing = None
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _commit(self, workspace: Workspace) -> Committed:
        for path in self._staged.values():
            if path.exists():
                durable.fsync_file(path)
        record = Record(
            operation_id=str(self.operation_id),
            kind=self.kind,
            directory=self.directory,
            created_at=datetime.now(UTC).isoformat(),
            state="prepared",
            files_before=[
                described.result() if described else self._area.describe_present(rel_path)
                for rel_path, described in self._removed.items()
            ],
            files_after=[self._describe_staged(rel_path, path) for rel_path, path in self._staged.items()],
            undoes=self._undoes,
        )
        with self._area.exclusive() as held:
            # A record that is still pending under the lock belongs to a process that died: it goes first.
            self._area.finish_interrupted()
            record.sequence = self._area.next_sequence()
            record.made_directories = self._area.missing_directories(list(self._staged))
            self._verify(record)
            self._area.stage(record, workspace, self._staged)
            if not self.store.is_local:  # uploads take their time
                self._verify(record)
            held()
            self._area.save_pending(record)
            self._area.complete(record)
        return committed_of(record)

    def _describe_staged(self, rel_path: str, path: Path) -> FileRecord:
        if rel_path in self._restored:
            return self._restored[rel_path]
        record = self._described[rel_path].result() if rel_path in self._described else None
        return record if record and record.is_at(path) else describe(path, rel_path)

    def _verify(self, record: Record) -> None:
        for rel_path, size_bytes, mtime_ns in self._expected:
            identity = self._area.identity(rel_path)
            if identity is None:
                raise ConcurrentChange(f"{rel_path}: the file is gone; nothing was changed")
            if identity != (size_bytes, mtime_ns):
                raise ConcurrentChange(f"{rel_path}: the file changed meanwhile; nothing was changed")
        for directory, names in self._listings.items():
            if different := sorted(self._area.parquet_names(directory) ^ names):
                raise ConcurrentChange(f"{directory}/{different[0]}: came or went meanwhile; nothing was changed")
        for file in record.files_before:
            if not self._area.is_same(file):
                raise ConcurrentChange(f"{file.path}: the file changed meanwhile; nothing was changed")
        self._area.require_movable(record)
        for file in record.files_after:
            if file.path not in self._removed and self._area.identity(file.path) is not None:
                raise ConcurrentChange(f"{file.path}: a file of this name exists; nothing was changed")
        for check in self._checks:
            check(frozenset(self._removed))

    def _require_open(self) -> Workspace:
        if self._workspace is None:
            raise StoreError(f"operation {self.operation_id} is closed")
        return self._workspace


def find_operation(root: Root, operation_id: UUID | str) -> Committed | None:
    """A committed (and not undone) operation by its id, or None: has a repeated caller's work been done already?"""
    record = area_of(root).final_record(operation_id)
    return committed_of(record) if record is not None and record.state == "committed" else None


def operations(root: Root) -> Iterator[Record]:
    """All closed operations of a store, the oldest first, whatever the clock said."""
    yield from sorted(area_of(root).final_records(), key=lambda record: record.sequence)


def _require_data_path(rel_path: str) -> None:
    parts = PurePosixPath(rel_path).parts
    if len(parts) < 2 or parts[0] != "data" or ".." in parts or "\0" in rel_path or "/".join(parts) != rel_path:
        raise ValueError(f"{rel_path!r} is not a path below the store's data directory")
