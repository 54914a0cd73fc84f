"""Filling gaps in the admin: policies, off unless switched on, and what was filled."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from catalog_app.admin import ReadOnlyAdmin
from quality_app.forms.fills import FillPolicyForm
from quality_app.models import FillPolicy, GapFill


@admin.register(FillPolicy)
class FillPolicyAdmin(admin.ModelAdmin):
    """Which gaps are filled after a scan without asking."""

    form = FillPolicyForm
    list_display = ("name", "is_active", "store", "applies_to", "from_stores", "longest_minutes", "most_rows_per_day")
    list_filter = ("is_active", "store")
    search_fields = ("name", "note")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "is_active", "note"),
                "description": "After a scan, open gaps without explanation are filled where every seam is in order: "
                "no warning, nothing refused. Each fill is an operation that can be undone; what was undone is not "
                "filled again.",
            },
        ),
        ("What it fills", {"fields": ("store", "venue", "instrument_id", "data_type")}),
        ("Where from", {"fields": ("sources", "build_bars")}),
        ("Limits", {"fields": ("longest_minutes", "most_rows_per_day")}),
    )

    @admin.display(description="For")
    def applies_to(self, obj: FillPolicy) -> str:
        """Its restrictions in words."""
        return ", ".join(filter(None, (obj.venue, obj.instrument_id, obj.data_type))) or "everything in the store"

    @admin.display(description="From")
    def from_stores(self, obj: FillPolicy) -> str:
        """Its sources in order."""
        return " → ".join(obj.sources)


@admin.register(GapFill)
class GapFillAdmin(ReadOnlyAdmin):
    """What was filled, from where, and what the seams looked like."""

    list_display = ("created_at", "dataset", "rows", "kind", "came_from", "by_policy", "created_by", "undone_at")
    list_filter = ("kind", "by_policy")
    list_select_related = ("dataset__store", "created_by")
    search_fields = ("dataset__instrument_id", "dataset__path")
    fields = readonly_fields = (
        "created_at",
        "dataset",
        "kind",
        "came_from",
        "rows",
        "spans",
        "gaps",
        "seams",
        "source",
        "operation",
        "job",
        "by_policy",
        "created_by",
        "undone_at",
    )

    @admin.display(description="From")
    def came_from(self, obj: GapFill) -> str:
        """Dataset and store."""
        return f"{obj.source.get('dataset', '')} in {obj.source.get('store', '')}"

    @admin.display(description="Operation")
    def operation(self, obj: GapFill) -> str:
        """Where it can be undone."""
        if obj.operation_id is None:
            return "-"
        return format_html(
            '<a href="{}">{}</a>', reverse("manage:operation", args=[obj.operation_id]), obj.operation_id
        )
