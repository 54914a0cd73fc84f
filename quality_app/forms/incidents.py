"""Forms of incidents: what a source's interruption concerns, from when, until when."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.forms.fields import NanosecondField
from catalog_app.models import Store
from catalog_app.store.layout import identifier
from quality_app.forms.choices import venue_choices
from quality_app.forms.wanted import moment_text
from quality_app.models import SourceIncident
from quality_app.services.wanted_lines import Refused, in_bounds


class IncidentForm(forms.ModelForm):
    """One incident; what is set of venue, instrument and store must all hold."""

    class Meta:
        model = SourceIncident
        fields = ("title", "venue", "instrument_id", "store", "url")
        help_texts = {"title": "What happened: Matching engine down."}

    venue = forms.ChoiceField(required=False, choices=venue_choices)
    instrument_id = forms.CharField(
        label="Instrument",
        required=False,
        max_length=200,
        help_text="EUR/USD.SIM, or as in paths: EURUSD.SIM.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    store = forms.ModelChoiceField(queryset=Store.objects.all(), required=False, empty_label="Every store")
    start = NanosecondField(label="From, UTC")
    end = NanosecondField(label="To, UTC", end=True, required=False, help_text="Empty: it lasts.")
    url = forms.URLField(
        label="Link", required=False, max_length=200, assume_scheme="https", help_text="The venue's notice."
    )

    field_order = ("title", "venue", "instrument_id", "store", "start", "end", "url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("start", "end"):
            if (ns := getattr(self.instance, f"{name}_ns")) is not None:
                self.initial.setdefault(name, moment_text(ns))

    def clean_instrument_id(self) -> str:
        """Return the id as paths have it."""
        try:
            return identifier(self.cleaned_data["instrument_id"]) if self.cleaned_data["instrument_id"] else ""
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean_start(self) -> int:
        """Refuse what nanoseconds cannot tell."""
        return _bounded(self.cleaned_data["start"])

    def clean_end(self) -> int | None:
        """Refuse what nanoseconds cannot tell."""
        end: int | None = self.cleaned_data["end"]
        return None if end is None else _bounded(end)

    def clean(self) -> dict[str, Any]:
        """Hand the times to the row."""
        data = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        if start is not None and end is not None and end < start:
            self.add_error("end", "The end lies before the start.")
        if not self.errors:
            self.instance.start_ns, self.instance.end_ns = start, end
        return data


class EndForm(forms.Form):
    """When an incident ended."""

    end = NanosecondField(label="Ended at, UTC", required=False, help_text="Empty: now.")

    def clean_end(self) -> int | None:
        """Refuse what nanoseconds cannot tell."""
        end: int | None = self.cleaned_data["end"]
        return None if end is None else _bounded(end)


def _bounded(ns: int) -> int:
    try:
        return in_bounds(ns, "")
    except Refused as refusal:
        raise ValidationError(str(refusal)) from None
