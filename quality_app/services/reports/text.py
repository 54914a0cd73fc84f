"""How values of a report are written for people: one way for page, file, PDF and mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from quality_app.scoring import band
from quality_app.services.reports.document import Value

UNKNOWN: Final = "unknown"
_THIN: Final = "\u202f"
# Units of numbers: they stand to the right.
NUMBERS: Final = frozenset(
    {"score", "share", "change", "count", "bytes", "count_change", "bytes_change", "scanned", "rate", "time"}
)


def text_of(value: Value, unit: str) -> str:
    """Return a value as text; None is "unknown"."""
    if value is None:
        return UNKNOWN if unit != "scanned" else "–"  # only bars are scanned
    write = _WRITERS.get(unit)
    return write(value) if write else str(value)


def change_of(value: Value, before: Value, unit: str) -> str:
    """Return the difference of two values with its sign; empty when one is unknown."""
    if value is None or before is None or unit not in _CHANGES:
        return ""
    difference = Decimal(value) - Decimal(before)
    return text_of(str(difference) if unit in {"score", "share"} else int(difference), _CHANGES[unit])


def tone_of(value: Value, unit: str) -> str:
    """Return the band of a score, for its colour; empty for other values."""
    return band(None if value is None else Decimal(value)) if unit == "score" else ""


def moment_of(text: str) -> datetime:
    """Return the moment that ISO 8601 text names, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def time_text(value: Value) -> str:
    """Return a moment to the minute; the label or a word beside it says UTC."""
    return f"{moment_of(str(value)):%Y-%m-%d %H:%M}"


def _percent(value: Value) -> str:
    """A share of 1, rounded down so that it never looks better than it is."""
    floored = (Decimal(str(value)) * 100).quantize(Decimal("0.1"), rounding=ROUND_FLOOR)
    return "100 %" if floored == 100 else f"{floored} %"


def _rate(value: Value) -> str:
    """A rate of findings in percent, as the checks' panel writes it: a small one never looks like none."""
    exact = Decimal(str(value)) * 100
    return f"{exact:.4f} %" if not exact or exact >= Decimal("0.0001") else "< 0.0001 %"


def _points(value: Value) -> str:
    exact = Decimal(str(value)) * 100
    return "±0 points" if not exact else f"{_sign(exact)}{abs(exact):.2f} points"


def _count(value: Value) -> str:
    return f"{int(value or 0):,}".replace(",", _THIN)


def _count_change(value: Value) -> str:
    number = int(value or 0)
    return "±0" if not number else f"{_sign(number)}{_count(abs(number))}"


def _bytes(value: Value) -> str:
    amount = float(value or 0)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def _bytes_change(value: Value) -> str:
    number = int(value or 0)
    return "±0 B" if not number else f"{_sign(number)}{_bytes(abs(number))}"


def _sign(value: Decimal | int) -> str:
    return "+" if value > 0 else "−"


_CHANGES: Final = {"score": "change", "share": "change", "count": "count_change", "bytes": "bytes_change"}
_WRITERS: Final[Mapping[str, Callable[[Value], str]]] = {
    "score": _percent,
    "share": _percent,
    "rate": _rate,
    "change": _points,
    "count": _count,
    "scanned": _count,
    "count_change": _count_change,
    "bytes": _bytes,
    "bytes_change": _bytes_change,
    "time": time_text,
}
