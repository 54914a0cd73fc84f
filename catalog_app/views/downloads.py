"""Hands out the file of an export: whole, or the range that was asked for."""

from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from catalog_app.models import Export
from catalog_app.services.downloads import Part, RangeUnsatisfiable, read_part, read_part_async, wanted_part

CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".parquet": "application/vnd.apache.parquet",
}


def export_response(request: HttpRequest, export: Export, path: Path) -> HttpResponseBase:
    """Answer GET or HEAD for an export's file, with ETag, checksum, and single ranges."""
    size, etag = path.stat().st_size, f'"{export.sha256}"'
    if etag in request.headers.get("If-None-Match", ""):
        return _described(HttpResponseNotModified(), export, path, etag)
    # A range of another version of the file would be joined to what the client has: send the whole.
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    try:
        part = wanted_part(wanted, size)
    except RangeUnsatisfiable as error:
        return HttpResponse(
            str(error), status=416, headers={"Content-Range": f"bytes */{size}"}, content_type="text/plain"
        )
    response = _body(request, path, part)
    if not part.is_whole:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    response["Content-Length"] = str(part.length)
    return _described(response, export, path, etag)


def _body(request: HttpRequest, path: Path, part: Part) -> HttpResponseBase:
    content_type = CONTENT_TYPES.get(path.suffix, "application/octet-stream")
    if request.method == "HEAD":
        return HttpResponse(content_type=content_type)
    read = read_part_async if isinstance(request, ASGIRequest) else read_part
    return StreamingHttpResponse(read(path, part), content_type=content_type)


def _described(response: HttpResponseBase, export: Export, path: Path, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["X-Checksum-SHA256"] = export.sha256
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-transform"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = content_disposition_header(True, path.name) or "attachment"
    return response
