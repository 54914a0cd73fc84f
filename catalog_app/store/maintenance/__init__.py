"""Operations on one dataset's files: a plan (dry run), and its execution as one undoable commit."""

from catalog_app.store.errors import VerificationFailed
from catalog_app.store.maintenance.execution import execute
from catalog_app.store.maintenance.planning import plan
from catalog_app.store.maintenance.plans import Outcome, Plan, PlannedFile, plan_from_json
from catalog_app.store.maintenance.requests import (
    MAX_REPAIRS,
    Archive,
    Consolidate,
    Deduplicate,
    DeleteRange,
    Pinned,
    Recompress,
    RenameFiles,
    Repair,
    Request,
    RowRepair,
    SortRows,
    SplitOverlaps,
    request_from_json,
)

__all__ = [
    "MAX_REPAIRS",
    "Archive",
    "Consolidate",
    "Deduplicate",
    "DeleteRange",
    "Outcome",
    "Pinned",
    "Plan",
    "PlannedFile",
    "Recompress",
    "RenameFiles",
    "Repair",
    "Request",
    "RowRepair",
    "SortRows",
    "SplitOverlaps",
    "VerificationFailed",
    "execute",
    "plan",
    "plan_from_json",
    "request_from_json",
]
