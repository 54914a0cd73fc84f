"""Notice what others write into the stores, such as a running NautilusTrader, and have it indexed and checked.

`watch_stores` runs every few seconds and most often finds nothing. A local store is looked at by the mtimes of its
directories, and by a whole listing once a minute, which also sees files that were written in place. A bucket has no
such mtimes: it is listed once a minute. Kernel notifications (the library watchfiles) were no gain: they need a watch
for each of 10,000 directories and stay silent on network and container mounts, where stores often are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog_app.models import Dataset, Job, Store
from catalog_app.models.dataset import IndexState
from catalog_app.models.job import JobState
from catalog_app.services import changes
from catalog_app.services.errors import ServiceError
from catalog_app.services.stores import request_sync
from catalog_app.services.sync import apply_changes, failed, find_changes, leased_directories, look_at_runs
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.watching import DirectoryWatch

logger = logging.getLogger(__name__)

# Between whole listings, and between looks at a bucket.
WHOLE_EVERY = 60.0
# Checks are told of a dataset that keeps changing at most this often.
TELL_EVERY = timedelta(seconds=60)
# More files to read than this are a job's work, which shows its progress.
MOST_FILES = 1000
# A look that takes longer than this is taken for dead.
_CLAIM = timedelta(minutes=2)


@dataclass(slots=True)
class _Memory:
    """What this process saw of a store: directories at the last look, those put off, the time of the last listing."""

    directories: DirectoryWatch | None
    put_off: set[str] = field(default_factory=set)
    listed_at: float | None = None

    def is_whole_due(self) -> bool:
        return self.listed_at is None or time.monotonic() - self.listed_at >= WHOLE_EVERY


_memories: dict[tuple[int, str], _Memory] = {}


def watch_stores() -> None:
    """Look at every store that was synced once, then tell of what changed."""
    for store in Store.objects.exclude(synced_at=None):
        if not _sync_waits(store) and _claim(store):
            try:
                look(store)
            except ServiceError as error:
                if str(error) != store.sync_error:  # said once, not at every look
                    logger.warning("The store %s cannot be looked at: %s", store, error)
            finally:
                Store.objects.filter(pk=store.pk).update(watched_until=None)
    tell_due()


def look(store: Store) -> None:
    """Index what changed in a store since the last look.

    Raises:
        JobFailed: when the store cannot be listed.

    """
    memory = _memory(store)
    whole = memory.is_whole_due()
    if memory.directories is None and not whole:
        return
    directories = _suspects(store, memory)
    if not whole and not directories:
        _looked(store, whole=False)
        return
    # Put off until they are indexed: the directories look the same the next time.
    held, memory.put_off = memory.put_off, memory.put_off | directories
    found = find_changes(store, None if whole else directories)
    if len(found.pending) > MOST_FILES:
        request_sync(store, None)
        return
    if found.pending or found.gone:
        report = apply_changes(store, found, patient=True)
        _note_changes(report.changed_datasets)
    memory.put_off = held
    if whole:
        look_at_runs(store)
        memory.listed_at = time.monotonic()
    _looked(store, whole=whole)


def tell_due() -> None:
    """Tell of the datasets that changed, but of none that was told of within TELL_EVERY."""
    now = timezone.now()
    waiting = Q(told_at=None) | Q(told_at__lte=now - TELL_EVERY)
    with transaction.atomic():
        due = list(Dataset.objects.select_for_update().filter(waiting, changed_at__isnull=False))
        keys = [dataset.pk for dataset in due]
        Dataset.objects.filter(pk__in=keys).update(told_at=now, changed_at=None)
        changes.tell(keys, None)


def _memory(store: Store) -> _Memory:
    key = (store.pk, store.root)
    if key not in _memories:
        root = StoreRoot.at(store.root)
        _memories[key] = _Memory(DirectoryWatch(root) if root.is_local else None)
    return _memories[key]


def _suspects(store: Store, memory: _Memory) -> set[str]:
    """Directories that changed, that hold files which were being written, or that a job was changing before."""
    if memory.directories is None:
        return set()
    try:
        changed = memory.directories.look()
    except StoreError as error:
        raise failed(store, str(error)) from error
    unread = store.files.filter(state=IndexState.LISTED).values_list("path", flat=True)
    suspects = changed | memory.put_off | {path.rpartition("/")[0] for path in unread}
    # What a job is changing, it indexes itself.
    memory.put_off = suspects & leased_directories(store)
    return suspects - memory.put_off


def _note_changes(keys: Collection[str]) -> None:
    Dataset.objects.filter(pk__in=keys, changed_at=None).update(changed_at=timezone.now())


def _looked(store: Store, *, whole: bool) -> None:
    well = {"sync_error": ""} if whole else {}
    Store.objects.filter(pk=store.pk).update(looked_at=timezone.now(), **well)


def _sync_waits(store: Store) -> bool:
    """Whether a job is about to read, or reads, this store."""
    states = (JobState.QUEUED, JobState.RUNNING)
    return Job.objects.filter(kind="sync", state__in=states, parameters={"storeId": store.pk}).exists()


def _claim(store: Store) -> bool:
    """Whether no other look at this store is under way; it is ours then."""
    now = timezone.now()
    free = Q(watched_until=None) | Q(watched_until__lt=now)
    return Store.objects.filter(free, pk=store.pk).update(watched_until=now + _CLAIM) == 1
