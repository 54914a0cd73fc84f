"""What the mapping form proposes, from what was detected in the file and said by its name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from catalog_app.formats.delimited import Detection, Mapping
from catalog_app.formats.delimited.mapping import EPOCHS
from catalog_app.models import Import, Store, Upload
from catalog_app.store.bar_type import parse_bar_type

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


def values_of(item: Import) -> dict[str, str]:
    """Return the form's values as an import was asked for, to ask for it again with a change."""
    wanted, mapping = item.parameters, Mapping.from_json(item.parameters["mapping"])
    is_pattern = mapping.time_format not in {"iso", *EPOCHS}
    values: dict[str, Any] = {
        "store": item.store_id,
        "instrument_id": wanted["instrumentId"],
        "data_type": mapping.data_type,
        **_bar_values(wanted["barType"]),
        "delimiter": mapping.delimiter,
        "decimal_mark": mapping.decimal_mark,
        "encoding": mapping.encoding,
        "skip_lines": mapping.skip_lines,
        "has_header": mapping.has_header,
        "time_format": "pattern" if is_pattern else mapping.time_format,
        "time_pattern": mapping.time_format if is_pattern else None,
        "timezone": mapping.timezone,
        "stamp": mapping.stamp,
        "default_size": mapping.default_size,
        "missing_volume_as_zero": mapping.missing_volume_as_zero,
        "skip_rejected": wanted["skipRejected"],
        "sort_rows": wanted["sortRows"],
        **{f"column_{name}": column for name, column in mapping.columns.items()},
        **_instrument_values(wanted["newInstrument"] or {}),
    }
    texts = {name: "on" if value is True else value for name, value in values.items()}
    return {name: str(value) for name, value in texts.items() if value is not None and value is not False}


def _bar_values(text: str) -> dict[str, Any]:
    if not text:
        return {}
    bar_type = parse_bar_type(text)
    return {"step": bar_type.step, "aggregation": bar_type.aggregation, "price_type": bar_type.price_type}


def _instrument_values(definition: dict[str, Any]) -> dict[str, Any]:
    """The form has dates where the definition has nanoseconds."""
    days = {
        name: f"{datetime.fromtimestamp(definition[f'{name}_ns'] // 10**9, UTC):%Y-%m-%d %H:%M:%S}"
        for name in ("activation", "expiration")
        if f"{name}_ns" in definition
    }
    return {name: value for name, value in definition.items() if not name.endswith("_ns")} | days


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
