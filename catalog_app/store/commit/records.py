"""The journal's records: what an operation moves, as JSON.

A record in .datacatalog/journal/pending/ is decided but maybe not done; one in .datacatalog/journal/ is final.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import pyarrow as pa

from catalog_app.store.commit import durable
from catalog_app.store.errors import FileProblem, StoreError
from catalog_app.store.parquet.footer import read_raw_footer, rows_of

State = Literal["prepared", "rolling_back", "rolled_back", "committed", "undone"]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as an operation found or made it; `rows` is None where they cannot be counted.

    An object of a bucket has an `etag` instead of an inode; one that we did not write has no `sha256` ("").
    """

    path: str
    size_bytes: int
    sha256: str
    rows: int | None
    mtime_ns: int
    inode: int
    etag: str = ""

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def is_at(self, path: Path) -> bool:
        """Whether this very file, unchanged, is at a local `path`."""
        try:
            stat = path.stat()
        except FileNotFoundError:
            return False
        return (stat.st_size, stat.st_mtime_ns, stat.st_ino) == (self.size_bytes, self.mtime_ns, self.inode)


@dataclass(slots=True)
class Switch:
    """A directory that changes in one step: `built` below the operation's staging takes its place.

    `inode` is the built directory's; `kept` are the names that stay, with the inodes that were linked.
    """

    directory: str
    built: str
    is_new: bool
    inode: int
    kept: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Record:
    """One operation. `files_after[i]` comes from `staged[i]`: a name in the operation's staging, in a bucket a path.

    `sequence` orders a store's operations whatever the clock said. Directories without a switch change file by file.
    A purge names the operations whose trash it deletes; they keep their record, with `purged_at`.
    """

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
    sequence: int = 0
    switches: list[Switch] = field(default_factory=list)
    purges: list[str] = field(default_factory=list)
    purged_at: str | None = None

    def before_in(self, directory: str) -> list[FileRecord]:
        """Files of a directory that leave."""
        return [file for file in self.files_before if file.directory == directory]

    def after_in(self, directory: str) -> list[FileRecord]:
        """Files of a directory that come."""
        return [file for file in self.files_after if file.directory == directory]


def describe(path: Path, rel_path: str) -> FileRecord:
    """Identity, hash and row count of the local file at `path`."""
    before = path.stat()
    with pa.OSFile(str(path)) as file:
        rows = count_rows(file)
    record = FileRecord(rel_path, before.st_size, durable.sha256(path), rows, before.st_mtime_ns, before.st_ino)
    if not record.is_at(path):
        raise StoreError(f"{rel_path}: the file changed while it was being read: retry")
    return record


def count_rows(file: pa.NativeFile) -> int | None:
    """Rows by a Parquet file's footer; None for anything else."""
    try:
        return rows_of(read_raw_footer(file, ""))
    except (FileProblem, OSError):
        return None


def parents_of(paths: list[str]) -> list[str]:
    """All directories above the paths, innermost first."""
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents if parent.parts}
    return sorted(parents, key=lambda path: (-path.count("/"), path))


def encode(record: Record) -> bytes:
    """A record as JSON."""
    return json.dumps(asdict(record), indent=1).encode()


def decode(content: bytes, where: str) -> Record:
    """The record of `encode`; StoreError naming `where` when it is damaged."""
    try:
        fields = json.loads(content)
        for key in ("files_before", "files_after"):
            fields[key] = [FileRecord(**item) for item in fields[key]]
        fields["switches"] = [Switch(**item) for item in fields.get("switches", [])]
        return Record(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{where}: this journal record is damaged; keep the directory and repair it by hand"
        ) from error
