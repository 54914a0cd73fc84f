"""Formats of the desk: UTC times, counts, sizes, scores, and the components that wrap content."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from catalog_app.durations import duration_text
from catalog_app.models import DataFile
from catalog_app.store.schema import AGGRESSOR_SIDES

register = template.Library()

UNKNOWN = "–"
THIN_SPACE = "\u202f"
NANOSECONDS = 1_000_000_000
# Lower bounds of the bands, as the scoring rule names them.
BANDS = ((Decimal("0.95"), "excellent"), (Decimal("0.85"), "good"), (Decimal("0.70"), "fair"))
TONES: Mapping[str, str] = {
    **dict.fromkeys(("ok", "succeeded", "committed", "passed", "excellent", "info", "filled"), "good"),
    "good": "okay",
    **dict.fromkeys(("unsupported", "cancelled", "warning", "fair", "medium", "major", "undone"), "fair"),
    **dict.fromkeys(("unreadable", "failed", "error", "poor", "critical", "high"), "poor"),
    **dict.fromkeys(("running", "queued", "listed"), "busy"),
}


def _moment(value: datetime | int) -> tuple[datetime, int]:
    """UTC time to the second, and the nanoseconds after it."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if timezone.is_aware(value) else value.replace(tzinfo=UTC)
        return moment.replace(microsecond=0), moment.microsecond * 1000
    seconds, nanoseconds = divmod(int(value), NANOSECONDS)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), nanoseconds


@register.filter
def utc(value: datetime | int | None) -> str:
    """To the second, from a datetime or UNIX nanoseconds: `2024-01-31 21:05:00 UTC`."""
    return UNKNOWN if value is None else f"{_moment(value)[0]:%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def utc_minute(value: datetime | int | None) -> str:
    """To the minute: `2024-01-31 21:05 UTC`."""
    return UNKNOWN if value is None else f"{_moment(value)[0]:%Y-%m-%d %H:%M} UTC"


@register.filter
def utc_day(value: datetime | int | None) -> str:
    """The UTC day: `2024-01-31`. The column or label that shows it says UTC."""
    return UNKNOWN if value is None else f"{_moment(value)[0]:%Y-%m-%d}"


@register.filter
def utc_ns(value: int | None) -> str:
    """UNIX nanoseconds in full: `2024-01-31 21:05:00.000000001` (the label says UTC)."""
    if value is None:
        return UNKNOWN
    moment, nanoseconds = _moment(value)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{nanoseconds:09d}"


@register.filter
def iso(value: datetime | int | None) -> str:
    """ISO 8601 to the second, for `datetime` attributes: `2024-01-31T21:05:00Z`."""
    return "" if value is None else f"{_moment(value)[0]:%Y-%m-%dT%H:%M:%SZ}"


