"""The journal's records: what an operation moves, as JSON under <root>/.datacatalog/journal.

A record in journal/pending/ is decided but maybe not done; one in journal/ is final.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store import durable
from catalog_app.store.errors import StoreError

State = Literal["prepared", "rolling_back", "rolled_back", "committed", "undone"]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as an operation found or made it; `rows` is None where they cannot be counted."""

    path: str
    size_bytes: int
    sha256: str
    rows: int | None
    mtime_ns: int
    inode: int

    def is_at(self, path: Path) -> bool:
        """Whether this very file, unchanged, is at `path`."""
        try:
            stat = path.stat()
        except FileNotFoundError:
            return False
        return (stat.st_size, stat.st_mtime_ns, stat.st_ino) == (self.size_bytes, self.mtime_ns, self.inode)


@dataclass(slots=True)
class Record:
    """One operation. `files_after[i]` is staged as the i-th of `staged`."""

    operation_id: str
    kind: str
    directory: str
    created_at: str
    state: State
    files_before: list[FileRecord] = field(default_factory=list)
    files_after: list[FileRecord] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)
    made_directories: list[str] = field(default_factory=list)
    undoes: str | None = None


class Area:
    """The directory <root>/.datacatalog and where things stand in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / ".datacatalog"
        self.lock = self.path / "lock"
        self.staging = self.path / "staging"
        self.journal = self.path / "journal"
        self.pending = self.journal / "pending"
        self.trash = self.path / "trash"

    def prepare(self) -> None:
        """Make the area's directories."""
        for directory in (self.staging, self.pending, self.trash):
            durable.make_directories(directory)

    def save_pending(self, record: Record) -> None:
        """Decide an operation: after this, a crash ends in what the record's state says."""
        durable.write_atomically(self.pending / f"{record.operation_id}.json", _encode(record))

    def save_final(self, record: Record) -> None:
        """Close an operation that is done."""
        durable.write_atomically(self.journal / f"{record.operation_id}.json", _encode(record))

    def pending_records(self) -> Iterator[Record]:
        """Records of operations that a crash may have interrupted."""
        for path in sorted(self.pending.glob("*.json")):
            yield _decode(path)

    def final_records(self) -> Iterator[Record]:
        """All closed operations, in no order of time."""
        for path in sorted(self.journal.glob("*.json")):
            yield _decode(path)

    def final_record(self, operation_id: UUID | str) -> Record | None:
        """A closed operation, or None."""
        path = self.journal / f"{UUID(str(operation_id))}.json"
        return _decode(path) if path.exists() else None


def describe(path: Path, rel_path: str) -> FileRecord:
    """Identity, hash and row count of the file at `path`."""
    before = path.stat()
    record = FileRecord(
        rel_path, before.st_size, durable.sha256(path), count_rows(path), before.st_mtime_ns, before.st_ino
    )
    if not record.is_at(path):
        raise StoreError(f"{rel_path}: the file changed while it was being read: retry")
    return record


def count_rows(path: Path) -> int | None:
    """Rows by a Parquet file's footer; None for anything else."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None


def _encode(record: Record) -> bytes:
    return json.dumps(asdict(record), indent=1).encode()


def _decode(path: Path) -> Record:
    try:
        fields = json.loads(path.read_bytes())
        for key in ("files_before", "files_after"):
            fields[key] = [FileRecord(**item) for item in fields[key]]
        return Record(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: this journal record is damaged; keep the directory and repair it by hand") from error
