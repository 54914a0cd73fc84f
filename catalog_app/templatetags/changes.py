"""Differences as people read them: with their sign, and none as zero."""

from django import template

from catalog_app.templatetags.desk import UNKNOWN, count, size

register = template.Library()


@register.filter
def signed_count(value: int | None) -> str:
    """A difference of counts: `+1 234`, `−5`, `0`."""
    return UNKNOWN if value is None else f"{_sign(value)}{count(abs(value))}"


@register.filter
def signed_size(value: int | None) -> str:
    """A difference of bytes: `+1.4 MiB`, `−12.0 KiB`, `0 B`."""
    return UNKNOWN if value is None else f"{_sign(value)}{size(abs(value))}"


def _sign(value: int) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""
