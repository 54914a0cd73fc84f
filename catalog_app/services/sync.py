"""Bring the index in line with a store's files.

Only what changed (by path, size and mtime) is read again. A file that cannot be read is
listed with the reason and stops nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import batched, chain
from pathlib import Path

from django.utils import timezone

from catalog_app.models import DataFile, Store
from catalog_app.services.errors import JobFailed
from catalog_app.services.index import index_definitions, refresh_datasets, save_files, writing_index
from catalog_app.store.listing import ListedFile, list_files
from catalog_app.store.recovery import recover

CHUNK = 500
FOOTER_THREADS = 8


@dataclass(slots=True)
class SyncReport:
    """What a sync found: counts of files by what happened to them, and the unreadable ones."""

    datasets: int = 0
    files: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unreadable: list[dict[str, str]] = field(default_factory=list)
    unsupported: list[dict[str, str]] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    changed_datasets: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON types, without the keys of the changed datasets, which may be many."""
        return {name: value for name, value in asdict(self).items() if name != "changed_datasets"}


def sync_store(store: Store, on_progress: Callable[[int, int], None] | None = None) -> SyncReport:
    """Index what is new, read again what changed, forget what is gone.

    Args:
        store: The store to read; `synced_at` and `sync_error` are set on it.
        on_progress: Called with files done and files to read; may raise to stop the sync between chunks.

    Raises:
        JobFailed: when the store's directory is missing, or empty although files are known.

    """
    begun = time.monotonic()
    report = SyncReport()
    root = Path(store.root)
    listed = {entry.path: entry for entry in _list(store, root)}
    if not store.read_only:
        report.recovered = [str(item) for item in recover(root)]
    known = {path: (size, mtime) for path, size, mtime in store.files.values_list("path", "size_bytes", "mtime_ns")}
    _refuse_vanished(store, listed, known)
    pending = [entry for entry in listed.values() if known.get(entry.path) != (entry.size_bytes, entry.mtime_ns)]
    report.files = len(listed)
    report.added = sum(entry.path not in known for entry in pending)
    report.changed = len(pending) - report.added
    gone = known.keys() - listed.keys()
    report.removed = len(gone)
    _read_pending(store, pending, on_progress)
    _forget(store, gone)
    refresh_datasets(store)
    report.datasets = store.datasets.count()
    report.changed_datasets = _changed_datasets(store, [entry.path for entry in pending], gone)
    report.unreadable = _problems(store, "unreadable")
    report.unsupported = _problems(store, "unsupported")
    Store.objects.filter(pk=store.pk).update(synced_at=timezone.now(), sync_error="")
    store.refresh_from_db()
    report.seconds = round(time.monotonic() - begun, 3)
    return report


def _list(store: Store, root: Path) -> Iterable[ListedFile]:
    if not root.is_dir():
        _fail(store, f"The directory {root} does not exist or is no directory. Mount it, or mend the store's root.")
    return list_files(root)


def _refuse_vanished(store: Store, listed: dict[str, ListedFile], known: dict[str, tuple[int, int]]) -> None:
    # An unmounted disk looks like an empty directory: forgetting the index would lose its history.
    if known and not listed:
        _fail(
            store,
            f"{store.root} is empty, but {len(known)} files are known. Mount it; "
            "if the files are meant to be gone, delete the store in the admin.",
        )


def _fail(store: Store, message: str) -> None:
    Store.objects.filter(pk=store.pk).update(sync_error=message)
    raise JobFailed(message)


def _read_pending(store: Store, pending: list[ListedFile], on_progress: Callable[[int, int], None] | None) -> None:
    done = 0
    with ThreadPoolExecutor(FOOTER_THREADS, thread_name_prefix="footer") as pool:
        for chunk in batched(pending, CHUNK):
            save_files(store, chunk, pool)
            index_definitions(store, chunk)
            done += len(chunk)
            if on_progress:
                on_progress(done, len(pending))


def _forget(store: Store, gone: Iterable[str]) -> None:
    for chunk in batched(gone, CHUNK):
        with writing_index(store):
            store.instruments.filter(definition_path__in=chunk).update(is_defined=False, definition_path="")
            store.files.filter(path__in=chunk).delete()


def _changed_datasets(store: Store, *paths: Iterable[str]) -> list[str]:
    directories = {path.rpartition("/")[0] for path in chain(*paths)}
    rows = store.datasets.values_list("pk", "path")
    return [str(key) for key, path in rows if path in directories]


def _problems(store: Store, state: str) -> list[dict[str, str]]:
    rows = DataFile.objects.filter(store=store, state=state).values_list("path", "problem")
    return [{"path": path, "reason": problem} for path, problem in rows]
