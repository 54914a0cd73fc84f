"""The form of a schedule: typed fields for its rhythm and for what it covers."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.models.dataset import DataType
from quality_app.checks.check import EVERY_TYPE
from quality_app.forms.choices import asset_class_choices, store_choices, venue_choices
from quality_app.models import Reconciliation, Schedule
from quality_app.services.reports.mail import addresses

Kind = Schedule.Kind
_DATASETS: Final = frozenset({"storeId", "venue", "assetClass", "instrumentId", "dataTypes", "datasetIds"})
# What narrows each kind of work.
SCOPE_KEYS: Final = {
    Kind.VALIDATE: _DATASETS,
    Kind.SCAN_GAPS: _DATASETS - {"dataTypes"},
    Kind.RECONCILE: frozenset({"reconciliationId"}),
    Kind.REPORT: frozenset({"storeId", "venue", "instrumentId", "period", "each", "recipients"}),
}
# Form field -> key of the scope.
SCOPE_FIELDS: Final = {
    "store": "storeId",
    "venue": "venue",
    "asset_class": "assetClass",
    "instrument_id": "instrumentId",
    "data_types": "dataTypes",
    "reconciliation": "reconciliationId",
    "period": "period",
    "each": "each",
    "recipients": "recipients",
}
# What the admin offers to begin with; nothing is started before somebody saves one.
PRESETS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "validate-daily": (
        "Validate everything daily at 02:00",
        {"name": "Validate everything daily", "kind": Kind.VALIDATE, "time_utc": time(2)},
    ),
    "scan-daily": (
        "Scan all bars for gaps daily at 03:00",
        {"name": "Scan everything for gaps daily", "kind": Kind.SCAN_GAPS, "time_utc": time(3)},
    ),
    "validate-ticks-hourly": (
        "Validate quotes and trades hourly",
        {"name": "Validate ticks hourly", "kind": Kind.VALIDATE, "every_minutes": 60, "data_types": ["quote", "trade"]},
    ),
    "report-daily": (
        "Report on everything daily at 06:00",
        {"name": "Daily report", "kind": Kind.REPORT, "time_utc": time(6), "period": "daily"},
    ),
    "report-weekly": (
        "Report on everything on Mondays at 06:00",
        {"name": "Weekly report", "kind": Kind.REPORT, "time_utc": time(6), "weekday": 0, "period": "weekly"},
    ),
}


class ScheduleForm(forms.ModelForm):
    """Name, kind, rhythm and scope; an empty scope is everything."""

    class Meta:
        model = Schedule
        fields = ("name", "kind", "enabled", "every_minutes", "time_utc", "weekday")
        widgets = {"time_utc": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}
        help_texts = {
            "every_minutes": "Counted from Monday 00:00 UTC: every 15 is on the quarter hour. Or else:",
            "time_utc": "Once a day. UTC has no clock changes.",
            "weekday": "Only on this day. Empty: every day.",
        }

    store = forms.ChoiceField(required=False, choices=store_choices)
    venue = forms.ChoiceField(required=False, choices=venue_choices)
    asset_class = forms.ChoiceField(required=False, choices=asset_class_choices)
    instrument_id = forms.CharField(
        label="Instrument", required=False, max_length=200, help_text="EUR/USD.SIM or EURUSD.SIM. In every store."
    )
    data_types = forms.MultipleChoiceField(
        required=False,
        choices=[(name, DataType(name).label) for name in EVERY_TYPE],
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all.",
    )
    reconciliation = forms.ModelChoiceField(queryset=Reconciliation.objects.all(), required=False)
    period = forms.ChoiceField(
        label="Period of the report", required=False, choices=[("", "---------"), ("daily", "Day"), ("weekly", "Week")]
    )
    each = forms.ChoiceField(
        label="Reports",
        required=False,
        choices=[
            ("", "One of all that it covers"),
            ("venue", "One of each venue"),
            ("instrument", "One of each instrument"),
        ],
    )
    recipients = forms.CharField(
        label="Mail reports to",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="E-mail addresses, separated by commas or lines.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.scope.get("recipients"):
            self.initial.setdefault("recipients", "\n".join(self.instance.scope["recipients"]))
        for name, key in SCOPE_FIELDS.items():
            if key in self.instance.scope:
                self.initial.setdefault(name, self.instance.scope[key])

    def clean(self) -> dict[str, Any]:
        """Build the scope; refuse what the kind of work does not know."""
        data = super().clean() or {}
        kind = data.get("kind")
        if self.errors or kind is None:
            return data
        scope = {key: _plain(key, data[name]) for name, key in SCOPE_FIELDS.items() if data.get(name)}
        for name, key in SCOPE_FIELDS.items():
            if key in scope and key not in SCOPE_KEYS[kind]:
                self.add_error(name, f"“{Kind(kind).label}” does not use this: leave it empty.")
        if kind == Kind.RECONCILE and "reconciliationId" not in scope:
            self.add_error("reconciliation", "Choose what to reconcile.")
        if kind == Kind.REPORT and "period" not in scope:
            self.add_error("period", "Choose what the report covers.")
        # Chosen datasets come from elsewhere, and stay.
        kept = {
            key: value for key, value in self.instance.scope.items() if key == "datasetIds" and kind == Kind.VALIDATE
        }
        self.instance.scope = {**kept, **scope}
        return data

    def clean_recipients(self) -> list[str]:
        """Return the addresses."""
        return addresses(filter(None, re.split(r"[,;\s]+", self.cleaned_data["recipients"])))

    def clean_time_utc(self) -> time | None:
        """Return the time to the minute: that is as often as the desk looks."""
        value: time | None = self.cleaned_data["time_utc"]
        if value is not None and (value.second or value.microsecond):
            raise ValidationError("Give hours and minutes only.")
        return value


def _plain(key: str, value: Any) -> Any:
    """A cleaned value as JSON."""
    if isinstance(value, Reconciliation):
        return value.pk
    return int(value) if key == "storeId" else value