@register.filter
def ago(value: datetime | None) -> str:
    """How long ago, in its largest unit: `3 min ago`."""
    if value is None:
        return "never"
    seconds = (timezone.now() - value).total_seconds()
    if seconds < 1:
        return "just now"
    largest = duration(seconds).split(" ")[:2]
    return f"{' '.join(largest)} ago"


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds (or a timedelta) in its two largest units: `4 d 3 h`, `12 min 5 s`, `0.4 s`."""
    if value is None:
        return UNKNOWN
    return duration_text(value.total_seconds() if isinstance(value, timedelta) else float(value))


@register.filter
def duration_ns(value: int | None) -> str:
    """Nanoseconds as `duration`."""
    return UNKNOWN if value is None else duration(value / NANOSECONDS)


@register.filter
def count(value: int | None) -> str:
    """A whole number with thin separators: `1 234 567`."""
    return UNKNOWN if value is None else f"{int(value):,}".replace(",", THIN_SPACE)


@register.filter
def counted(number: int, noun: str) -> str:
    """A count with its noun, which is given in the plural: `1 anomaly`, `2 files`; without one, rows."""
    many = noun or "rows"
    one = f"{many.removesuffix('ies')}y" if many.endswith("ies") else many.removesuffix("s")
    return f"{count(number)} {one if number == 1 else many}"


@register.filter
def size(value: int | None) -> str:
    """Bytes in binary units: `1.4 MiB`."""
    if value is None:
        return UNKNOWN
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


@register.filter
def percent(value: Decimal | float | None) -> str:
    """A share of 1 in percent, rounded down so that it never looks better than it is: `99.9 %`."""
    if value is None:
        return UNKNOWN
    floored = (Decimal(str(value)) * 100).quantize(Decimal("0.1"), rounding=ROUND_FLOOR)
    return "100 %" if floored == 100 else f"{floored} %"


@register.filter
def band(value: Decimal | float | None) -> str:
    """The band of a score from 0 to 1: excellent, good, fair, poor, or none where it is unknown."""
    if value is None:
        return "none"
    exact = Decimal(str(value))
    return next((name for bound, name in BANDS if exact >= bound), "poor")


@register.filter
def tone(value: str) -> str:
    """The badge tone of a state, severity or band: good, okay, fair, poor, busy, or nothing."""
    return TONES.get(str(value), "")


@register.filter
def get(mapping: Mapping[Any, Any], key: Any) -> Any:
    """The value of a key that is in a variable; None when it is not there."""
    return mapping.get(key)


@register.simple_tag
def score(value: Decimal | float | None, label: str = "Score") -> SafeString:
    """A score from 0 to 1 as number and bar in its band's colour; unknown stays unknown.

    Built without a template of its own: long tables have one in each row.
    """
    if value is None:
        return mark_safe('<span class="score score-none"><span title="Not measured">–</span></span>')
    name, text = band(value), percent(value)
    return format_html(
        '<span class="score score-{0}" title="{1} {2}, {0}"><svg viewBox="0 0 44 5" aria-hidden="true">'
        '<rect class="track" width="44" height="5" rx="1"/><rect class="fill" width="{3}" height="5" rx="1"/></svg>'
        "{2}</span>",
        name,
        label,
        text,
        times(float(value), 44),
    )


@register.simple_tag
def badge(state: str, text: str = "", tone_name: str = "") -> SafeString:
    """A state as a badge: `{% badge job.state job.get_state_display %}`."""
    chosen = tone_name or tone(state)
    return format_html('<span class="badge{}">{}</span>', f" badge-{chosen}" if chosen else "", text or state)


@register.simple_block_tag
def panel(content: str, title: str, note: str = "", actions: str = "", ident: str = "") -> str:
    """A titled section: `{% panel "Files" note="…" ident="files" %}…{% endpanel %}`."""
    context = {"content": mark_safe(content), "title": title, "note": note, "actions": actions, "ident": ident}  # noqa: S308 — rendered by the template around it
    return render_to_string("components/panel.html", context)


@register.filter
def at(items: Sequence[Any], position: int) -> Any:
    """The item at a position that is in a variable."""
    return items[position]


@register.filter
def times(value: float, factor: float) -> str:
    """A product for SVG attributes, to a tenth."""
    return f"{float(value) * float(factor):.1f}"


@register.filter
def words(value: str) -> str:
    """A name as words: `data_type` becomes `data type`."""
    return value.replace("_", " ")


@register.simple_tag(takes_context=True)
def querystring_for(context: Context, name: str, value: str) -> str:
    """This page's query with one parameter set (or removed, when empty), from the first page on."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value:
        query[name] = value
    return f"?{query.urlencode()}"


@register.simple_tag
def querystring_of(**values: str) -> str:
    """A query of just these parameters."""
    return f"?{urlencode(values)}"


@register.filter
def name_disagrees(file: DataFile) -> bool:
    """Whether a file's name promises another range than its rows have; unknown ranges do not disagree."""
    named, held = (file.name_start_ns, file.name_end_ns), (file.start_ns, file.end_ns)
    return None not in named and None not in held and named != held


@register.filter
def problem_text(file: DataFile) -> str:
    """What is wrong with a file, without its path: the path stands beside it."""
    return file.problem.removeprefix(f"{file.path}: ")


@register.filter
def aggressor(value: int | None) -> str:
    """An aggressor side in NautilusTrader's words."""
    return UNKNOWN if value is None else AGGRESSOR_SIDES.get(value, str(value))


@register.filter
def last_part(path: object) -> str:
    """The last part of a path."""
    return str(path).rsplit("/", 1)[-1]
