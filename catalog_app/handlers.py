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


@handler("maintain")
def maintain(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Plan or do the operation `request` on the `directories` of the store `storeId`."""
    from catalog_app.services.maintenance.running import run_maintenance

    return _told(progress, run_maintenance(progress, parameters))


@handler("undo")
def undo_operation(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take the operation `operationId` back."""
    from catalog_app.services.maintenance.undoing import run_undo

    return _told(progress, run_undo(progress, parameters))


@handler("purge")
def purge_trash(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete from the trash of the store `storeId` what is `olderThanDays`, or of `operationIds`."""
    from catalog_app.services.maintenance.purging import run_purge

    return run_purge(progress, parameters)


@handler("convert")
def convert_store(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Convert the store `storeId`, or some of its `directories`, into a new store at `targetRoot`."""
    from catalog_app.services.maintenance.conversion import run_conversion

    return _told(progress, run_conversion(progress, parameters))


@handler("recover")
def recover_store(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Finish or take back what a crash interrupted in the store `storeId`."""
    from catalog_app.services.maintenance.recovering import run_recovery

    return _told(progress, run_recovery(progress, parameters))


def _told(progress: Progress, result: dict[str, Any]) -> dict[str, Any]:
    """Tell that the datasets of a result changed."""
    changes.tell([UUID(key) for key in result["datasetIds"]], progress.user)
    return result
