"""The sole right to change datasets, and bringing the index in line afterwards."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings

from catalog_app.models import Store
from catalog_app.services import leases
from catalog_app.services.errors import Conflict, DatasetLocked, JobFailed, LeaseLost
from catalog_app.services.jobs import Progress
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.recovery import recover
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Held, StoreRoot

# The lease that keeps other writers out of a whole store while one of them commits.
STORE_LEASE = ".datacatalog"
COMMIT_PATIENCE_SECONDS = 300.0
COMMIT_POLL_SECONDS = 0.25


def refuse_read_only(store: Store) -> None:
    """Raise Conflict for a store whose files must not be changed."""
    if store.read_only:
        raise Conflict(f"The store {store} is read-only. An admin may allow changes in the store's settings.")


def store_of(store_id: int) -> Store:
    """The store of a job's parameters; JobFailed when it is gone or read-only."""
    store = Store.objects.filter(pk=store_id).first()
    if store is None:
        raise JobFailed("The store is no longer registered.")
    if store.read_only:
        raise JobFailed(f"The store {store} is read-only by now, so nothing was changed.")
    return store


def writable(store: Store, claim: UUID, purpose: str, *, target: str = "") -> StoreRoot:
    """A store's root for changing it, or that of a `target` that is made from the store and not registered yet.

    A local store has a lock file of its own. A bucket has none: whoever commits holds a lease on the whole store.
    """
    root = StoreRoot.at(target or store.root)
    if root.is_local:
        return root
    return root.guarded(lambda: _alone(store, claim, purpose), scratch=Path(settings.DATACATALOG_HOME) / "tmp")


@contextmanager
def exclusive(store: Store, directories: Sequence[str], claim: UUID, purpose: str) -> Iterator[StoreRoot]:
    """Hold datasets for a change, with what a crash left behind finished first; gives the root to change.

    Raises:
        DatasetLocked: when another job is changing one of them.

    """
    root = writable(store, claim, purpose)
    with leases.hold(store, directories, claim, purpose):
        recover(root)
        yield root


def refresh_index(store: Store, directories: Collection[str], progress: Progress) -> list[str]:
    """Read the files of these directories into the index; return the keys of the datasets that are (still) there."""
    progress.stage("Updating the catalog")
    sync_store(store, directories=set(directories))
    found = store.datasets.filter(path__in=list(directories)).values_list("pk", flat=True)
    return [str(key) for key in found]


@contextmanager
def _alone(store: Store, claim: UUID, purpose: str) -> Iterator[Held]:
    """Hold the lease on the whole store, waiting while others commit; StoreError when that takes too long."""
    with ExitStack() as held:
        waits_until = time.monotonic() + COMMIT_PATIENCE_SECONDS
        while True:
            try:
                held.enter_context(leases.hold(store, [STORE_LEASE], claim, purpose))
                break
            except DatasetLocked as locked:
                if time.monotonic() > waits_until:
                    raise StoreError(f"{store.root}: {locked}") from locked
                time.sleep(COMMIT_POLL_SECONDS)
        yield lambda: _assert_alone(store, claim)


def _assert_alone(store: Store, claim: UUID) -> None:
    try:
        leases.assert_held(store, [STORE_LEASE], claim)
    except LeaseLost as lost:
        raise StoreError(f"{store.root}: {lost}") from lost
