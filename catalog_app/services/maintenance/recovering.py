"""Ending what a crash interrupted in a store."""

from __future__ import annotations

from typing import Any

from catalog_app.services.jobs import Progress
from catalog_app.services.maintenance.access import store_of, writable
from catalog_app.services.sync import sync_store
from catalog_app.store.commit.recovery import recover


def run_recovery(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Finish or take back interrupted operations, then read files and journal into the index.

    Operations of living processes are left alone.

    Raises:
        JobFailed, StoreError: the store is gone, read-only, or damaged.

    """
    store = store_of(parameters["storeId"])
    progress.stage("Looking for interrupted operations")
    found = recover(writable(store, progress.claim, "recovery"))
    progress.stage("Updating the catalog")
    sync_store(store)
    changed = store.datasets.filter(path__in=[item.directory for item in found])
    recovered = [
        {
            "operationId": str(item.operation_id),
            "outcome": item.outcome,
            "kind": item.kind,
            "directory": item.directory,
        }
        for item in found
    ]
    return {"recovered": recovered, "datasetIds": [str(key) for key in changed.values_list("pk", flat=True)]}
