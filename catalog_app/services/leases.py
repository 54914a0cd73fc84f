"""One writer per dataset: leases that a running job holds, renews and gives back.

A lease expires unless the job's heartbeat renews it, so that a dead worker blocks
nobody for longer than `LIFETIME`. `assert_held` must be called right before a commit:
it refuses when the lease was taken over meanwhile, and renews it for the commit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog_app.models import DatasetLease, Store
from catalog_app.services.errors import DatasetLocked, LeaseLost

LIFETIME = timedelta(seconds=60)


@contextmanager
def hold(store: Store, paths: Sequence[str], claim: UUID, purpose: str) -> Iterator[None]:
    """Hold the sole right to change these dataset directories; all of them or none.

    Args:
        store: the store that holds them.
        paths: dataset directories below the store's root.
        claim: `Progress.claim` of the job that works.
        purpose: what for; shown to whoever is refused.

    Raises:
        DatasetLocked: naming the holder's purpose and since when.

    """
    wanted = sorted(set(paths))
    _acquire(store, wanted, claim, purpose)
    try:
        yield
    finally:
        DatasetLease.objects.filter(store=store, path__in=wanted, holder=claim).delete()


def assert_held(store: Store, paths: Sequence[str], claim: UUID) -> None:
    """Make sure that the leases are still ours, and renew them for the commit.

    Raises:
        LeaseLost: when one expired or belongs to somebody else.

    """
    wanted = set(paths)
    now = timezone.now()
    with transaction.atomic():
        leases = DatasetLease.objects.filter(store=store, path__in=wanted, holder=claim, expires_at__gt=now)
        if leases.update(expires_at=now + LIFETIME) != len(wanted):
            raise LeaseLost(
                "The right to change the dataset expired before the commit, so nothing was changed. Try again."
            )


def renew(claim: UUID) -> int:
    """Extend every unexpired lease of a claim; return how many there are."""
    now = timezone.now()
    return DatasetLease.objects.filter(holder=claim, expires_at__gt=now).update(expires_at=now + LIFETIME)


def release(claim: UUID) -> None:
    """Give back everything that a claim holds: its runner is gone."""
    DatasetLease.objects.filter(holder=claim).delete()


def _acquire(store: Store, paths: list[str], claim: UUID, purpose: str) -> None:
    now = timezone.now()
    try:
        with transaction.atomic():
            # The condition makes the take-over a compare-and-swap: a renewed lease stays.
            DatasetLease.objects.filter(store=store, path__in=paths, expires_at__lte=now).delete()
            DatasetLease.objects.bulk_create(
                DatasetLease(store=store, path=path, holder=claim, purpose=purpose[:200], expires_at=now + LIFETIME)
                for path in paths
            )
    except IntegrityError:
        held = DatasetLease.objects.filter(store=store, path__in=paths).exclude(holder=claim).first()
        if held is None:  # given back between the two statements, or held by this very claim
            held = DatasetLease(path=paths[0], purpose=purpose, acquired_at=now)
        raise DatasetLocked(held.path, held.purpose, held.acquired_at) from None
