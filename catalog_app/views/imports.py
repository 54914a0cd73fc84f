"""The import wizard: upload, map with a preview, start."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from catalog_app.formats.errors import FormatError
from catalog_app.forms.import_initial import initial_values
from catalog_app.forms.imports import MappingForm, UploadForm
from catalog_app.models import Import
from catalog_app.services.import_preview import detect_upload, first_time, known_instruments, preview_upload
from catalog_app.services.importing import request_import
from catalog_app.services.uploads import UploadRefused, keep_upload, visible_uploads
from catalog_app.views.htmx import render_page
from catalog_app.views.users import user_of


@require_http_methods(["GET", "POST"])
@permission_required("catalog_app.add_import", raise_exception=True)
def new(request: HttpRequest) -> HttpResponse:
    """Upload a file; what cannot be a table of market data is refused right here."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            upload = keep_upload(form.cleaned_data["file"], user_of(request))
            detect_upload(upload)
        except (UploadRefused, FormatError) as error:
            form.add_error("file", str(error))
        else:
            return redirect("imports:map", upload.upload_id)
    context = {
        "form": form,
        "limit_bytes": settings.UPLOAD_LIMIT_BYTES,
        "imports": Import.objects.select_related("upload", "store", "job", "created_by", "dataset")[:20],
    }
    return render(request, "imports/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@permission_required("catalog_app.add_import", raise_exception=True)
def map_upload(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Confirm how to read an upload, seeing its first rows parsed; POST starts the import."""
    upload = get_object_or_404(visible_uploads(user_of(request)), pk=upload_id)
    try:
        detection = detect_upload(upload)
    except (UploadRefused, FormatError) as error:
        return render(request, "imports/unusable.html", {"upload": upload, "reason": str(error)}, status=422)
    if request.method == "POST":
        form = MappingForm(upload, detection, request.POST)
        if form.is_valid() and form.request:
            item = request_import(form.request, user_of(request))
            return redirect("jobs:detail", item.job_id)
    else:
        form = MappingForm(upload, detection, request.GET or initial_values(upload, detection), draft=True)
        form.is_valid()
    preview = preview_upload(upload, form.mapping, form.decimals())
    context = {
        "form": form,
        "data_type": form.chosen_type,
        "upload": upload,
        "detection": detection,
        "preview": preview,
        "first_time": first_time(detection, form.mapping, preview),
        "instruments": known_instruments(form.chosen_store()),
        "known": form.known_instrument(),
        "options_open": any(field.errors for field in form.option_fields()),
    }
    return render_page(request, "imports/map.html", "mapping", context, status=422 if request.method == "POST" else 200)
