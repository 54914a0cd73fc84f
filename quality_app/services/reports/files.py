"""The files that a kept report is downloaded as."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from quality_app.models import QualityReport
from quality_app.services.reports.csv import write_csv
from quality_app.services.reports.document import Document
from quality_app.services.reports.html import write_html


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file by its name, media type and bytes."""

    name: str
    content_type: str
    body: bytes


type Write = Callable[[QualityReport, Document, str | None], bytes]


def _pdf(kept: QualityReport, document: Document, origin: str | None) -> bytes:
    # Loaded with the first PDF: no process needs it at its start.
    from quality_app.services.reports.pdf import write_pdf

    return write_pdf(kept, document, origin)


def _csv(_: QualityReport, document: Document, __: str | None) -> bytes:
    return write_csv(document)


def _json(kept: QualityReport, _: Document, __: str | None) -> bytes:
    content = {"reportId": str(kept.pk), **kept.content}
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


FORMATS: Final[Mapping[str, str]] = {"pdf": "PDF", "html": "HTML", "csv": "CSV", "json": "JSON"}
_WRITERS: Final[Mapping[str, tuple[str, Write]]] = {
    "pdf": ("application/pdf", _pdf),
    "html": ("text/html; charset=utf-8", write_html),
    "csv": ("text/csv; charset=utf-8", _csv),
    "json": ("application/json", _json),
}


def report_file(kept: QualityReport, format_name: str, origin: str | None) -> ReportFile:
    """Write a report as a file of a format in FORMATS; links lead to `origin`, and are left out for None.

    Raises:
        UnknownVersion: when another version of the desk made the report.

    """
    content_type, write = _WRITERS[format_name]
    body = write(kept, Document.from_json(kept.content), origin)
    return ReportFile(f"{_stem(kept)}.{format_name}", content_type, body)


def _stem(kept: QualityReport) -> str:
    plain = unicodedata.normalize("NFKD", kept.label).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:60] or "report"
    return f"quality-{kept.period}-{name}-{kept.end:%Y%m%dT%H%MZ}"
