"""Why a finding does not count, and until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from quality_app.forms.choices import check_choices
from quality_app.models import Suppression
from quality_app.services.rules.suppressing import DEFAULT_DAYS


def offered_day() -> date:
    """The last day that is offered for a new suppression."""
    return timezone.now().date() + timedelta(days=DEFAULT_DAYS)


class SuppressForm(forms.Form):
    """Reason and last day; `expires_at` is the midnight UTC that ends that day, or None."""

    reason = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why the finding does not count: what was looked at, and who says so.",
        error_messages={"required": "Say why the finding does not count."},
    )
    until = forms.DateField(
        label="Until, UTC",
        required=False,
        initial=offered_day,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="The last day on which it does not count. Empty: until somebody lifts it.",
    )

    def clean_until(self) -> date | None:
        """Refuse a day that is over."""
        day: date | None = self.cleaned_data["until"]
        if day is not None and day < timezone.now().date():
            raise ValidationError("This day is over: choose today or a later one.")
        if day == date.max:
            raise ValidationError("No day follows this one: leave it empty to suppress until somebody lifts it.")
        return day

    @property
    def expires_at(self) -> datetime | None:
        """When a valid form's suppression ends."""
        day: date | None = self.cleaned_data["until"]
        return None if day is None else datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


class SuppressionForm(SuppressForm, forms.ModelForm):
    """The same in the admin, for any dataset and check."""

    class Meta:
        model = Suppression
        fields = ("dataset", "check_id", "reason")

    check_id = forms.ChoiceField(label="Check", choices=check_choices)

    def clean(self) -> dict[str, Any]:
        """Hand the end to the row."""
        data = super().clean() or {}
        if not self.errors:
            self.instance.expires_at = self.expires_at
        return data
