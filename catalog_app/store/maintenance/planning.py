"""The dry run: what a request will do to a dataset's files."""

from catalog_app.store.filesystem import Root
from catalog_app.store.maintenance.consolidating import plan_consolidate
from catalog_app.store.maintenance.draft import Draft, OnProgress
from catalog_app.store.maintenance.filewise import plan_recompress, plan_rename
from catalog_app.store.maintenance.ordering import plan_deduplicate, plan_sort, plan_split_overlaps
from catalog_app.store.maintenance.plans import Plan
from catalog_app.store.maintenance.ranges import plan_archive, plan_delete
from catalog_app.store.maintenance.repair import plan_repair
from catalog_app.store.maintenance.requests import (
    Archive,
    Consolidate,
    Deduplicate,
    DeleteRange,
    Recompress,
    RenameFiles,
    Repair,
    Request,
    SortRows,
    SplitOverlaps,
)
from catalog_app.store.maintenance.sources import read_contents


def plan(root: Root, directory: str, request: Request, on_progress: OnProgress | None = None) -> Plan:
    """Work out what `execute` will do to the files of a dataset's directory (below the root); changes nothing.

    `on_progress` (rows looked at, rows in all) may raise to stop. Raises StoreError where the directory is none of
    market data or its files do not belong together, Overlap where an archive's target has such rows already,
    UnreadableFile where a file turns out to be damaged.
    """
    draft = Draft(root, read_contents(root, directory), request, on_progress or _ignore)
    match request:
        case Consolidate():
            plan_consolidate(draft, request)
        case Deduplicate():
            plan_deduplicate(draft, request)
        case SortRows():
            plan_sort(draft)
        case SplitOverlaps():
            plan_split_overlaps(draft)
        case Recompress():
            plan_recompress(draft, request)
        case RenameFiles():
            plan_rename(draft)
        case DeleteRange():
            plan_delete(draft, request)
        case Archive():
            plan_archive(draft, request)
        case Repair():
            plan_repair(draft, request)
        case _:
            raise ValueError(f"{request.kind!r} is no maintenance operation")
    return draft.finish()


def _ignore(done: int, total: int | None) -> None:
    """No one is waiting."""
