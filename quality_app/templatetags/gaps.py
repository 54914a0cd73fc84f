"""Gaps in tables and drawings: lengths, causes, states, and where a cell leads."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog_app.templatetags.desk import (
    UNKNOWN,
    badge,
    count,
    counted,
    duration,
    duration_ns,
    percent,
    utc,
    utc_minute,
)
from quality_app.models import Gap
from quality_app.services.gaps.completeness import Line
from quality_app.services.gaps.filters import ANY, Filters
from quality_app.services.gaps.heatmap import Day
from quality_app.services.gaps.timeline import Hole, Strip, Timeline

register = template.Library()

_CAUSES = dict(Gap.Cause.choices)


@register.filter
def utc_second(value: int | None) -> str:
    """UNIX nanoseconds to the second, where the label says UTC: `2024-01-31 21:05:00`."""
    return utc(value).removesuffix(" UTC")


@register.filter
def lacking(gap: Gap) -> str:
    """How much is missing with its unit: `90 bars`, `12 min`, `3 rows`."""
    return amount(gap.missing, gap.unit)


@register.filter
def amount(number: int, unit: str) -> str:
    """A number of units: `90 bars`, `12 min`, `3 rows`."""
    return duration(number) if unit == Gap.Unit.SECONDS else counted(number, unit or "units")


@register.filter
def lost(value: int) -> str:
    """Trading time that a gap covers; a dash where none was measured."""
    return duration_ns(value) if value else UNKNOWN


@register.simple_tag
def cause(value: str) -> SafeString:
    """A cause with the mark that it has in drawings."""
    return format_html(
        '<span class="gap-cause"><svg class="gap-key" viewBox="0 0 11 11" aria-hidden="true">'
        '<rect class="cause-{}" width="11" height="11"/></svg>{}</span>',
        value,
        _CAUSES.get(value, value),
    )


@register.simple_tag
def gap_state(gap: Gap) -> SafeString:
    """Open, expected or filled, as a badge."""
    if gap.filled_at:
        return badge("filled", "Filled")
    return badge("expected", "Expected") if gap.expected_at else badge("open", "Open", "busy")


@register.filter
def units(line: Line, unit: str) -> list[int | None]:
    """Expected, missing and explained units of a kind; None each where there are none of that kind."""
    if not line.expected[unit]:
        return [None, None, None]
    return [line.expected[unit], line.missing[unit], line.explained[unit]]


@register.filter
def without_range(query: str) -> str:
    """An address's query without its range of time."""
    kept = [part for part in query.removeprefix("?").split("&") if not part.startswith(("start=", "end="))]
    return f"?{'&'.join(kept)}"


@register.simple_tag
def day_text(day: Day) -> str:
    """What a day's cell says."""
    if day.share is None:
        return f"{day.day:%Y-%m-%d}: {'closed' if day.kind == 'closed' else 'not scanned'}"
    text = f"{day.day:%Y-%m-%d}: {percent(day.share)} present"
    if day.datasets > 1:
        text += f", {count(day.incomplete)} of {counted(day.datasets, 'datasets')} incomplete"
    return text if day.incomplete or not day.missing else f"{text}, what is missing is explained"


@register.simple_tag
def day_query(filters: Filters, day: Day) -> str:
    """The gaps of a day, also those that are expected."""
    return filters.scope_query(day=day.day.isoformat(), state=ANY)


@register.simple_tag
def month_query(filters: Filters, month: date) -> str:
    """The gaps of a month."""
    return filters.scope_query(start=f"{month:%Y-%m}-01", end=f"{month:%Y-%m}-{monthrange(month.year, month.month)[1]}")


@register.simple_tag
def stretch_query(filters: Filters, start_ns: int, end_ns: int) -> str:
    """The gaps within a stretch of the timeline."""
    return filters.query(start=_written(start_ns), end=_written(end_ns), sort="")


@register.simple_tag
def hole_query(filters: Filters, strip: Strip, hole: Hole) -> str:
    """The gaps that one mark of the timeline stands for."""
    given = {"dataset": str(strip.dataset.pk), "cause": hole.cause}
    return filters.query(**given, start=_written(hole.first_ns), end=_written(hole.last_ns), sort="start")


@register.simple_tag
def strip_query(filters: Filters, strip: Strip, drawn: Timeline) -> str:
    """A dataset's gaps in the range of the timeline."""
    return filters.query(dataset=str(strip.dataset.pk), start=_written(drawn.start_ns), end=_written(drawn.end_ns))


@register.simple_tag
def hole_text(strip: Strip, hole: Hole) -> str:
    """What a mark of the timeline says."""
    several = f"{count(hole.number)} gaps, " if hole.number > 1 else ""
    span = f"{utc_minute(hole.first_ns).removesuffix(' UTC')} to {utc_minute(hole.last_ns)}"
    return f"{strip.dataset.title}: {several}{_CAUSES.get(hole.cause, hole.cause).lower()}, {span}"


def _written(ns: int) -> str:
    """As filters read it, to the nanosecond."""
    return f"{utc_second(ns)}.{ns % 1_000_000_000:09d}"
