"""Shares, rates and addresses of the quality pages."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template

from catalog_app.store.schema import CANONICAL
from catalog_app.templatetags.desk import UNKNOWN, percent
from quality_app.services.history.trends import text_of
from quality_app.services.standing import Scope

register = template.Library()


@register.filter
def share_of(part: int, whole: int) -> str:
    """A part of a whole in percent, rounded down: `99.9 %`; a dash of nothing."""
    return percent(Decimal(part) / Decimal(whole)) if whole else UNKNOWN


@register.filter
def rate(value: Decimal | float | None) -> str:
    """A violation rate in percent to three digits, and the smallest ones as a bound: `0.0123 %`, `< 0.0001 %`."""
    if value is None:
        return UNKNOWN
    if not value:
        return "0 %"
    return f"{float(value) * 100:.3g} %" if value >= 0.000001 else "< 0.0001 %"


@register.filter
def columns(row: Mapping[str, Any], data_type: str) -> list[tuple[str, Any]]:
    """What is kept of a row's columns, in the order of its type: a database may keep them in another."""
    places = {name: place for place, name in enumerate(CANONICAL.get(data_type, ()))}
    return sorted(row.items(), key=lambda item: places.get(item[0], len(places)))


@register.filter
def middle_of(position: int, width: float) -> str:
    """The middle of a bar of 18 units that begins at `position` times `width`."""
    return f"{position * width + 9:.1f}"


@register.filter
def above(share: float, height: float) -> str:
    """Where a bar's number stands: just above it, in a chart whose base is at 130."""
    return f"{130 - share * height - 4:.1f}"


@register.simple_tag
def scope_query(scope: Scope, **more: str | None) -> str:
    """The scope of a quality page, and more, as a query: the catalog and the list of runs read the same names."""
    return scope.query(**{name: value or "" for name, value in more.items()}) or "?"


@register.simple_tag
def metric_text(name: str, value: Decimal | None) -> str:
    """A value of a metric as its kind is written."""
    return text_of(name, value)
