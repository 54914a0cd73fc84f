"""The area of a store in an S3-compatible bucket: one object per file, per record and per trashed file.

A bucket has no locks, and pyarrow.fs no conditional writes, so that exclusive access is what the root's guard gives:
the application's lease. It is relied on from the check of the present files to the close of the record; whoever holds
it may take a pending record or a staged object of others for that of a dead process, since uploads happen under it too.
An upload that a killed process left unfinished is invisible; a lifecycle rule of the bucket removes it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import UUID

import pyarrow.fs as pafs

from catalog_app.store.commit import durable, s3_moves
from catalog_app.store.commit.area import JOURNAL, PENDING, STAGING, TRASH, Area
from catalog_app.store.commit.records import FileRecord, Record, count_rows, decode, encode
from catalog_app.store.commit.workspace import Workspace, discard_dead
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Held

# The largest object that S3 copies on its own side (CopyObject).
COPY_LIMIT: Final = 5 * 2**30


class BucketArea(Area):
    """The prefix .datacatalog/ of a store in a bucket."""

    @contextmanager
    def exclusive(self) -> Iterator[Held]:
        if self.store.guard is None:
            raise StoreError(f"{self.store}: a bucket can only be changed under a lease, and none was given")
        with self.store.guard() as held:
            yield held

    def open_workspace(self, operation_id: UUID) -> Workspace:
        def clean() -> bool:
            with suppress(OSError):
                if not self.is_pending(operation_id):
                    self._delete_tree(f"{STAGING}/{operation_id}")
            return True

        parent = self._scratch()
        durable.make_directories(parent)
        with durable.locked(parent / "lock"):
            return Workspace(parent, operation_id, clean)

    def _scratch(self) -> Path:
        if self.store.scratch is not None:
            return self.store.scratch
        return Path(tempfile.gettempdir()) / f"datacatalog-{os.getuid()}"

    # Journal

    def save_pending(self, record: Record) -> None:
        self._put(f"{PENDING}/{record.operation_id}.json", encode(record))

    def save_final(self, record: Record) -> None:
        self._put(f"{JOURNAL}/{record.operation_id}.json", encode(record))

    def drop_pending(self, operation_id: str) -> None:
        self.delete(f"{PENDING}/{operation_id}.json")
        self._delete_tree(f"{STAGING}/{operation_id}")

    def pending_records(self) -> Iterator[Record]:
        return self._records(PENDING)

    def final_records(self) -> Iterator[Record]:
        return self._records(JOURNAL)

    def final_record(self, operation_id: UUID | str) -> Record | None:
        path = f"{JOURNAL}/{UUID(str(operation_id))}.json"
        return decode(self._get(path), f"{self.store}/{path}") if self.exists(path) else None

    def is_pending(self, operation_id: UUID) -> bool:
        return self.exists(f"{PENDING}/{operation_id}.json")

    def next_sequence(self) -> int:
        path = f"{JOURNAL}/sequence"
        try:
            last = int(self._get(path))
        except (FileNotFoundError, ValueError):
            last = max((record.sequence for record in self.final_records()), default=0)
        self._put(path, str(last + 1).encode())
        return last + 1

    def has_leftovers(self) -> bool:
        return any(self._scratch().glob("*-*")) or bool(self._list(PENDING) or self._list(STAGING))

    def discard_staging(self) -> list[UUID]:
        staged = [UUID(info.base_name) for info in self._list(STAGING) if not info.is_file]
        for operation_id in staged:
            self._delete_tree(f"{STAGING}/{operation_id}")
        parent = self._scratch()
        if parent.is_dir():
            with durable.locked(parent / "lock"):
                discard_dead(parent)
        return staged

    # Facts

    def identity(self, rel_path: str) -> tuple[int, int] | None:
        info = self.store.fs.get_file_info(self.store.full(rel_path))
        return (info.size, info.mtime_ns) if info.is_file else None

    def exists(self, rel_path: str) -> bool:
        """Whether there is such an object."""
        return self.identity(rel_path) is not None

    def parquet_names(self, directory: str) -> set[str]:
        return {info.base_name for info in self._list(directory) if info.is_file and info.extension == "parquet"}

    def describe_present(self, rel_path: str) -> FileRecord:
        with self.store.open_input(rel_path) as file:
            etag, rows = _etag(file.metadata()), count_rows(file)
        identity = self.identity(rel_path)
        if identity is None:
            raise FileNotFoundError(rel_path)
        return FileRecord(rel_path, identity[0], "", rows, identity[1], 0, etag)

    def is_same(self, file: FileRecord) -> bool:
        return self.identity(file.path) == (file.size_bytes, file.mtime_ns) and self.etag(file.path) == file.etag

    def is_unchanged(self, file: FileRecord) -> bool:
        identity = self.identity(file.path)
        return identity is not None and identity[0] == file.size_bytes and self.etag(file.path) == file.etag

    def etag(self, rel_path: str) -> str:
        """The entity tag of an object; FileNotFoundError."""
        with self.store.open_input(rel_path) as file:
            return _etag(file.metadata())

    # Moves

    def missing_directories(self, paths: list[str]) -> list[str]:
        return []

    def remove_empty(self, directories: list[str]) -> None:
        """A bucket has no directories to remove."""

    def require_movable(self, record: Record) -> None:
        for file in (*record.files_before, *record.files_after):
            if file.size_bytes > COPY_LIMIT:
                raise StoreError(f"{file.path}: a bucket cannot move files of more than 5 GiB: split it first")

    def stage(self, record: Record, workspace: Workspace, scratch: dict[str, Path]) -> None:
        record.staged = []
        for file in record.files_after:
            local = scratch[file.path]
            if local.exists():
                remote = f"{STAGING}/{record.operation_id}/{local.name}"
                self._upload(local, remote)
            else:  # an undo: it lies in the trash of the other operation
                remote = f"{TRASH}/{record.undoes}/{file.path}"
            record.staged.append(remote)

    def restage(self, operation_id: str, file: FileRecord, scratch: Path) -> FileRecord:
        trashed = f"{TRASH}/{operation_id}/{file.path}"
        identity = self.identity(trashed)
        if identity is None:
            raise StoreError(f"{file.path}: the trash no longer holds it, so the operation cannot be undone")
        if identity[0] != file.size_bytes:
            raise StoreError(f"{trashed}: the trashed file was changed, so the operation cannot be undone")
        return replace(file, mtime_ns=identity[1], etag=self.etag(trashed))

    def forward(self, record: Record) -> None:
        s3_moves.forward(self, record)

    def backward(self, record: Record) -> None:
        s3_moves.backward(self, record)

    def trash_usage(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        start = len(self.store.full(TRASH)) + 1
        for info in self._list(TRASH, recursive=True):
            if info.is_file:
                operation = info.path[start:].partition("/")[0]
                sizes[operation] = sizes.get(operation, 0) + info.size
        return sizes

    def empty_trash(self, operation_id: str) -> tuple[int, int]:
        files = [info for info in self._list(f"{TRASH}/{operation_id}", recursive=True) if info.is_file]
        self._delete_tree(f"{TRASH}/{operation_id}")
        return len(files), sum(info.size for info in files)

    # Objects

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the bucket: one request, so that readers see the old content or the new."""
        self.store.fs.copy_file(self.store.full(source), self.store.full(target))
        durable.on_step(f"copied to {target}")

    def delete(self, rel_path: str) -> None:
        """Remove an object that may be gone already."""
        with suppress(FileNotFoundError):
            self.store.fs.delete_file(self.store.full(rel_path))
        durable.on_step(f"deleted {rel_path}")

    def _delete_tree(self, rel_path: str) -> None:
        with suppress(FileNotFoundError):
            self.store.fs.delete_dir(self.store.full(rel_path))
        durable.on_step(f"deleted {rel_path}/")

    def _upload(self, local: Path, rel_path: str) -> None:
        pafs.copy_files(str(local), self.store.full(rel_path), pafs.LocalFileSystem(), self.store.fs)
        durable.on_step(f"uploaded {rel_path}")

    def _put(self, rel_path: str, content: bytes) -> None:
        with self.store.fs.open_output_stream(self.store.full(rel_path)) as stream:
            stream.write(content)
        durable.on_step(f"put {rel_path}")

    def _get(self, rel_path: str) -> bytes:
        with self.store.open_input(rel_path) as file:
            return bytes(file.read())

    def _list(self, directory: str, *, recursive: bool = False) -> list[pafs.FileInfo]:
        selector = pafs.FileSelector(self.store.full(directory), recursive=recursive, allow_not_found=True)
        return sorted(self.store.fs.get_file_info(selector), key=lambda info: str(info.path))

    def _records(self, directory: str) -> Iterator[Record]:
        for info in self._list(directory):
            if info.is_file and info.extension == "json":
                path = f"{directory}/{info.base_name}"
                yield decode(self._get(path), f"{self.store}/{path}")


def _etag(metadata: dict[bytes | str, bytes]) -> str:
    found = {str(key.decode() if isinstance(key, bytes) else key).lower(): value for key, value in metadata.items()}
    return found.get("etag", b"").decode().strip('"')
