"""Wanted data in the admin: the same form and service as the pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog_app.views.users import user_of
from quality_app.forms.wanted import WantedForm, moment_text
from quality_app.models import WantedData
from quality_app.services import wanted as service


@admin.register(WantedData)
class WantedDataAdmin(admin.ModelAdmin):
    """Declarations; what they mean is scanned anew when they change."""

    form = WantedForm
    fields = ("instrument_id", "data_type", "timeframe", "store", "start", "end", "max_age", "note", "is_active")
    list_display = ("instrument_id", "data_type", "timeframe", "store", "wanted_from", "wanted_to", "is_active")
    list_filter = ("is_active", "data_type", "store")
    list_select_related = ("store",)
    search_fields = ("instrument_id", "timeframe", "note")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="From, UTC", ordering="start_ns")
    def wanted_from(self, obj: WantedData) -> str:
        """In full."""
        return moment_text(obj.start_ns)

    @admin.display(description="To, UTC", ordering="end_ns")
    def wanted_to(self, obj: WantedData) -> str:
        """In full, or now."""
        return "now" if obj.end_ns is None else moment_text(obj.end_ns)

    def save_model(self, request: HttpRequest, obj: WantedData, form: Any, change: bool) -> None:
        """Save through the service."""
        if change:
            service.change(obj, user_of(request))
        else:
            service.declare([obj], user_of(request))

    def delete_model(self, request: HttpRequest, obj: WantedData) -> None:
        """Remove through the service."""
        service.remove(obj, user_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WantedData]) -> None:
        """Remove the chosen ones through the service."""
        for row in queryset:
            service.remove(row, user_of(request))
