"""Trading calendars in the admin: hours of people's own, changed days, and which calendar holds for what."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from quality_app.admin.choosing import DatasetChoice
from quality_app.calendar_names import canonical_name
from quality_app.calendars import SessionCalendar, built_in
from quality_app.custom_hours import WEEKDAYS, BadHours, ChangedDay
from quality_app.exchange_hours import UnknownCalendar
from quality_app.forms.calendars import (
    AssignmentForm,
    BuiltInDayForm,
    ChangedDayForm,
    ChangedDaySet,
    TradingCalendarForm,
)
from quality_app.models import CalendarAssignment, CalendarDay, TradingCalendar
from quality_app.services.calendar_preview import followers, preview
from quality_app.services.calendars import Calendars, session_calendar
from quality_app.sessions import DAY_NS, zone_of

_FORM = "admin/quality_app/calendar_form.html"


class ChangedDayInline(admin.TabularInline):
    """Days with other hours."""

    model = CalendarDay
    form = ChangedDayForm
    formset = ChangedDaySet
    fields = ("day", "hours", "reason")
    extra = 1
    verbose_name = "changed day"
    verbose_name_plural = "Changed days: holidays, early closes, one-off closures"


@admin.register(TradingCalendar)
class TradingCalendarAdmin(admin.ModelAdmin):
    """Weekly hours, with changed days."""

    form = TradingCalendarForm
    inlines = (ChangedDayInline,)
    change_form_template = _FORM
    list_display = ("name", "label", "zone", "hours", "holidays_of", "changed")
    search_fields = ("name", "label", "zone", "note")
    prepopulated_fields = {"name": ("label",)}
    fieldsets = (
        (None, {"fields": ("label", "name", "zone")}),
        (
            "Regular hours",
            {
                "fields": (*WEEKDAYS, "holidays_of"),
                "description": "Local time of the zone; clocks that change are followed. A span belongs to the weekday "
                "on which it starts.",
            },
        ),
        (None, {"fields": ("note",)}),
    )

    @admin.display(description="Hours")
    def hours(self, obj: TradingCalendar) -> str:
        """The week in short, equal days together."""
        days = [(name[:3].capitalize(), getattr(obj, name)) for name in WEEKDAYS]
        parts: list[tuple[list[str], str]] = []
        for name, text in days:
            if parts and parts[-1][1] == text:
                parts[-1][0].append(name)
            else:
                parts.append(([name], text))
        named = ((names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}", text) for names, text in parts if text)
        return "; ".join(f"{names} {text}" for names, text in named)

    @admin.display(description="Changed, UTC", ordering="updated_at")
    def changed(self, obj: TradingCalendar) -> str:
        """To the minute."""
        return f"{obj.updated_at:%Y-%m-%d %H:%M}"

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the days too, then say whom the hours concern."""
        super().save_related(request, form, formsets, change)
        _tell_followers(self, request, form.instance.name)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, with what the next days look like."""
        own = self.get_object(request, object_id)
        shown = _next_days(own, time.time_ns()) if own else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})


@admin.register(CalendarDay)
class BuiltInDayAdmin(admin.ModelAdmin):
    """Changed days of built-in calendars; those of own calendars stand with them."""

    form = BuiltInDayForm
    change_form_template = _FORM
    list_display = ("built_in", "day", "told_hours", "reason")
    list_filter = ("built_in",)
    search_fields = ("built_in", "reason")
    date_hierarchy = "day"
    fieldsets = (
        (
            None,
            {
                "fields": ("built_in", "day", "hours", "reason"),
                "description": "It holds for every dataset that follows the calendar. Local time of the calendar; "
                "where sessions begin on the evening before their day (FX week, CME), so does 17:00-12:00.",
            },
        ),
    )

    @admin.display(description="Hours", ordering="hours")
    def told_hours(self, obj: CalendarDay) -> str:
        """Its hours, or that it is closed."""
        return obj.hours or "closed"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarDay]:
        """Only days of built-in calendars."""
        return super().get_queryset(request).filter(calendar=None)

    def save_model(self, request: HttpRequest, obj: CalendarDay, form: Any, change: bool) -> None:
        """Save, then say whom the day concerns."""
        super().save_model(request, obj, form, change)
        _tell_followers(self, request, obj.built_in)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, with what the days around this one look like."""
        one = self.get_object(request, object_id)
        shown = _days_around(one) if one else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})


