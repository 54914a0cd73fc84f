"""The files of one dataset directory, as far as an operation must know them: from their footers alone."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.fs as pafs

from catalog_app.store import layout
from catalog_app.store.errors import FileProblem, StoreError
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.footer import TS_INIT, describe
from catalog_app.store.maintenance.plans import PlannedFile
from catalog_app.store.reading.metadata import read_metadata

# What a writer noted about itself, not about the rows.
_WRITERS_NOTES: Final = frozenset({b"rows_per_group", b"pandas"})
_FIELD_ID: Final = b"PARQUET:field_id"
_SUFFIX: Final = ".parquet"

type Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group; `low` and `high` bound its ts_init, None where it has no statistics."""

    rows: int
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Source:
    """A readable file with rows. start_ns and end_ns are the least and greatest ts_init of its rows (ns, UTC)."""

    path: str
    size_bytes: int
    mtime_ns: int
    rows: int
    start_ns: int
    end_ns: int
    groups: tuple[RowGroup, ...]
    schema: pa.Schema  # without what a writer noted about itself

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def named(self) -> Interval | None:
        """The interval that the name promises."""
        return layout.parse_file_name(self.name)

    @property
    def has_true_name(self) -> bool:
        return self.named == (self.start_ns, self.end_ns)

    @cached_property
    def likeness(self) -> tuple[str, ...]:
        """Equal for files whose rows may stand in one file: columns, types and metadata."""
        metadata = self.schema.metadata or {}
        return (str(self.schema.remove_metadata()), *(f"{key!r}={metadata[key]!r}" for key in sorted(metadata)))

    def metadata(self, key: str) -> str | None:
        value = (self.schema.metadata or {}).get(key.encode())
        return None if value is None else value.decode("utf-8", "backslashreplace")

    @property
    def planned(self) -> PlannedFile:
        return PlannedFile(self.path, self.rows, self.size_bytes, self.start_ns, self.end_ns, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A file that no operation touches, and why; `interval` is what its name promises."""

    path: str
    reason: str
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Contents:
    """A directory: its readable files in the order of time (then path), the others, and all paths."""

    directory: str
    sources: list[Source]
    left_alone: list[LeftAlone]
    present: tuple[str, ...]


def file_infos(store: StoreRoot, directory: str) -> list[pafs.FileInfo]:
    """The .parquet files directly in a directory, by name; none where there is no such directory."""
    selector = pafs.FileSelector(store.full(directory), allow_not_found=True)
    try:
        found = store.fs.get_file_info(selector)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be listed ({error}); give this user the right to read it") from error
    files = [info for info in found if info.type == pafs.FileType.File and info.base_name.endswith(_SUFFIX)]
    return sorted(files, key=lambda info: str(info.base_name))


def read_contents(root: Root, directory: str) -> Contents:
    """List a dataset's directory and read its footers; StoreError where it is no dataset's, or holds no file."""
    store = StoreRoot.at(root)
    if layout.locate(f"{directory}/x{_SUFFIX}").role != "data":
        raise StoreError(f"{directory}: not a directory of market data; give one such as data/quote_tick/EURUSD.SIM")
    infos = file_infos(store, directory)
    if not infos:
        raise StoreError(f"{directory}: there is no Parquet file in {store}")
    sources, left_alone = [], []
    for info in infos:
        path = f"{directory}/{info.base_name}"
        try:
            sources.append(_source(root, path, info))
        except FileProblem as problem:
            left_alone.append(LeftAlone(path, problem.reason, layout.parse_file_name(info.base_name)))
    sources.sort(key=lambda one: (one.start_ns, one.end_ns, one.path))
    return Contents(directory, sources, left_alone, tuple(f"{directory}/{info.base_name}" for info in infos))


def read_source(root: Root, path: str) -> Source:
    """A file by its path; FileProblem where it is gone or not readable."""
    store = StoreRoot.at(root)
    return _source(root, path, store.fs.get_file_info(store.full(path)))


def scratch_source(path: Path) -> Source:
    """A file that was just written; FileProblem where it is not readable."""
    return _source(path.parent, path.name, StoreRoot.at(path.parent).fs.get_file_info(str(path)))


def _source(root: Root, path: str, info: pafs.FileInfo) -> Source:
    store = StoreRoot.at(root)
    metadata = read_metadata(store, path)
    footer = describe(store, metadata)
    if footer.start_ns is None or footer.end_ns is None:
        raise FileProblem(path, "it holds no rows")
    column = metadata.leaves.index(TS_INIT)
    intervals = [(group.rows, group.chunks[column].interval) for group in metadata.row_groups({TS_INIT})]
    return Source(
        path=path,
        size_bytes=info.size,
        mtime_ns=info.mtime_ns,
        rows=footer.rows,
        start_ns=footer.start_ns,
        end_ns=footer.end_ns,
        groups=tuple(RowGroup(rows, *(interval or (None, None))) for rows, interval in intervals),
        schema=essential(metadata.schema),
    )


def essential(schema: pa.Schema) -> pa.Schema:
    """A schema without what its writer noted about itself (field ids, row group size, pandas' index)."""
    fields = [field.with_metadata(_without(field.metadata, {_FIELD_ID})) for field in schema]
    return pa.schema(fields, metadata=_without(schema.metadata, _WRITERS_NOTES))


def _without(metadata: dict[bytes, bytes] | None, keys: frozenset[bytes] | set[bytes]) -> dict[bytes, bytes] | None:
    kept = {key: value for key, value in (metadata or {}).items() if key not in keys}
    return kept or None
