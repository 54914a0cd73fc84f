"""Schedules in the admin: when each runs next, what its last run did, and a start by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from quality_app.forms.schedules import PRESETS, ScheduleForm
from quality_app.models import Schedule
from quality_app.services.schedules import run_now, save_schedule

# Keys of a scope as words.
_WORDS = {
    "storeId": "store",
    "assetClass": "asset class",
    "instrumentId": "instrument",
    "dataTypes": "data:",
    "datasetIds": "datasets",
    "reconciliationId": "reconciliation",
    "each": "one for each",
    "recipients": "to",
}


@admin.register(Schedule)
class ScheduleAdmin(admin.ModelAdmin):
    """Recurring work, in UTC."""

    form = ScheduleForm
    list_display = ("name", "kind", "rhythm", "covers", "enabled", "next_run", "last_run", "last_result")
    list_select_related = ("last_job",)
    actions = ("run_chosen",)
    change_list_template = "admin/quality_app/schedule_list.html"
    change_form_template = "admin/quality_app/schedule_form.html"
    readonly_fields = ("next_run", "last_run", "last_result")
    fieldsets = (
        (None, {"fields": ("name", "kind", "enabled")}),
        (
            "When",
            {"fields": ("every_minutes", "time_utc", "weekday"), "description": "Minutes, or a time of day. All UTC."},
        ),
        (
            "What",
            {
                "fields": ("store", "venue", "asset_class", "instrument_id", "data_types"),
                "description": "What is left empty narrows nothing. Datasets are looked up anew at each run.",
            },
        ),
        ("For reconciling", {"fields": ("reconciliation",)}),
        ("For reports", {"fields": ("period", "each", "recipients")}),
        ("Runs", {"fields": ("next_run", "last_run", "last_result")}),
    )

    @admin.display(description="When")
    def rhythm(self, obj: Schedule) -> str:
        """The rhythm in words."""
        return str(obj.cadence)

    @admin.display(description="Covers")
    def covers(self, obj: Schedule) -> str:
        """The scope in words."""
        return "; ".join(f"{_WORDS.get(key, key)} {_text(value)}" for key, value in obj.scope.items()) or "everything"

    @admin.display(description="Next run, UTC", ordering="next_run_at")
    def next_run(self, obj: Schedule) -> str:
        """To the minute; a schedule that is off has none."""
        return f"{obj.next_run_at:%Y-%m-%d %H:%M}" if obj.next_run_at else "-"

    @admin.display(description="Last run, UTC", ordering="last_run_at")
    def last_run(self, obj: Schedule) -> str:
        """To the minute."""
        return f"{obj.last_run_at:%Y-%m-%d %H:%M}" if obj.last_run_at else "-"

    @admin.display(description="Last job")
    def last_result(self, obj: Schedule) -> SafeString | str:
        """The last job with its state, and why a later run started none."""
        job = obj.last_job
        if job is None:
            return obj.last_note or "-"
        link = format_html('<a href="{}">{}</a>', reverse("jobs:detail", args=[job.pk]), job.get_state_display())
        return format_html("{} {}", link, obj.last_note) if obj.last_note else link

    @admin.action(
        description="Run now",
        permissions=["change"],
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def run_chosen(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        """Start the work of the chosen ones; their times stay."""
        for schedule in queryset:
            job = run_now(schedule)
            if job is None:
                self.message_user(request, f"{schedule}: {schedule.last_note}", messages.WARNING)
            else:
                link = format_html('<a href="{}">{}</a>', reverse("jobs:detail", args=[job.pk]), job)
                self.message_user(request, format_html("Started {}.", link))

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Save through the service, which tells the next run."""
        save_schedule(obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with a preset: `?preset=validate-daily`."""
        preset = PRESETS.get(request.GET.get("preset", ""))
        return preset[1] if preset else super().get_changeform_initial_data(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with what it offers to begin with."""
        return super().changelist_view(request, {**(extra_context or {}), "presets": _presets()})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, with what it offers to begin with."""
        return super().add_view(request, form_url, {**(extra_context or {}), "presets": _presets()})


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _presets() -> list[tuple[str, str]]:
    add = reverse("admin:quality_app_schedule_add")
    return [(f"{add}?preset={key}", label) for key, (label, _) in PRESETS.items()]
