"""The form of a report that is asked for by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from quality_app.forms.choices import store_choices
from quality_app.models import QualityReport
from quality_app.services.reports.scope import Scope, ScopeUnknown, scope_of

_Kind = QualityReport.Scope
_MOMENT: dict[str, Any] = {"attrs": {"placeholder": "2026-01-31 08:30", "autocomplete": "off"}}


class ReportForm(forms.Form):
    """Scope and period; a valid form has `chosen_scope`, and `start` and `end` in UTC for a custom period."""

    scope = forms.ChoiceField(choices=_Kind.choices)
    period = forms.ChoiceField(
        choices=[("daily", "Last 24 hours"), ("weekly", "Last 7 days"), ("custom", "From … to …")]
    )
    store = forms.ChoiceField(required=False, choices=store_choices)
    key = forms.CharField(
        label="Venue or instrument",
        required=False,
        max_length=200,
        help_text="As the catalog has it: SIM, or EUR/USD.SIM.",
    )
    start = forms.DateTimeField(label="From, UTC", required=False, widget=forms.DateTimeInput(**_MOMENT))
    end = forms.DateTimeField(
        label="To, UTC", required=False, widget=forms.DateTimeInput(**_MOMENT), help_text="Empty: now."
    )

    chosen_scope: Scope

    def clean(self) -> dict[str, Any]:
        """Look the scope up, and complete a custom period."""
        data = super().clean() or {}
        if self.errors:
            return data
        kind = data["scope"]
        field = "store" if kind == _Kind.STORE else "key"
        try:
            self.chosen_scope = scope_of(kind, data[field].strip())
        except ScopeUnknown as refusal:
            raise ValidationError({field: str(refusal)}) from None
        if data["period"] == QualityReport.Period.CUSTOM:
            if data["start"] is None:
                raise ValidationError({"start": "Say when the period begins."})
            data["end"] = data["end"] or timezone.now().astimezone(UTC)
            if data["start"] >= data["end"]:
                raise ValidationError({"end": "The period must end after it begins."})
        return data

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """The custom period of a valid form; nothing for the others."""
        is_custom = self.cleaned_data["period"] == QualityReport.Period.CUSTOM
        return (self.cleaned_data["start"], self.cleaned_data["end"]) if is_custom else (None, None)
