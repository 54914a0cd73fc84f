"""What the mapping form proposes, from what was detected in the file and said by its name."""

from __future__ import annotations

import re
from typing import Any

from catalog_app.formats.delimited import Detection
from catalog_app.formats.delimited.mapping import EPOCHS
from catalog_app.models import Store, Upload

_UNITS = (("DAY", 86_400), ("HOUR", 3_600), ("MINUTE", 60), ("SECOND", 1))
_ID_IN_NAME = re.compile(r"^([A-Za-z0-9-]{1,30}\.[A-Z]{2,12})(?=[_-])")
_PRICE_IN_NAME = re.compile(r"(?<![a-z])(bid|ask|mid)(?![a-z])", re.IGNORECASE)


def initial_values(upload: Upload, detection: Detection) -> dict[str, Any]:
    """Return the form's first values; every one can be changed."""
    step, aggregation = _bar_length(detection.interval_ns)
    is_pattern = detection.time_format not in {None, "iso", *EPOCHS}
    store = Store.objects.filter(read_only=False).order_by("is_demo", "pk").first()
    return {
        "store": store.pk if store else None,
        "data_type": detection.data_type or "bar",
        "delimiter": detection.delimiter,
        "decimal_mark": detection.decimal_mark,
        "encoding": detection.encoding,
        "skip_lines": detection.skip_lines,
        **({"has_header": "on"} if detection.has_header else {}),
        "time_format": "pattern" if is_pattern else detection.time_format or "iso",
        "time_pattern": detection.time_format if is_pattern else "",
        "timezone": detection.timezone,
        "stamp": detection.stamp,
        "step": step,
        "aggregation": aggregation,
        "price_type": _price_type(upload.original_name),
        "instrument_id": _instrument_id(upload.original_name),
        "price_precision": detection.price_precision,
        "size_precision": detection.size_precision or 0,
        **_columns(detection),
    }


def _columns(detection: Detection) -> dict[str, str]:
    positions = {name: at for at, name in reversed(list(enumerate(detection.columns)))}
    return {
        f"column_{name}": str(column if isinstance(column, int) else positions[column])
        for name, column in detection.mapping.items()
    }


def _bar_length(interval_ns: int | None) -> tuple[int | None, str]:
    if not interval_ns:
        return None, "MINUTE"
    seconds = interval_ns // 1_000_000_000
    unit, length = next(((name, size) for name, size in _UNITS if seconds and seconds % size == 0), ("SECOND", 1))
    return max(1, seconds // length), unit


def _price_type(name: str) -> str:
    found = _PRICE_IN_NAME.search(name)
    return found[1].upper() if found else "LAST"


def _instrument_id(name: str) -> str:
    found = _ID_IN_NAME.match(name)
    return found[1] if found else ""
