"""A report as one HTML file that needs nothing else: the page's own template and style sheets."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from quality_app.models import QualityReport
from quality_app.services.reports.document import Document
from quality_app.services.reports.view import view_of

_SHEETS: Final = ("css/tokens.css", "css/layout.css", "css/components.css", "css/report.css")


def write_html(kept: QualityReport, document: Document, origin: str | None) -> bytes:
    """Return the report as a file; links lead to the desk at `origin`, and are left out without one."""
    context = {
        "kept": kept,
        "report": view_of(document, origin),
        "styles": styles(),
        "url": None if origin is None else origin + reverse("quality:report", args=[kept.pk]),
    }
    return render_to_string("quality/report_file.html", context).encode()


@cache
def styles() -> SafeString:
    """Return the style sheets as one element; the files are the desk's own."""
    texts = [Path(path).read_text() for name in _SHEETS if (path := finders.find(name))]
    return mark_safe(f"<style>\n{''.join(texts)}</style>")  # noqa: S308 - no user's text is in them
