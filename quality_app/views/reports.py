"""Kept reports: the list, one as a page and as files, asking for one, mailing it, deleting it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog_app.services.errors import Conflict
from catalog_app.views.htmx import render_page
from catalog_app.views.users import user_of
from quality_app.forms.reports import ReportForm
from quality_app.models import QualityReport, Schedule
from quality_app.services.reports.document import Document, UnknownVersion
from quality_app.services.reports.files import FORMATS, report_file
from quality_app.services.reports.mail import mail_is_set
from quality_app.services.reports.requests import request_report, request_sending
from quality_app.services.reports.view import view_of

PAGE_SIZE = 50
# A downloaded file that is opened all the same can do nothing here.
SANDBOX: Mapping[str, Collection[str]] = {"sandbox": "", **settings.SECURE_CSP}


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("quality_app.view_qualityreport", raise_exception=True)
def report_list(request: HttpRequest) -> HttpResponse:
    """The reports, newest first, with the filters in the address; POST asks for a new one, as a job."""
    if request.method == "POST":
        return _ask(request)
    return render_page(request, "quality/reports.html", "rows", _list_context(request, ReportForm()))


@require_safe
@permission_required("quality_app.view_qualityreport", raise_exception=True)
def report(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """One report, as it was when it was made."""
    kept = get_object_or_404(QualityReport.objects.select_related("schedule", "created_by"), pk=report_id)
    context: dict[str, Any] = {"kept": kept, "formats": FORMATS.items(), "mail_is_set": mail_is_set()}
    try:
        context["report"] = view_of(Document.from_json(kept.content), "")
    except UnknownVersion as refusal:
        return render(request, "quality/report.html", {**context, "problem": str(refusal)})
    context["previous_url"] = _previous_url(kept)
    context["may_send"] = (
        context["mail_is_set"] and bool(kept.unsent) and request.user.has_perm("quality_app.add_qualityreport")
    )
    return render(request, "quality/report.html", context)


@require_safe
@permission_required("quality_app.view_qualityreport", raise_exception=True)
@csp_override(SANDBOX)
def file(request: HttpRequest, report_id: UUID, format_name: str) -> HttpResponse:
    """A report as a file to keep: pdf, html, csv or json."""
    if format_name not in FORMATS:
        raise Http404("There is no such format.")
    kept = get_object_or_404(QualityReport, pk=report_id)
    try:
        made = report_file(kept, format_name, request.build_absolute_uri("/").rstrip("/"))
    except UnknownVersion as refusal:
        return HttpResponse(str(refusal), status=409, content_type="text/plain; charset=utf-8")
    response = HttpResponse(made.body, content_type=made.content_type)
    response["Content-Disposition"] = content_disposition_header(True, made.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-transform"
    return response


@require_POST
@permission_required("quality_app.add_qualityreport", raise_exception=True)
def send(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Mail a report to those of its schedule's addresses that it did not reach."""
    kept = get_object_or_404(QualityReport, pk=report_id)
    try:
        job = request_sending(kept, user_of(request))
    except Conflict as refusal:
        messages.warning(request, str(refusal))
        return redirect("quality:report", kept.pk)
    return redirect("jobs:detail", job.pk)


@require_POST
@permission_required("quality_app.delete_qualityreport", raise_exception=True)
def delete(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """Delete a report for good."""
    kept = get_object_or_404(QualityReport.objects.defer("content"), pk=report_id)
    kept.delete()
    messages.success(request, f"Deleted: {kept}.")
    return redirect("quality:reports")


def _ask(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("quality_app.add_qualityreport"):
        raise PermissionDenied
    form = ReportForm(request.POST)
    if form.is_valid():
        try:
            job = request_report(form.chosen_scope, form.cleaned_data["period"], user_of(request), *form.moments())
        except Conflict as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("jobs:detail", job.pk)
    return render(request, "quality/reports.html", _list_context(request, form), status=422)


def _list_context(request: HttpRequest, form: ReportForm) -> dict[str, Any]:
    chosen = {name: request.GET.get(name, "").strip() for name in ("scope", "period", "key", "q")}
    found = QualityReport.objects.defer("content").select_related("schedule", "created_by")
    for name in ("scope", "period", "key"):
        found = found.filter(**{name: chosen[name]}) if chosen[name] else found
    if chosen["q"]:
        found = found.filter(Q(label__icontains=chosen["q"]) | Q(key__icontains=chosen["q"]))
    return {
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "scopes": QualityReport.Scope.choices,
        "periods": QualityReport.Period.choices,
        "formats": FORMATS.items(),
        "form": form,
        "schedules": Schedule.objects.filter(kind=Schedule.Kind.REPORT),
        "schedule_add_url": f"{reverse('admin:quality_app_schedule_add')}?preset=report-daily",
        "mail_is_set": mail_is_set(),
    }


def _previous_url(kept: QualityReport) -> str:
    """Where the previous report is, if it is still kept."""
    previous = kept.content.get("previous")
    if not previous or not QualityReport.objects.filter(pk=previous["reportId"]).exists():
        return ""
    return reverse("quality:report", args=[previous["reportId"]])
