"""What the ends of a gap are, and what JSON keeps as text."""

from datetime import datetime

from django import template

from quality_app.models import Gap
from quality_app.services.gaps.session_days import stamp_of

register = template.Library()


@register.filter
def first_end(gap: Gap) -> str:
    """What its first end is."""
    return f"{_stamp(gap)} of the first missing bar" if gap.unit == Gap.Unit.BARS else "Last row before it"


@register.filter
def last_end(gap: Gap) -> str:
    """What its last end is."""
    return f"{_stamp(gap)} of the last missing bar" if gap.unit == Gap.Unit.BARS else "First row after it"


@register.filter
def moment(text: str) -> datetime:
    """A time that JSON keeps as text."""
    return datetime.fromisoformat(text)


@register.filter
def whole(text: str) -> int:
    """Nanoseconds that JSON keeps as text."""
    return int(text)


def _stamp(gap: Gap) -> str:
    return "Open" if stamp_of(gap.dataset) == "open" else "Close"
