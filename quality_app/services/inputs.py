"""What a check was run with, in words: parameters with label and unit, then the facts that the result depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from catalog_app.durations import duration_text
from catalog_app.store.decimals import format_raw
from catalog_app.store.schema import SCALE_DIGITS
from quality_app.checks.check import Check

UNKNOWN: Final = "unknown"
_DIGEST_SHOWN: Final = 12
_FACTS: Final[Mapping[str, str]] = {
    "calendar": "Trading calendar",
    "hasVolume": "Bars have volumes",
    "hours": "Trading hours, digest",
    "identity": "Rows are the same by",
    "intervalNs": "Length of a bar",
    "nowNs": "Time of the validation",
    "originNs": "Grid starts after 00:00 UTC by",
    "priceIncrementRaw": "Price increment",
    "pricePrecision": "Decimals of prices",
    "profile": "Learned profile, digest",
    "sizeIncrementRaw": "Size increment",
    "sizePrecision": "Decimals of sizes",
    "stamp": "ts_init of a bar is its",
    "stampedAtClose": "Bars are stamped at their close",
    "tradeIdStepShare": "Share of trade ids that follow by one",
    "zone": "Time zone",
}


def inputs_of(rule: Check | None, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of each input of a result; of a retired check (`rule` None) the names as they were kept."""
    units = {param.name: f"{param.label}, {param.unit}".strip(" ,") for param in rule.params} if rule else {}
    ordered = rule.in_order(given) if rule else given
    return [(units.get(name) or _FACTS.get(name, name), _text(name, value)) for name, value in ordered.items()]


def _text(name: str, value: Any) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    form = _FORMS.get(name)
    return form(value) if form else str(value)


def _increment(raw: int) -> str:
    return format_raw(int(raw), SCALE_DIGITS).rstrip("0").rstrip(".")


def _moment(ns: int) -> str:
    return f"{datetime.fromtimestamp(int(ns) // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _length(ns: int) -> str:
    return duration_text(int(ns) / 10**9)


_FORMS: Final[Mapping[str, Callable[[Any], str]]] = {
    "hours": lambda digest: str(digest)[:_DIGEST_SHOWN],
    "intervalNs": _length,
    "nowNs": _moment,
    "originNs": _length,
    "priceIncrementRaw": _increment,
    "profile": lambda digest: str(digest)[:_DIGEST_SHOWN],
    "sizeIncrementRaw": _increment,
}
