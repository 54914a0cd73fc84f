"""Bring the index in line with a store's files: first by their names, then by what they say.

Only what changed (by path, size and mtime) is read again. A file that cannot be read is listed with the reason and
stops nothing. Until a file has been read, its rows are unknown, and its name tells its range.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from itertools import batched, chain

from django.utils import timezone

from catalog_app.models import DataFile, DatasetLease, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services import index, operations
from catalog_app.services.errors import JobFailed
from catalog_app.services.reading import read_files
from catalog_app.services.runs import sync_runs
from catalog_app.store.commit.area import AREA
from catalog_app.store.commit.recovery import recover
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.listing import ListedFile, list_files
from catalog_app.store.watching import list_directories

LISTING_CHUNK = 5000

# Files done, files to read; may raise to stop between chunks.
type OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class SyncReport:
    """What a sync found: counts of files by what happened to them, and the ones that cannot be used.

    `pending` counts files that are listed and not read: they are being written; `run_files` streams of runs.
    `listed_seconds` is when all names were in the index.
    """

    datasets: int = 0
    files: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    run_files: int = 0
    pending: int = 0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    unsupported: list[dict[str, str]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    changed_datasets: list[str] = field(default_factory=list)
    listed_seconds: float = 0.0
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON types, without the keys of the changed datasets, which may be many."""
        return {name: value for name, value in asdict(self).items() if name != "changed_datasets"}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index holds of a file."""

    size_bytes: int
    mtime_ns: int
    state: str

    def covers(self, entry: ListedFile) -> bool:
        """Whether there is nothing to read: the same file, and it was read."""
        same = (self.size_bytes, self.mtime_ns) == (entry.size_bytes, entry.mtime_ns)
        return same and self.state != IndexState.LISTED


@dataclass(frozen=True, slots=True)
class Changes:
    """How a store differs from the index: files that are new, files to read (the new ones among them), files gone."""

    listed: int
    new: list[ListedFile]
    pending: list[ListedFile]
    gone: list[str]


def sync_store(
    store: Store, on_progress: OnProgress | None = None, *, directories: Collection[str] | None = None
) -> SyncReport:
    """Index what is new, read again what changed, forget what is gone.

    Args:
        store: The store to read; `synced_at`, `looked_at` and `sync_error` are set on it.
        on_progress: Called with files done and files to read; may raise to stop the sync between chunks.
        directories: Look only at the files in these directories (below the root); the rest stays as it is known.

    Raises:
        JobFailed: when the store cannot be listed, or is empty although files are known.

    """
    begun = time.monotonic()
    recovered = _recover(store) if directories is None else []
    report = apply_changes(store, find_changes(store, directories), on_progress, begun=begun)
    report.recovered = recovered
    if directories is None:
        report.run_files = look_at_runs(store)
    operations.adopt(store)
    now = timezone.now()
    whole = {"synced_at": now, "sync_error": ""} if directories is None else {}
    Store.objects.filter(pk=store.pk).update(looked_at=now, **whole)
    store.refresh_from_db()
    report.seconds = round(time.monotonic() - begun, 3)
    return report


def find_changes(store: Store, directories: Collection[str] | None = None) -> Changes:
    """List the store, or some of its directories, and compare with the index. Reads no file.

    Raises:
        JobFailed: when the store cannot be listed, or is empty although files are known.

    """
    # Known first: what another sync adds meanwhile is then read twice, and not taken for gone.
    known = _known(store, directories)
    listed = {entry.path: entry for entry in _list(store, directories)}
    _refuse_vanished(store, known, listed, directories)
    pending = [entry for entry in listed.values() if (one := known.get(entry.path)) is None or not one.covers(entry)]
    return Changes(
        listed=len(listed),
        new=[entry for entry in pending if entry.path not in known],
        pending=pending,
        gone=_gone(store, known, listed),
    )


def apply_changes(
    store: Store,
    found: Changes,
    on_progress: OnProgress | None = None,
    *,
    patient: bool = False,
    begun: float | None = None,
) -> SyncReport:
    """Write what was found into the index: names first, then what the files say.

    Args:
        store: The store that was listed.
        found: What differs.
        on_progress: As for `sync_store`.
        patient: Take unreadable files that are only seconds old as being written; they are looked at again.
        begun: `time.monotonic()` of the start, for the report.

    """
    begun = begun or time.monotonic()
    report = SyncReport(files=found.listed, added=len(found.new), removed=len(found.gone))
    report.changed = len(found.pending) - len(found.new)
    for entries in batched(found.new, LISTING_CHUNK):
        index.list_new(store, entries)
    for paths in batched(found.gone, LISTING_CHUNK):
        index.forget(store, paths)
    report.listed_seconds = round(time.monotonic() - begun, 3)
    _read_pending(store, found.pending, on_progress, patient=patient)
    if found.pending or found.gone:
        index.forget_instruments(store)
        report.changed_datasets = _changed_datasets(store, [entry.path for entry in found.pending], found.gone)
    report.datasets = store.datasets.count()
    report.pending = store.files.filter(state=IndexState.LISTED).count()
    report.unreadable = _problems(store, IndexState.UNREADABLE)
    report.unsupported = _problems(store, IndexState.UNSUPPORTED)
    report.seconds = round(time.monotonic() - begun, 3)
    return report


def look_at_runs(store: Store) -> int:
    """List the streams of runs; return how many there are.

    Raises:
        JobFailed: when they cannot be listed.

    """
    try:
        return sync_runs(store)
    except StoreError as error:
        raise failed(store, str(error)) from error


def _recover(store: Store) -> list[str]:
    """Finish what a crash interrupted; in a bucket that is for whoever holds the lease on it, before each change."""
    if store.read_only or not StoreRoot.at(store.root).is_local:
        return []
    try:
        return [str(item) for item in recover(store.root)]
    except StoreError as error:
        raise failed(store, str(error)) from error


def _known(store: Store, directories: Collection[str] | None) -> dict[str, _Known]:
    rows = store.files.values_list("path", "size_bytes", "mtime_ns", "state")
    return {
        path: _Known(size_bytes, mtime_ns, state)
        for path, size_bytes, mtime_ns, state in rows.iterator(chunk_size=10_000)
        if directories is None or path.rpartition("/")[0] in directories
    }


def _list(store: Store, directories: Collection[str] | None) -> list[ListedFile]:
    try:
        root = StoreRoot.at(store.root)
        if root.is_local and not root.path.is_dir():
            raise StoreError(f"The directory {root} does not exist or is no directory. Mount it, or mend its path.")
        return list(list_files(root) if directories is None else list_directories(root, directories))
    except StoreError as error:
        raise failed(store, str(error)) from error


def _refuse_vanished(
    store: Store, known: Collection[str], listed: Collection[str], directories: Collection[str] | None
) -> None:
    # An unmounted disk looks like an empty directory: forgetting the index would lose its history.
    if not known or listed:
        return
    if directories is None or store.files.count() == len(known):
        raise failed(
            store,
            f"{store.root} is empty, but {len(known)} files are known. Mount it; "
            "if the files are meant to be gone, delete the store in the admin.",
        )


def failed(store: Store, message: str) -> JobFailed:
    """The error that a store cannot be read, kept for the pages too."""
    Store.objects.filter(pk=store.pk).update(sync_error=message)
    return JobFailed(message)


def _gone(store: Store, known: Iterable[str], listed: Collection[str]) -> list[str]:
    """Known files that are not there. Directories that a job is changing now are left to that job's own sync."""
    missing = [path for path in known if path not in listed]
    held = leased_directories(store) if missing else set()
    # The lease on a whole bucket is one on its journal's place.
    return [] if AREA in held else [path for path in missing if path.rpartition("/")[0] not in held]


