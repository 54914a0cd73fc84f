"""Market data in tables: counts that may be partial, dialects, and cells of rows of any data type."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from catalog_app.formats.export_columns import NAMES
from catalog_app.models import Dataset
from catalog_app.services.dialect_notes import NOTES
from catalog_app.templatetags.desk import UNKNOWN, count, utc_ns

register = template.Library()

# Levels of a book that a cell shows; the others are in its title.
LEVELS = 3
_ALIGNED = {
    "time": "num mono",
    "number": "num mono",
    "name": "mono small",
    "text": "mono small cell-text",
    "levels": "mono",
}


@register.simple_tag
def row_count(rows: int | None, unread_files: int) -> SafeString:
    """Rows that are known: `≥ 1 234` while files are still to be read, a dash while none was."""
    if not unread_files:
        return mark_safe(count(rows))  # noqa: S308 - digits
    files = f"{count(unread_files)} file{'s' if unread_files != 1 else ''} listed and not read yet"
    text = UNKNOWN if rows is None else f"≥ {count(rows)}"
    return format_html('<abbr class="partial" title="{}">{}</abbr>', files, text)


@register.simple_tag
def dialect(name: str) -> SafeString:
    """A dialect as a tag that says which NautilusTrader reads it."""
    if not name:
        return mark_safe(f'<span class="muted">{UNKNOWN}</span>')  # noqa: S308 - a constant
    return format_html(
        '<span class="tag{}" title="{}">{}</span>', " tag-mixed" if name == "mixed" else "", NOTES.get(name, ""), name
    )


@register.filter
def dialect_note(name: str) -> str:
    """Which NautilusTrader reads a dialect."""
    return NOTES.get(name, "")


@register.filter
def cell_css(kind: str) -> str:
    """The classes of a column of rows."""
    return _ALIGNED.get(kind, "mono small")


@register.simple_tag
def cell(row: Mapping[str, Any], column: str, kind: str) -> SafeString:
    """One value of a row of market data."""
    value = _text(row.get(column), column, kind)
    title = format_html(' title="{}"', value) if kind == "text" else ""
    return format_html('<td class="{}"{}>{}</td>', cell_css(kind), title, value)


def _text(value: Any, column: str, kind: str) -> Any:
    if value is None:
        return UNKNOWN
    if kind == "time":
        return utc_ns(value)
    if kind == "name":
        return NAMES[column].get(value, value) if column in NAMES else value
    if kind == "levels":
        return _levels(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _levels(levels: Sequence[Mapping[str, Any]]) -> SafeString:
    """The best levels of one side of a book, and in the title all of them."""
    if not levels:
        return mark_safe('<span class="muted">empty</span>')
    texts = [f"{level['price'] or UNKNOWN} × {level['size'] or UNKNOWN}" for level in levels]
    shown = format_html_join("", '<span class="level">{}</span>', ((text,) for text in texts[:LEVELS]))
    rest = len(texts) - LEVELS
    more = format_html('<span class="muted">+{}</span>', rest) if rest > 0 else ""
    return format_html('<span class="levels" title="{}">{}{}</span>', "\n".join(texts), shown, more)


@register.filter
def unread_note(dataset: Dataset) -> str:
    """What is still to be read of a dataset; empty when all is read."""
    if not dataset.listed_count:
        return ""
    files = f"{count(dataset.listed_count)} of {count(dataset.file_count)} files"
    return f"{files} are listed and not read yet: their rows are not counted, and their range is that of their names."
