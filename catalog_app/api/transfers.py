"""Operations that move data: exports and imports."""

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Value
from django.db.models.functions import Replace
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import File, Form, Router
from ninja.errors import HttpError
from ninja.files import UploadedFile

from catalog_app.api.auth import access, caller, idempotency_key
from catalog_app.api.problems import problem
from catalog_app.api.transfer_shapes import (
    DataExportRequest,
    ExportResult,
    ImportRequest,
    ImportResult,
    export_result,
    import_result,
)
from catalog_app.formats.errors import FormatError
from catalog_app.formats.export import EXPORT_FORMATS
from catalog_app.forms.fields import parse_moment
from catalog_app.forms.import_request import ImportWish, form_errors, mapping_form
from catalog_app.models import Dataset, Export, Import, Upload
from catalog_app.services.downloads import FileGone, NoFileYet, export_file
from catalog_app.services.exporting import ExportRequest, request_export
from catalog_app.services.importing import request_import
from catalog_app.services.stores import UnknownStore, registered_store
from catalog_app.services.uploads import keep_local_file, keep_upload, visible_uploads
from catalog_app.views.downloads import export_response

router = Router(tags=["Export and import"], by_alias=True)

EXPORT = access("export", "admin", permission="catalog_app.add_export")
EXPORTED = access("export", "admin", permission="catalog_app.view_export")
IMPORT = access("import", "admin", permission="catalog_app.add_import")


@router.post("/export", response={202: ExportResult}, summary="Export a dataset", **EXPORT)
def export(request: HttpRequest, response: HttpResponse, body: DataExportRequest) -> tuple[int, ExportResult]:
    """Queue an export of one dataset of any data type, and range; exact decimals, UTC."""
    wish = ExportRequest(
        dataset=_one_dataset(body),
        export_format=body.format,
        compression=body.compression or EXPORT_FORMATS[body.format][0],
        start_ns=_moment(body.date_range.start),
        end_ns=_moment(body.date_range.end, end=True),
        timestamp_format=body.timestamp_format,
    )
    made = request_export(wish, caller(request), idempotency_key=idempotency_key(request))
    response["Location"] = reverse("api:get_job", args=(made.job_id,))
    return 202, export_result(made, made.job)


@router.get("/export/{export_id}/status", response=ExportResult, summary="How far an export is", **EXPORTED)
def export_status(request: HttpRequest, export_id: UUID) -> ExportResult:
    """State, progress, size and checksum of an export."""
    found = get_object_or_404(Export.objects.select_related("job"), pk=export_id)
    return export_result(found, found.job)


@router.get("/download/{export_id}", summary="The file of an export", **EXPORTED)
def download(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """The file, with ETag, X-Checksum-SHA256 and single ranges. 404 until the export has succeeded."""
    found = get_object_or_404(Export.objects.select_related("job"), pk=export_id)
    try:
        return export_response(request, found, export_file(found))
    except NoFileYet as error:
        raise HttpError(404, str(error)) from None
    except FileGone as error:
        raise HttpError(410, str(error)) from None


@router.post("/import", response={202: ImportResult}, summary="Import a file", **IMPORT)
def import_file(
    request: HttpRequest,
    response: HttpResponse,
    body: Annotated[ImportRequest, Form()],
    file: Annotated[UploadedFile | None, File()] = None,
) -> tuple[int, ImportResult] | HttpResponse:
    """Queue an import: multipart with `file` and the fields of ImportRequest, or an uploadId or sourcePath."""
    try:
        store = registered_store(body.store)
        upload = _upload(request, body, file)
        form = mapping_form(upload, store, _wish(body))
    except (FormatError, UnknownStore, ValueError) as error:
        return problem(422, str(error))
    if not form.is_valid() or form.request is None:
        return problem(422, "The import is not possible as asked.", form_errors(form))
    made = request_import(form.request, caller(request), idempotency_key=idempotency_key(request))
    response["Location"] = reverse("api:get_job", args=(made.job_id,))
    return 202, import_result(made, made.job)


@router.get("/import/{import_id}/status", response=ImportResult, summary="How far an import is", **IMPORT)
def import_status(request: HttpRequest, import_id: UUID) -> ImportResult:
    """State, progress, row counts and rejected rows of an import."""
    found = get_object_or_404(Import.objects.select_related("job"), pk=import_id)
    return import_result(found, found.job)


def _one_dataset(body: DataExportRequest) -> Dataset:
    found = list(_matching(body)[:20])
    if not found:
        raise HttpError(404, "No dataset fits the request.")
    if len(found) > 1:
        names = ", ".join(f"{row} ({row.pk})" for row in found)
        raise HttpError(422, f"The request means {len(found)} datasets, one is needed: {names}. Give datasetId.")
    return found[0]


def _matching(body: DataExportRequest) -> QuerySet[Dataset]:
    found = Dataset.objects.select_related("store")
    if body.dataset_id:
        found = found.filter(pk=body.dataset_id)
    elif not body.instrument_ids:
        raise HttpError(422, "Give instrumentIds or datasetId.")
    if body.instrument_ids:
        # Ids come with their slashes or, as in paths, without.
        plain = Replace("instrument_id", Value("/"), Value(""))
        found = found.alias(plain=plain).filter(plain__in=[name.replace("/", "") for name in body.instrument_ids])
    if body.data_types:
        found = found.filter(data_type__in=body.data_types)
    return found.filter(timeframe__in=body.timeframes) if body.timeframes else found


def _moment(text: str | None, *, end: bool = False) -> int | None:
    try:
        return parse_moment(text, end=end) if text else None
    except ValueError as error:
        raise HttpError(422, str(error)) from None


def _upload(request: HttpRequest, body: ImportRequest, file: UploadedFile | None) -> Upload:
    user = caller(request)
    if file is not None:
        return keep_upload(file, user)
    if body.upload_id:
        return get_object_or_404(visible_uploads(user), pk=body.upload_id)
    if body.source_path:
        return keep_local_file(_below_import_root(body.source_path), user)
    raise HttpError(422, "Send a file, an uploadId or a sourcePath.")


def _below_import_root(text: str) -> Path:
    try:
        path = Path(text).resolve()
        allowed = any(path.is_relative_to(root) for root in settings.IMPORT_ROOTS) and path.is_file()
    except (OSError, ValueError):  # too long for the file system, or no path at all
        allowed = False
    if not allowed:
        raise HttpError(422, "sourcePath is no file below an allowed import root (IMPORT_ROOTS).")
    return path


def _wish(body: ImportRequest) -> ImportWish:
    return ImportWish(
        instrument_id=body.instrument_id,
        data_type=body.data_type,
        bar_type=body.bar_type,
        timezone=body.timezone,
        stamp=body.stamp,
        skip_rejected=body.skip_rejected,
        sort_rows=body.sort_rows,
        mapping=_mapping(body.mapping),
    )


def _mapping(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HttpError(422, f"The mapping is not JSON: {error}.") from None
    if not isinstance(fields, dict):
        raise HttpError(422, "The mapping is not a JSON object.")
    return fields
