"""Forms of trading calendars, changed days and assignments: hours that cannot be are refused with the reason."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog_app.store.layout import identifier
from quality_app.calendar_names import canonical_name, is_built_in, other_names
from quality_app.calendars import ALWAYS, FOLLOWED, FX_WEEK, LEARNED, ROOTS_BY_CME_CALENDAR, built_in, users_of
from quality_app.custom_hours import WEEKDAYS, BadHours, ChangedDay, parse_spans, zones
from quality_app.exchange_hours import UnknownCalendar
from quality_app.forms.choices import EMPTY, Choices, asset_class_choices
from quality_app.models import CalendarAssignment, CalendarDay, TradingCalendar
from quality_app.services.calendars import session_calendar
from quality_app.sessions import DAY_NS, check_changed, overlapping_day, sessions

_HOURS_HELP: Final = "09:30-12:00 13:00-16:00; a span may run over midnight: 22:00-05:00. Empty: closed."
_SHOWN_USERS: Final = 6
_SCOPES: Final = (
    {"dataset"},
    {"instrument_id"},
    {"venue"},
    {"asset_class"},
    {"venue", "product"},
    {"venue", "asset_class"},
)


class BuiltInField(forms.ChoiceField):
    """A calendar that the desk knows: `exchanges` only those of the library, `learned` also hours that are learned."""

    default_error_messages = {
        "invalid_choice": "There is no built-in calendar named %(value)s: choose one of the list."
    }

    def __init__(self, *, exchanges: bool = False, learned: bool = False, **kwargs: Any) -> None:
        super().__init__(choices=lambda: built_in_choices(exchanges=exchanges, learned=learned), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a calendar that was stored by another of its names."""
        return _canonical(value) if isinstance(value, str) and value else value

    def to_python(self, value: Any) -> str:
        """Return its one name."""
        return _canonical(super().to_python(value))

    def clean(self, value: Any) -> str:
        """Refuse a calendar of which the library knows no hours."""
        name: str = super().clean(value)
        if name and name != LEARNED:
            now = int(timezone.now().timestamp()) * 10**9
            try:
                sessions(built_in(name), now, now + DAY_NS)
            except UnknownCalendar as problem:
                raise ValidationError(str(problem)) from None
        return name


def built_in_choices(*, exchanges: bool = False, learned: bool = False) -> list[tuple[str, str | Choices]]:
    """Built-in calendars by kind, each with those who follow it; `exchanges` only: those with holidays."""
    cme = [name for name in FOLLOWED if name in ROOTS_BY_CME_CALENDAR]
    listed = [name for name in FOLLOWED if name not in {ALWAYS, FX_WEEK, *cme}]
    ours = [(ALWAYS, "24/7"), (FX_WEEK, built_in(FX_WEEK).label)]
    if learned:
        ours.append((LEARNED, "learned from the data's own activity"))
    return [
        EMPTY,
        *([] if exchanges else [("The desk's own", ours)]),
        ("Exchanges", [(name, _with_users(name)) for name in sorted(listed)]),
        ("CME products", [(name, _with_users(name)) for name in cme]),
        ("Others of pandas-market-calendars", [(name, name) for name in other_names()]),
    ]


class TradingCalendarForm(forms.ModelForm):
    """Weekly hours of people's own."""

    class Meta:
        model = TradingCalendar
        fields = ("name", "label", "zone", *WEEKDAYS, "holidays_of", "note")

    holidays_of = BuiltInField(
        exchanges=True, required=False, help_text="Its holidays close this calendar too. Its hours do not matter here."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in WEEKDAYS:
            if name in self.fields:
                self.fields[name].widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})
                self.fields[name].help_text = _HOURS_HELP if name == WEEKDAYS[0] else ""

    def clean_name(self) -> str:
        """Refuse the name of a built-in calendar: lists and results would not tell which one is meant."""
        name: str = self.cleaned_data["name"]
        if is_built_in(name):
            raise ValidationError(f"{name} is the name of a built-in calendar: choose another one.")
        return name

    def clean_zone(self) -> str:
        """Return the zone as IANA writes it."""
        typed: str = self.cleaned_data["zone"].strip()
        for zone in zones():
            if zone.casefold() == typed.casefold():
                return zone
        raise ValidationError(f"There is no time zone {typed!r}. Write an IANA name, such as Europe/Berlin.")

    def clean(self) -> dict[str, Any]:
        """Refuse spans that overlap, within a day or over midnight, and a calendar that never opens."""
        data = super().clean() or {}
        for name in WEEKDAYS:
            _clean_hours(self, name)
        if not self.errors:
            if not any(data[name] for name in WEEKDAYS):
                raise ValidationError("This calendar never opens: give hours to at least one weekday.")
            try:
                session_calendar(TradingCalendar(**{name: data[name] for name in ("name", "label", "zone", *WEEKDAYS)}))
            except BadHours as problem:
                raise ValidationError(str(problem)) from None
        return data


