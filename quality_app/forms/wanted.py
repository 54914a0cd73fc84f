"""Forms of wanted data: one declaration, pasted lines, and how old data that is there may get."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.forms.fields import NanosecondField
from catalog_app.models import Store
from quality_app.gaps.wanted import SECOND_NS
from quality_app.lengths import length_text, parse_length
from quality_app.models import WantedData
from quality_app.services.wanted import WANTED_TYPES
from quality_app.services.wanted_lines import Refused, in_bounds, target

_MOST_TEXT: Final = 2_000_000
AGE_HELP: Final = "Of trading time: 15 min, 2 h, 1 d. Closed hours do not count."


class LengthField(forms.CharField):
    """A length of time, `15 min`, as whole seconds."""

    def clean(self, value: Any) -> int | None:
        """Return seconds, or None for an empty optional value."""
        text = super().clean(value)
        try:
            return parse_length(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


class WantedForm(forms.ModelForm):
    """One declaration."""

    class Meta:
        model = WantedData
        fields = ("instrument_id", "data_type", "timeframe", "store", "note", "is_active")
        widgets = {"note": forms.Textarea(attrs={"rows": 2})}
        labels = {"is_active": "Active"}
        help_texts = {"is_active": "A paused declaration is kept, and asks for nothing."}

    instrument_id = forms.CharField(
        label="Instrument",
        max_length=200,
        help_text="EUR/USD.SIM, or as in paths: EURUSD.SIM.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    data_type = forms.ChoiceField(choices=WANTED_TYPES)
    timeframe = forms.CharField(
        required=False,
        max_length=80,
        help_text="Of bars: 1-MINUTE-BID.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    store = forms.ModelChoiceField(queryset=Store.objects.all(), required=False, empty_label="Any store")
    start = NanosecondField(label="From, UTC")
    end = NanosecondField(label="To, UTC", end=True, required=False, help_text="Empty: until now.")
    max_age = LengthField(
        label="Maximum age of the last row",
        required=False,
        max_length=40,
        help_text=f"{AGE_HELP} Empty: it is never overdue.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "15 min"}),
    )

    field_order = ("instrument_id", "data_type", "timeframe", "store", "start", "end", "max_age", "note", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.start_ns is not None:
            self.initial.setdefault("start", moment_text(self.instance.start_ns))
        if self.instance.end_ns is not None:
            self.initial.setdefault("end", moment_text(self.instance.end_ns))
        if self.instance.max_age_seconds:
            self.initial.setdefault("max_age", length_text(self.instance.max_age_seconds))

    def clean(self) -> dict[str, Any]:
        """Hand the cleaned target, range and age to the row."""
        data = super().clean() or {}
        row = self.instance
        try:
            if not {"instrument_id", "data_type", "timeframe"} & set(self.errors):
                names = ("instrument_id", "data_type", "timeframe")
                found = target(*(data[name] for name in names))
                data.update(zip(names, found, strict=True))
            for name in ("start", "end"):
                if data.get(name) is not None:
                    in_bounds(data[name], name)
        except Refused as refusal:
            self.add_error(refusal.field, str(refusal))
        start, end = data.get("start"), data.get("end")
        if start is not None and end is not None and end < start:
            self.add_error("end", "The end lies before the start.")
        if not self.errors:
            row.start_ns, row.end_ns, row.max_age_seconds = data["start"], data["end"], data["max_age"]
        if data.get("max_age") and end is not None:
            self.add_error("max_age", "Only data that is wanted until now can be overdue: leave this or the end empty.")
        return data


class PasteForm(forms.Form):
    """Lines to read."""

    lines = forms.CharField(
        label="Lines",
        max_length=_MOST_TEXT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "class": "mono"}),
        help_text="One for each: instrument, type, timeframe, from, to, max age, store, note. Copied cells work too.",
        error_messages={"required": "Paste one line for each dataset that should exist."},
    )


class PresentForm(forms.Form):
    """How data that is there is to be wanted."""

    max_age = LengthField(
        label="Maximum age of the last row",
        required=False,
        max_length=40,
        help_text=AGE_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "1 d"}),
    )
    in_store = forms.BooleanField(label="In its own store", required=False, help_text="Else data of any store will do.")


def moment_text(ns: int) -> str:
    """Nanoseconds as the fields read them, in full: what was not touched stays as it was."""
    seconds, fraction = divmod(ns, SECOND_NS)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    return f"{text}.{fraction:09d}" if fraction else text
