"""What was changed in a store, by whom, and taking it back.

The store's journal is the truth; rows of StoreOperation add who asked, and make it searchable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from catalog_app.models import Store, StoreOperation
from catalog_app.store.commit.moves import Committed, committed_of
from catalog_app.store.commit.records import FileRecord, Record
from catalog_app.store.commit.unseen import unseen_operations

State = StoreOperation.State
_IN_FORCE: dict[str, Any] = {"state": State.COMMITTED, "undone_at": None, "undone_by": None}


def record(
    store: Store,
    committed: Committed,
    *,
    kind: str,
    directory: str,
    user: User | None,
    job_id: UUID | None = None,
    parameters: dict[str, Any] | None = None,
) -> StoreOperation:
    """Keep who made a commit of the store's journal; a second call returns the row of the first."""
    operation, is_new = StoreOperation.objects.get_or_create(
        operation_id=committed.operation_id,
        defaults={
            "store": store,
            "kind": kind,
            "path": directory,
            "user": user,
            "job_id": job_id,
            "parameters": parameters or {},
            **_facts(committed.files_before, committed.files_after, directory),
        },
    )
    if not is_new and operation.job_id is None and job_id is not None:  # adopted by a sync before its job got here
        operation.job_id, operation.user, operation.parameters = job_id, user, parameters or {}
        operation.save(update_fields=("job", "user", "parameters"))
    return operation


def adopt(store: Store) -> int:
    """Make rows of operations that only the journal knows, and take over what became of known ones.

    They were made by a command elsewhere, or the database was lost. Returns how many rows changed. Cheap when
    nothing is new.
    """
    known = set(store.operations.values_list("pk", flat=True))
    news = [found for found in unseen_operations(store.root, known) if found.state in {"committed", "undone"}]
    for found in news:
        _adopt(store, found)
    return len(news)


def history(store: Store | None = None, *, path: str = "", kind: str = "", state: str = "") -> QuerySet[StoreOperation]:
    """Operations, newest first, without the lists of their files; an empty restriction means all."""
    found = StoreOperation.objects.select_related("store", "user", "undone_by").defer("files_before", "files_after")
    wanted = {"store": store, "path": path, "kind": kind, "state": state}
    return found.filter(**{name: value for name, value in wanted.items() if value}).order_by("-created_at", "-pk")


def hindrance(operation: StoreOperation) -> str:
    """Why an operation cannot be undone, for the user; empty when nothing is known that stands against it."""
    if operation.kind == "purge":
        return "A purge deletes files for good."
    if operation.state == State.UNDONE:
        return "It has been undone."
    if operation.state == State.PURGED or operation.purged_at is not None:
        return "The files that it replaced are no longer in the trash: retention or a purge deleted them."
    if operation.store.read_only:
        return f"The store {operation.store} is read-only."
    later = _replaced_by(operation)
    if later is not None:
        return (
            f"Its files were changed by a later operation ({later.kind.replace('_', ' ')}, "
            f"{later.created_at:%Y-%m-%d %H:%M:%S} UTC). Undo that one first."
        )
    return ""


def directories_of(operation: StoreOperation) -> set[str]:
    """The directories whose files an operation changed."""
    return {file["path"].rpartition("/")[0] for file in (*operation.files_before, *operation.files_after)}


def mark_undone(operation: StoreOperation, undoing: StoreOperation, user: User | None) -> None:
    """Note that an operation was taken back by another; taking an undo back does the first operation again."""
    StoreOperation.objects.filter(pk=undoing.pk).update(undoes=operation)
    StoreOperation.objects.filter(pk=operation.pk, undone_at=None).update(
        state=State.UNDONE, undone_at=undoing.created_at, undone_by=user
    )
    if operation.undoes_id is not None:
        StoreOperation.objects.filter(pk=operation.undoes_id, state=State.UNDONE).update(**_IN_FORCE)
    operation.refresh_from_db()


def mark_purged(store: Store, operation_ids: Iterable[UUID]) -> int:
    """Note that the trash of operations was deleted; those that were undone stay so."""
    rows = store.operations.filter(pk__in=list(operation_ids), purged_at=None)
    rows.filter(state=State.COMMITTED).update(state=State.PURGED)
    return rows.update(purged_at=timezone.now())


def _replaced_by(operation: StoreOperation) -> StoreOperation | None:
    """The operation after this one that took away what it made, unless another brought it back."""
    made = _identities(operation.files_after)
    present, remover = set(made), None
    later = operation.store.operations.filter(created_at__gt=operation.created_at, path=operation.path)
    for other in later.order_by("created_at"):
        taken = present & _identities(other.files_before)
        if taken:
            present, remover = present - taken, other
        present |= made & _identities(other.files_after)
    return remover if present != made else None


def _identities(files: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(file["path"], file["sha256"]) for file in files}


def _journal_state(state: str) -> str:
    """A row's state in the journal's words, which keep "committed" when the trash is purged."""
    return "committed" if state == State.PURGED else state


def _adopt(store: Store, found: Record) -> None:
    operation = record(store, committed_of(found), kind=found.kind, directory=found.directory, user=None)
    made_at = datetime.fromisoformat(found.created_at)
    StoreOperation.objects.filter(pk=operation.pk, job=None).update(created_at=made_at)
    operation.refresh_from_db()
    undone = store.operations.filter(pk=found.undoes).first() if found.undoes else None
    if undone is not None and operation.undoes_id is None:
        mark_undone(undone, operation, None)
    if found.state != _journal_state(operation.state):  # changed elsewhere, by an operation that comes later
        news = _IN_FORCE if found.state == "committed" else {"state": State.UNDONE}
        StoreOperation.objects.filter(pk=operation.pk).update(**news)
    if found.purged_at is not None:
        mark_purged(store, [operation.pk])


def _facts(before: list[FileRecord], after: list[FileRecord], directory: str) -> dict[str, Any]:
    return {
        "files_before": [asdict(file) for file in before],
        "files_after": [asdict(file) for file in after],
        "file_count_before": len(before),
        "file_count_after": len(after),
        "rows_before": _rows(before, directory),
        "rows_after": _rows(after, directory),
        "bytes_before": sum(file.size_bytes for file in before),
        "bytes_after": sum(file.size_bytes for file in after),
    }


def _rows(files: list[FileRecord], directory: str) -> int | None:
    """Rows of the dataset's own files (an import brings definitions along); None where a file's are unknown."""
    counts = [file.rows for file in files if file.path.startswith(f"{directory}/")]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