class ChangedDayForm(forms.ModelForm):
    """A day of one of people's own calendars."""

    class Meta:
        model = CalendarDay
        fields: tuple[str, ...] = ("day", "hours", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "hours" in self.fields:
            self.fields["hours"].widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})

    def clean(self) -> dict[str, Any]:
        """Refuse spans that overlap."""
        data = super().clean() or {}
        _clean_hours(self, "hours")
        return data


class ChangedDaySet(forms.BaseInlineFormSet):
    """All changed days of a calendar: none twice, none that reaches into the hours around it."""

    instance: TradingCalendar

    def clean(self) -> None:
        """Look at the days together, with the weekly hours as they will be."""
        super().clean()
        kept = [form.cleaned_data for form in self.forms if _is_kept(form)]
        days = [data["day"] for data in kept]
        for day in days:
            if days.count(day) > 1:
                raise ValidationError(f"{day:%Y-%m-%d} is listed twice: once is enough.")
        try:
            calendar = session_calendar(self.instance, tuple(ChangedDay(data["day"], data["hours"]) for data in kept))
            _refuse_overlap(overlapping_day(calendar))
        except (BadHours, UnknownCalendar):
            return  # the calendar's own form tells


class BuiltInDayForm(ChangedDayForm):
    """A day of a built-in calendar, for all who follow it."""

    class Meta(ChangedDayForm.Meta):
        fields = ("built_in", "day", "hours", "reason")

    built_in = BuiltInField(label="Calendar")

    def clean(self) -> dict[str, Any]:
        """Refuse a day twice, and hours that reach into those around it."""
        data = super().clean()
        if self.errors:
            return data
        others = [
            one
            for one in CalendarDay.objects.filter(calendar=None).exclude(pk=self.instance.pk)
            if _canonical(one.built_in) == data["built_in"]
        ]
        if any(one.day == data["day"] for one in others):
            raise ValidationError(f"That day of {data['built_in']} is changed already: edit that change.")
        changed = [ChangedDay(data["day"], data["hours"]), *(ChangedDay(one.day, one.hours) for one in others)]
        calendar = built_in(data["built_in"], tuple(changed))
        try:
            check_changed(calendar)
        except BadHours as problem:
            raise ValidationError({"hours": str(problem)}) from None
        _refuse_overlap(overlapping_day(calendar))
        return data


class AssignmentForm(forms.ModelForm):
    """Which calendar holds for what."""

    class Meta:
        model = CalendarAssignment
        fields = ("dataset", "instrument_id", "venue", "product", "asset_class", "calendar", "built_in", "note")

    built_in = BuiltInField(required=False, learned=True, label="or a built-in one")
    asset_class = forms.ChoiceField(required=False, choices=asset_class_choices)
    instrument_id = forms.CharField(
        label="Instrument", required=False, max_length=200, help_text="EUR/USD.SIM, or as in paths, EURUSD.SIM."
    )

    def clean_instrument_id(self) -> str:
        """Return the id as paths have it."""
        try:
            return identifier(self.cleaned_data["instrument_id"]) if self.cleaned_data["instrument_id"] else ""
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_venue(self) -> str:
        """Return it in capitals, as venues are written."""
        return str(self.cleaned_data["venue"]).strip().upper()

    def clean_product(self) -> str:
        """Return it in capitals."""
        return str(self.cleaned_data["product"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        """Refuse what is for nothing or for too much at once, and two calendars or none."""
        data = super().clean() or {}
        if self.errors:
            return data
        filled = {name for name in ("dataset", "instrument_id", "venue", "product", "asset_class") if data[name]}
        if "product" in filled and "venue" not in filled:
            raise ValidationError({"product": "A product needs its venue: other exchanges may use the same root."})
        if filled not in _SCOPES:
            raise ValidationError(
                "Say what it is for: a dataset, an instrument, a venue, an asset class, or a venue with either a "
                "product or an asset class."
            )
        if bool(data["calendar"]) == bool(data["built_in"]):
            raise ValidationError("Choose a calendar of your own or a built-in one: exactly one of the two.")
        return data


def _clean_hours(form: forms.ModelForm, name: str) -> None:
    if name not in form.cleaned_data:
        return
    try:
        parse_spans(form.cleaned_data[name])
    except BadHours as problem:
        form.add_error(name, str(problem))


def _refuse_overlap(day: Any) -> None:
    if day is not None:
        raise ValidationError(f"The hours of {day:%Y-%m-%d} begin before those of the day before have ended.")


def _is_kept(form: forms.BaseForm) -> bool:
    return form.is_valid() and bool(form.cleaned_data.get("day")) and not form.cleaned_data.get("DELETE")


def _with_users(name: str) -> str:
    users = users_of(name).split()
    more = ", …" if len(users) > _SHOWN_USERS else ""
    return f"{name} ({', '.join(users[:_SHOWN_USERS])}{more})"


def _canonical(name: str) -> str:
    try:
        return canonical_name(name) if name else ""
    except UnknownCalendar:
        return name
