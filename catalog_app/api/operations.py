"""Operations on the stores' files: their history, undo, maintenance, conversion, purge."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from ninja.errors import HttpError

from catalog_app.api import cursors
from catalog_app.api.accepted import Accepted, accepted, queues_job
from catalog_app.api.auth import access, caller, idempotency_key
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.api.operation_shapes import (
    ConversionBody,
    MaintenanceBody,
    OperationDetail,
    OperationPage,
    OperationQuery,
    PurgeBody,
    info,
    operation_file,
)
from catalog_app.models import Dataset, Store, StoreOperation
from catalog_app.services import operations
from catalog_app.services.maintenance.conversion import request_conversion
from catalog_app.services.maintenance.purging import request_purge
from catalog_app.services.maintenance.requesting import request_maintenance
from catalog_app.services.maintenance.undoing import request_undo
from catalog_app.store.maintenance import Request, request_from_json

router = Router(tags=["Operations"], by_alias=True)
stores = Router(tags=["Operations"], by_alias=True)
datasets = Router(tags=["Operations"], by_alias=True)

READ = access("read", "admin", permission="catalog_app.view_storeoperation")


@router.get("", response=OperationPage, summary="Operations, newest first", **READ)
def list_operations(
    request: HttpRequest, query: Query[OperationQuery], limit: Limit = 100, cursor: Cursor = None
) -> OperationPage:
    """What was changed in the stores, when and by whom; without the files."""
    store = get_object_or_404(Store, name=query.store) if query.store else None
    found = operations.history(store, path=query.path, kind=query.kind, state=query.state)
    return _page(found, limit, cursor)


@router.get("/{operation_id}", response=OperationDetail, summary="One operation", **READ)
def get_operation(request: HttpRequest, operation_id: UUID) -> OperationDetail:
    """An operation with its files before and after, each with its SHA-256."""
    related = StoreOperation.objects.select_related("store", "user", "undone_by")
    row = get_object_or_404(related, pk=operation_id)
    return OperationDetail(
        **info(row).model_dump(),
        files_before=[operation_file(file) for file in row.files_before],
        files_after=[operation_file(file) for file in row.files_after],
        hindrance=operations.hindrance(row),
    )


@router.post("/{operation_id}/undo", summary="Take an operation back", **queues_job("catalog_app.undo_operation"))
def undo_operation(request: HttpRequest, response: HttpResponse, operation_id: UUID) -> Accepted:
    """Queues a job. 409 with the reason when it cannot be undone. Honours `Idempotency-Key`."""
    row = get_object_or_404(StoreOperation.objects.select_related("store"), pk=operation_id)
    return accepted(response, request_undo(row, caller(request), idempotency_key=idempotency_key(request)))


@datasets.get("/{dataset_id}/operations", response=OperationPage, summary="Operations on a dataset", **READ)
def list_dataset_operations(
    request: HttpRequest, dataset_id: UUID, limit: Limit = 100, cursor: Cursor = None
) -> OperationPage:
    """What was changed in a dataset, newest first."""
    dataset = get_object_or_404(Dataset.objects.select_related("store"), pk=dataset_id)
    return _page(operations.history(dataset.store, path=dataset.path), limit, cursor)


@stores.post("/{store_id}/maintain", summary="Maintain datasets", **queues_job("catalog_app.maintain_store"))
def maintain_store(request: HttpRequest, response: HttpResponse, store_id: int, body: MaintenanceBody) -> Accepted:
    """Queues a job that plans, or plans and changes, these datasets. Honours `Idempotency-Key`."""
    store = get_object_or_404(Store, pk=store_id)
    job = request_maintenance(
        _datasets(store, body.dataset_ids),
        _request(body.request),
        caller(request),
        dry_run=body.dry_run,
        idempotency_key=idempotency_key(request),
    )
    return accepted(response, job)


@stores.post("/{store_id}/convert", summary="Convert into a new store", **queues_job("catalog_app.convert_store"))
def convert_store(request: HttpRequest, response: HttpResponse, store_id: int, body: ConversionBody) -> Accepted:
    """Queues a job that plans, or makes, a converted copy; this store is not changed. Honours `Idempotency-Key`."""
    store = get_object_or_404(Store, pk=store_id)
    job = request_conversion(
        store,
        body.target_root,
        body.to,
        caller(request),
        datasets=_datasets(store, body.dataset_ids),
        dry_run=body.dry_run,
        idempotency_key=idempotency_key(request),
    )
    return accepted(response, job)


@stores.post("/{store_id}/purge", summary="Purge the trash", **queues_job("catalog_app.purge_trash"))
def purge_store(request: HttpRequest, response: HttpResponse, store_id: int, body: PurgeBody) -> Accepted:
    """Queues a job that deletes replaced files for good: their operations can no longer be undone."""
    store = get_object_or_404(Store, pk=store_id)
    job = request_purge(
        store,
        caller(request),
        older_than_days=body.older_than_days,
        operation_ids=body.operation_ids,
        idempotency_key=idempotency_key(request),
    )
    return accepted(response, job)


def _datasets(store: Store, keys: list[UUID]) -> list[Dataset]:
    found = list(Dataset.objects.select_related("store").filter(store=store, pk__in=keys))
    if missing := {str(key) for key in keys} - {str(row.pk) for row in found}:
        raise Http404(f"The store {store} has no dataset {', '.join(sorted(missing)[:3])}.")
    return found


def _request(values: dict[str, Any]) -> Request:
    target = values.get("targetStoreId")
    if target is not None:
        if not isinstance(target, int):
            raise HttpError(422, "targetStoreId must be a whole number.")
        rest = {name: value for name, value in values.items() if name != "targetStoreId"}
        values = {**rest, "targetRoot": get_object_or_404(Store, pk=target).root}
    try:
        return request_from_json(values)
    except ValueError as error:
        raise HttpError(422, f"request: {error}.") from None


def _page(found: QuerySet[StoreOperation], limit: int, cursor: str | None) -> OperationPage:
    rows, following = cursors.newest_first(found, limit, cursor)
    return OperationPage(operations=[info(row) for row in rows], next_cursor=following)
