"""What does this app's jobs. `AppConfig.ready` imports this module, and thereby registers them.

A handler is decorated with `jobs.handler(kind)`, gets the job's `Progress` and its
parameters, calls one service, and returns a result that JSON can carry.
"""

from typing import Any
from uuid import UUID

from catalog_app.models import Store
from catalog_app.services import changes
from catalog_app.services.jobs import JobFailed, Progress, handler


@handler("sync")
def sync(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Read the files of the store `storeId` into the index."""
    from catalog_app.services.sync import sync_store

    store = Store.objects.filter(pk=parameters["storeId"]).first()
    if store is None:
        raise JobFailed("The store is no longer registered.")
    progress.stage("Reading files", unit="files")
    counted = 0

    def report(done: int, total: int) -> None:
        nonlocal counted
        if not counted:
            progress.stage("Reading files", total=total, unit="files")
        progress.advance(done - counted)
        counted = done
        progress.check()

    found = sync_store(store, report)
    for problem in found.unreadable:
        progress.log(f"{problem['path']}: {problem['reason']}", "warning")
    changes.tell([UUID(key) for key in found.changed_datasets], progress.user)
    return found.to_json()


@handler("import")
def import_file(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Bring the upload of the import `importId` into its store."""
    from catalog_app.services.importing import run_import

    result = run_import(progress, parameters)
    if result["datasetId"]:
        changes.tell([UUID(result["datasetId"])], progress.user)
    return result


@handler("export")
def export_file(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Write the file of the export `exportId`."""
    from catalog_app.services.exporting import run_export

    return run_export(progress, parameters)