def leased_directories(store: Store) -> set[str]:
    """Directories that a job may be changing now."""
    leases = DatasetLease.objects.filter(store=store, expires_at__gt=timezone.now())
    return set(leases.values_list("path", flat=True))


def _read_pending(store: Store, pending: list[ListedFile], on_progress: OnProgress | None, *, patient: bool) -> None:
    done = 0
    root, directories = StoreRoot.at(store.root), _type_directories(store) if pending else frozenset[str]()
    for files in read_files(root, pending, directories, patient=patient):
        index.save_read(store, files)
        done += len(files)
        if on_progress:
            on_progress(done, len(pending))


def _type_directories(store: Store) -> frozenset[str]:
    """The names below data/ that hold datasets."""
    return frozenset(path.split("/")[1] for path in store.datasets.values_list("path", flat=True))


def _changed_datasets(store: Store, *paths: Iterable[str]) -> list[str]:
    directories = {path.rpartition("/")[0] for path in chain(*paths)}
    rows = store.datasets.values_list("pk", "path")
    return [str(key) for key, path in rows if path in directories]


def _problems(store: Store, state: IndexState) -> list[dict[str, str]]:
    rows = DataFile.objects.filter(store=store, state=state).values_list("path", "problem")
    return [{"path": path, "reason": problem} for path, problem in rows]
