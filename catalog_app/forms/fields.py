"""Form fields of the desk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

_MOMENT = re.compile(
    r"^(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:\.(?P<fraction>\d{1,9}))?)?(?:Z|\+00:00)?$"
)


class NanosecondField(forms.CharField):
    """A moment in UTC as UNIX nanoseconds: `2024-01-31`, `2024-01-31 09:30`, `2024-01-31T09:30:00.123456789Z`.

    With `end=True` a date alone means its last nanosecond.
    """

    def __init__(self, *, end: bool = False, **kwargs: Any) -> None:
        self.end = end
        attrs = {"placeholder": "YYYY-MM-DD HH:MM:SS", "autocomplete": "off"}
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> int | None:
        """Return nanoseconds, or None for an empty optional value."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_moment(text.strip(), end=self.end)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def parse_moment(text: str, *, end: bool = False) -> int:
    """Return the UNIX nanoseconds of an ISO-8601 moment in UTC; a bare date as an end is its last nanosecond.

    Raises:
        ValueError: when it is no such moment; the message says how to write one.

    """
    match = _MOMENT.match(text)
    if not match:
        raise ValueError(f"{text!r} is not a time in UTC. Write 2024-01-31 or 2024-01-31 09:30:00.")
    try:
        moment = datetime.fromisoformat(f"{match['date']} {match['time'] or '00:00'}").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}.") from None
    ns = int(moment.timestamp()) * 1_000_000_000 + int((match["fraction"] or "0").ljust(9, "0"))
    return ns + 86_400_000_000_000 - 1 if end and not match["time"] else ns
