"""Asking for validations of chosen datasets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from catalog_app.models import Dataset, Job
from catalog_app.models.dataset import IndexState
from catalog_app.services.jobs import enqueue
from quality_app.services.standing import STALE

# Never validated, or changed since; what cannot be read at all is not.
DUE = (Q(last_validated=None) | STALE) & ~Q(state=IndexState.UNSUPPORTED)


def request_validation(
    datasets: Sequence[Dataset],
    user: User | None,
    *,
    checks: Collection[str] | None = None,
    force: bool = False,
    idempotency_key: str | None = None,
) -> Job:
    """Enqueue one job that validates these datasets, all checks or those named, also unchanged ones with `force`.

    Raises:
        Conflict: the key was used for other work.

    """
    parameters: dict[str, Any] = {"datasetIds": [str(row.pk) for row in datasets]}
    parameters |= {"checks": sorted(checks)} if checks is not None else {}
    parameters |= {"force": True} if force else {}
    what = str(datasets[0]) if len(datasets) == 1 else f"{len(datasets):,} datasets"
    return enqueue("validate", parameters, title=f"Validate {what}", user=user, idempotency_key=idempotency_key)
