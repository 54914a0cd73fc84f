"""Anomalies in tables: deviations and standings."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from catalog_app.models.dataset import DataType
from catalog_app.templatetags.desk import UNKNOWN, badge
from catalog_app.templatetags.market import cell
from quality_app.models import Anomaly
from quality_app.services.anomalies.standing import Standing
from quality_app.services.samples import near

register = template.Library()

_TONES = {"open": "busy", "bad_data": "poor", "real_event": "good", "ignored": "", "repaired": "good", "gone": ""}
_TENFOLD = Decimal(10)


@register.simple_tag
def standing(value: str) -> SafeString:
    """What an anomaly is by now, as a badge."""
    return badge(value, Standing(value).label, _TONES[value])


@register.simple_tag
def deviation(anomaly: Anomaly) -> str:
    """Value less expectation with its sign, and as a share or, from tenfold on, a multiple of the expectation."""
    found = anomaly.deviation
    if found is None:
        return UNKNOWN
    share, number = anomaly.relative_deviation, _signed(Decimal(anomaly.value) - Decimal(expectation(anomaly)), "f")
    return format_html("{}<small>{}</small>", number, _relative(share)) if share else number


@register.simple_tag
def share(anomaly: Anomaly) -> str:
    """The deviation as a share of the expectation, in its title as a number; where there is none, the number."""
    found, part = anomaly.deviation, anomaly.relative_deviation
    if found is None:
        return UNKNOWN
    number = _signed(found, "f")
    return format_html('<span title="{}">{}</span>', number, _relative(part)) if part else number


@register.filter
def expectation(anomaly: Anomaly) -> str:
    """What was expected, with one decimal more than the value has and at least four digits."""
    if anomaly.deviation is None:
        return anomaly.expected or UNKNOWN
    return near(anomaly.value, anomaly.expected)


@register.simple_tag
def changed_cell(row: Mapping[str, Any], other: Mapping[str, Any] | None, column: str, kind: str) -> SafeString:
    """A cell of a row that is repaired: marked where the row that takes its place, or gave it, differs."""
    shown = cell(row, column, kind)
    is_same = other is not None and other.get(column) == row.get(column)
    return shown if is_same else mark_safe(shown.replace('class="', 'class="changed ', 1))  # noqa: S308 - from `cell`


@register.filter
def kind_label(anomaly: Anomaly) -> str:
    """The timeframe of bars, the type of other data."""
    return anomaly.timeframe or dict(DataType.choices).get(anomaly.data_type, anomaly.data_type)


def _relative(share: Decimal) -> str:
    if abs(share) >= _TENFOLD:
        return f"{share + 1:,.0f}×".replace(",", "\u202f").replace("-", "−")
    return f"{_signed(share * 100, '.2g' if abs(share) < 1 else '.0f')} %"


def _signed(number: Decimal, form: str) -> str:
    text = format(abs(number), form)
    if "." in text and form == "f":
        text = text.rstrip("0").rstrip(".")
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{text}"
