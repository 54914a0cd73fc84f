"""Plans as a job keeps them: enough to show and to recognise, however many files they have."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from catalog_app.models import Dataset
from catalog_app.store.maintenance import Plan, PlannedFile

FILES_LISTED = 200


def fingerprint(plan: Plan) -> str:
    """What identifies a plan: its request, every file of the dataset with size and mtime, and what becomes of them.

    A later plan with the same fingerprint does exactly the same to exactly the same files.
    """
    facts = plan.to_json()
    for name in ("bytesAfter", "bytesExact", "notes"):  # estimates and remarks
        facts.pop(name)
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def summary(plan: Plan, dataset: Dataset | None, listed: int) -> dict[str, Any]:
    """A plan as JSON; counts and sums are of all files, the first `listed` are named."""
    return {
        "directory": plan.directory,
        "datasetId": str(dataset.pk) if dataset else None,
        "title": str(dataset) if dataset else plan.directory,
        "fingerprint": fingerprint(plan),
        "filesBefore": len(plan.files_before),
        "filesAfter": len(plan.files_after),
        "rowsBefore": plan.rows_before,
        "rowsAfter": plan.rows_after,
        "rowsChange": plan.rows_after - plan.rows_before,
        "bytesBefore": plan.bytes_before,
        "bytesAfter": plan.bytes_after,
        "bytesExact": plan.bytes_exact,
        "untouchedFiles": plan.untouched_files,
        "isNoop": plan.is_noop,
        "notes": list(plan.notes),
        "before": [_file(file) for file in plan.files_before[:listed]],
        "after": [_file(file) for file in plan.files_after[:listed]],
    }


def refusal(directory: str, dataset: Dataset | None, reason: str) -> dict[str, Any]:
    """What stands in the place of a plan that could not be made."""
    return {
        "directory": directory,
        "datasetId": str(dataset.pk) if dataset else None,
        "title": str(dataset) if dataset else directory,
        "error": reason,
    }


def totals(plans: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over the plans that would change something."""
    active = [plan for plan in plans if "error" not in plan and not plan["isNoop"]]
    names = ("filesBefore", "filesAfter", "rowsBefore", "rowsAfter", "bytesBefore", "bytesAfter")
    return {
        **{name: sum(plan[name] for plan in active) for name in names},
        "bytesExact": all(plan["bytesExact"] for plan in active),
        "datasets": len(active),
        "noops": sum("error" not in plan for plan in plans) - len(active),
        "errors": sum("error" in plan for plan in plans),
    }


def _file(file: PlannedFile) -> dict[str, Any]:
    # Nanoseconds do not fit a JavaScript number: they travel as text.
    bounds = {"startNs": file.start_ns, "endNs": file.end_ns}
    return {
        "path": file.path,
        "rows": file.rows,
        "sizeBytes": file.size_bytes,
        **{name: None if value is None else str(value) for name, value in bounds.items()},
    }
