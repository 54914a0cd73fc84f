"""Incidents in the admin: the same form and service as the pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog_app.views.users import user_of
from quality_app.forms.incidents import IncidentForm
from quality_app.forms.wanted import moment_text
from quality_app.models import SourceIncident
from quality_app.services.incidents import keep_incident, rescan


@admin.register(SourceIncident)
class SourceIncidentAdmin(admin.ModelAdmin):
    """Interruptions; gaps of what they concern are scanned anew when they change."""

    form = IncidentForm
    fields = ("title", "venue", "instrument_id", "store", "start", "end", "url")
    list_display = ("title", "venue", "instrument_id", "store", "began", "ended", "origin")
    list_filter = ("origin", "venue", "store")
    list_select_related = ("store",)
    search_fields = ("title", "venue", "instrument_id")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="From, UTC", ordering="start_ns")
    def began(self, obj: SourceIncident) -> str:
        """In full."""
        return moment_text(obj.start_ns)

    @admin.display(description="To, UTC", ordering="end_ns")
    def ended(self, obj: SourceIncident) -> str:
        """In full, or open."""
        return "open" if obj.end_ns is None else moment_text(obj.end_ns)

    def save_model(self, request: HttpRequest, obj: SourceIncident, form: Any, change: bool) -> None:
        """Save through the service; the admin itself writes the history."""
        keep_incident(obj, user_of(request), noted=True)

    def delete_model(self, request: HttpRequest, obj: SourceIncident) -> None:
        """Delete, and scan anew."""
        self.delete_queryset(request, SourceIncident.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[SourceIncident]) -> None:
        """Delete the chosen ones, and scan what they concern anew."""
        rows = list(queryset)
        super().delete_queryset(request, queryset)
        rescan(rows, user_of(request))
