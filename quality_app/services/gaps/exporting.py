"""The list of gaps as CSV or JSON: all that the filters let through, some thousands at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from django.db.models import Q

from quality_app.services.gaps.filters import Filters
from quality_app.services.gaps.listing import restricted
from quality_app.services.reports.csv import harmless

CHUNK = 2_000
# Column -> where it is found.
COLUMNS: Final[Mapping[str, str]] = {
    "gapId": "gap_id",
    "store": "dataset__store__name",
    "venue": "dataset__venue",
    "instrumentId": "instrument_id",
    "dataType": "data_type",
    "timeframe": "timeframe",
    "datasetId": "dataset_id",
    "start": "gap_start",
    "end": "gap_end",
    "startNs": "start_ns",
    "endNs": "end_ns",
    "missing": "missing",
    "unit": "unit",
    "lostNs": "lost_ns",
    "cause": "cause",
    "severity": "severity",
    "detectedAt": "detected_at",
    "filledAt": "filled_at",
    "expectedAt": "expected_at",
    "expectedBy": "expected_by__username",
    "expectedReason": "expected_reason",
}
# Nanoseconds are text in JSON, since they do not fit a JavaScript number.
_LONG: Final = frozenset({"startNs", "endNs", "lostNs"})


def write_csv(filters: Filters) -> Iterator[bytes]:
    """UTF-8 with a byte order mark and a heading, in order of the start; texts are safe to open in a spreadsheet."""
    yield b"\xef\xbb\xbf" + _lines([list(COLUMNS)])
    for rows in _chunks(filters):
        yield _lines([[_csv(value) for value in row.values()] for row in rows])


def write_json(filters: Filters) -> Iterator[bytes]:
    """An object with `gaps`, in order of the start, and their `count`: it is whole when the count is there."""
    yield b'{"gaps":['
    number = 0
    for rows in _chunks(filters):
        texts = [json.dumps({name: _json(name, value) for name, value in row.items()}) for row in rows]
        yield (("," if number else "") + ",\n".join(texts)).encode()
        number += len(rows)
    yield f'],"count":{number}}}\n'.encode()


FORMATS: Final[Mapping[str, tuple[str, Callable[[Filters], Iterator[bytes]]]]] = {
    "csv": ("text/csv; charset=utf-8", write_csv),
    "json": ("application/json", write_json),
}


def _chunks(filters: Filters) -> Iterator[list[dict[str, Any]]]:
    """Rows after rows, each read anew after the last one before: no cursor is held while a client is slow."""
    found = restricted(filters).order_by("start_ns", "gap_id")
    after = Q()
    while rows := list(found.filter(after).values_list(*COLUMNS.values())[:CHUNK]):
        named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        yield named
        start, key = named[-1]["startNs"], named[-1]["gapId"]
        after = Q(start_ns__gte=start) & (Q(start_ns__gt=start) | Q(gap_id__gt=key))


def _lines(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _csv(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value) if isinstance(value, int) else harmless(str(value))


def _json(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, int) and name not in _LONG else str(value)