@admin.register(CalendarAssignment)
class CalendarAssignmentAdmin(DatasetChoice):
    """Which calendar holds for what; the narrowest wins."""

    form = AssignmentForm
    list_display = ("holds_for", "follows", "why")
    list_select_related = ("calendar", "dataset__store")
    search_fields = ("venue", "product", "instrument_id", "asset_class", "built_in", "calendar__name", "note")
    fieldsets = (
        (
            "For what",
            {
                "fields": ("dataset", "instrument_id", "venue", "product", "asset_class"),
                "description": "A dataset wins over an instrument, that over a product of a venue, an asset class of a "
                "venue, a venue, and an asset class, in this order. Without one the desk goes by venue and symbol.",
            },
        ),
        ("Which calendar", {"fields": ("calendar", "built_in", "note")}),
    )

    @admin.display(description="For", ordering="venue")
    def holds_for(self, obj: CalendarAssignment) -> str:
        """The scope in words."""
        if obj.dataset:
            return f"{obj.dataset.title} in {obj.dataset.store}"
        words = {"instrument": obj.instrument_id, "venue": obj.venue, "product": obj.product}
        words["asset class"] = obj.asset_class
        return ", ".join(f"{name} {text}" for name, text in words.items() if text)

    @admin.display(description="Calendar", ordering="calendar__name")
    def follows(self, obj: CalendarAssignment) -> str:
        """Its name."""
        return obj.calendar.label if obj.calendar else obj.built_in

    @admin.display(description="Why")
    def why(self, obj: CalendarAssignment) -> str:
        """The beginning of the note."""
        return obj.note if len(obj.note) <= 80 else f"{obj.note[:79]}…"

    def save_model(self, request: HttpRequest, obj: CalendarAssignment, form: Any, change: bool) -> None:
        """Save, then say whom it concerns."""
        super().save_model(request, obj, form, change)
        _tell_followers(self, request, obj.calendar.name if obj.calendar else obj.built_in)


def _tell_followers(model_admin: admin.ModelAdmin, request: HttpRequest, name: str) -> None:
    count = followers(Calendars.load(), name)
    datasets = f"{count:,} dataset follows" if count == 1 else f"{count:,} datasets follow"
    model_admin.message_user(
        request, f"{datasets} the calendar {name} now. Gaps and checks heed it with the next scan and validation."
    )


def _next_days(own: TradingCalendar, now_ns: int) -> dict[str, Any]:
    days = tuple(ChangedDay(one.day, one.hours) for one in own.days.all())
    try:
        return _shown(session_calendar(own, days), now_ns)
    except (BadHours, UnknownCalendar) as problem:
        return {"calendar_problem": str(problem)}


def _days_around(one: CalendarDay) -> dict[str, Any]:
    midnight_ns = int(datetime(one.day.year, one.day.month, one.day.day, tzinfo=UTC).timestamp()) * 10**9
    others = CalendarDay.objects.filter(built_in=one.built_in)
    try:
        name = canonical_name(one.built_in)
        calendar = built_in(name, tuple(ChangedDay(other.day, other.hours) for other in others))
        return _shown(calendar, midnight_ns - 4 * DAY_NS)
    except UnknownCalendar as problem:
        return {"calendar_problem": str(problem)}


def _shown(calendar: SessionCalendar, start_ns: int) -> dict[str, Any]:
    return {"preview": preview(calendar, start_ns), "preview_zone": zone_of(calendar)}
