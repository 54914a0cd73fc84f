"""Shapes of operations on the wire, and what is asked of a store."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from catalog_app.api import schemas
from catalog_app.models import StoreOperation
from catalog_app.services.maintenance.requesting import MAX_DATASETS

State = Literal["", "committed", "undone", "purged"]


class OperationInfo(schemas.Wire):
    """One committed change of a store."""

    operation_id: str
    store: str
    kind: str = Field(examples=["consolidate"])
    path: str = Field(description="Dataset directory below the store's root.")
    state: str = Field(description="committed, undone or purged.", examples=["committed"])
    user: str | None
    job_id: str | None
    parameters: dict[str, Any]
    file_count_before: int
    file_count_after: int
    rows_before: int | None
    rows_after: int | None
    bytes_before: int
    bytes_after: int
    created_at: str
    undone_at: str | None
    undone_by: str | None
    undoes: str | None
    purged_at: str | None


class OperationFile(schemas.Wire):
    """A file as an operation found or made it."""

    path: str
    size_bytes: int
    sha256: str
    rows: int | None


class OperationDetail(OperationInfo):
    """One operation with its files."""

    files_before: list[OperationFile]
    files_after: list[OperationFile]
    hindrance: str = Field(description="Why it cannot be undone; empty when nothing stands against it.")


class OperationPage(schemas.Wire):
    """A page of operations, newest first."""

    operations: list[OperationInfo]
    next_cursor: str | None = None


class MaintenanceBody(schemas.Wire):
    """An operation on datasets of one store."""

    request: dict[str, Any] = Field(
        description="`kind` and its parameters. An archive names its `targetStoreId`; times are UNIX nanoseconds.",
        examples=[{"kind": "consolidate", "period": "month"}],
    )
    dataset_ids: list[UUID] = Field(max_length=MAX_DATASETS, min_length=1)
    dry_run: bool = Field(True, description="Only plan: the job's result says what would change.")


class ConversionBody(schemas.Wire):
    """Where and how to convert."""

    target_root: str = Field(max_length=1024, examples=["/data/catalog-v2"])
    to: Literal["v1", "v2"]
    dataset_ids: list[UUID] = Field([], max_length=MAX_DATASETS, description="Empty: the whole store.")
    dry_run: bool = True


class PurgeBody(schemas.Wire):
    """What of the trash to delete: give one of the two."""

    older_than_days: int | None = Field(None, ge=0, le=36_500)
    operation_ids: list[UUID] | None = Field(None, min_length=1, max_length=1000)


class OperationQuery(schemas.Wire):
    """Which operations; everything is optional."""

    store: str = Field("", description="Name of the store.")
    kind: str = ""
    state: State = ""
    path: str = Field("", description="Dataset directory below the store's root.")


def info(row: StoreOperation) -> OperationInfo:
    """An operation; its store and users must be selected with it."""
    return OperationInfo(
        operation_id=str(row.pk),
        store=row.store.name,
        kind=row.kind,
        path=row.path,
        state=row.state,
        user=row.user.username if row.user else None,
        job_id=str(row.job_id) if row.job_id else None,
        parameters=row.parameters,
        file_count_before=row.file_count_before,
        file_count_after=row.file_count_after,
        rows_before=row.rows_before,
        rows_after=row.rows_after,
        bytes_before=row.bytes_before,
        bytes_after=row.bytes_after,
        created_at=schemas.iso(row.created_at) or "",
        undone_at=schemas.iso(row.undone_at),
        undone_by=row.undone_by.username if row.undone_by else None,
        undoes=str(row.undoes_id) if row.undoes_id else None,
        purged_at=schemas.iso(row.purged_at),
    )


def operation_file(file: dict[str, Any]) -> OperationFile:
    """A file as the journal has it."""
    return OperationFile(path=file["path"], size_bytes=file["size_bytes"], sha256=file["sha256"], rows=file["rows"])
