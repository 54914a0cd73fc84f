"""Asking for gap scans of many datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from catalog_app.models import Dataset, Job
from catalog_app.services.jobs import enqueue


def request_scan(
    datasets: Sequence[Dataset],
    user: User | None,
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    force: bool = False,
    idempotency_key: str | None = None,
) -> Job:
    """Enqueue one gap scan; times are UNIX ns, inclusive. Its result has a summary of each dataset."""
    parameters: dict[str, Any] = {"datasetIds": [str(row.pk) for row in datasets], "force": force}
    if start_ns is not None or end_ns is not None:
        parameters |= {"startNs": start_ns, "endNs": end_ns}
    name = str(datasets[0]) if len(datasets) == 1 else f"{len(datasets):,} datasets"
    return enqueue("scan_gaps", parameters, title=f"Scan gaps of {name}", user=user, idempotency_key=idempotency_key)
