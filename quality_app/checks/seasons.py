"""The hour of the week, in a zone with its daylight saving time."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.checks.profile import HOURS_PER_WEEK

SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3_600 * SECOND_NS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# 1970-01-01 was a Thursday.
_EPOCH_HOUR: Final = 72
# Zones do not change twice within such a step.
_STEP_S: Final = 86_400
_DECADE_S: Final = 3_653 * 86_400
_FIRST_NS: Final = -(2**63)
_LAST_NS: Final = 2**63 - 1
# Beyond it (the year 2116), times and offsets could overflow.
_FAR_NS: Final = 2**62

Int64s = npt.NDArray[np.int64]


def hour_of_week(ts: pl.Series, zone: str) -> pl.Series:
    """Return the hour of the week, 0 (Monday 00:00) to 167, of UNIX nanoseconds in an IANA zone; Int16.

    Null stays null. Raises ZoneInfoNotFoundError for an unknown zone.
    """
    if not ts.null_count():
        return pl.Series(ts.name, _hours(ts.to_numpy(), zone))
    hours = pl.Series(ts.name, _hours(ts.fill_null(0).to_numpy(), zone))
    return hours.zip_with(ts.is_not_null(), pl.Series([None], dtype=pl.Int16))


def _hours(ts: Int64s, zone: str) -> npt.NDArray[np.int16]:
    if not len(ts):
        return np.empty(0, np.int16)
    first, last = int(ts.min()), int(ts.max())
    starts, offsets = offset_segments(zone, first, last)
    dense = (last - first) // HOUR_NS * 4 < len(ts) and max(-first, last) < _FAR_NS
    if dense and bool((ts[1:] >= ts[:-1]).all()):
        return _hours_of_sorted(ts, starts, offsets)
    own = offsets[0] if len(offsets) == 1 else offsets[np.searchsorted(starts, ts, side="right") - 1]
    return _week_hours((ts // SECOND_NS + own // SECOND_NS) // 3_600)


def _hours_of_sorted(ts: Int64s, starts: Int64s, offsets: Int64s) -> npt.NDArray[np.int16]:
    """Look the edges of hours up among the times: far fewer searches than there are rows."""
    ends = np.append(starts[1:], ts[-1] + 1)
    edges, hours = [], []
    for start, end, offset in zip(np.maximum(starts, ts[0]), ends, offsets, strict=True):
        run = np.arange((start + offset) // HOUR_NS, (end - 1 + offset) // HOUR_NS + 1)
        edges.append(np.maximum(run * HOUR_NS - offset, start))
        hours.append(run)
    firsts = np.searchsorted(ts, np.concatenate(edges))
    return np.repeat(_week_hours(np.concatenate(hours)), np.diff(firsts, append=len(ts)))


def _week_hours(hours: Int64s) -> npt.NDArray[np.int16]:
    """Hours of the week from local hours since the epoch."""
    hours = hours + _EPOCH_HOUR
    # numpy divides by a constant much faster than it takes remainders.
    return (hours - hours // HOURS_PER_WEEK * HOURS_PER_WEEK).astype(np.int16)


def offset_segments(zone: str, start_ns: int, end_ns: int) -> tuple[Int64s, Int64s]:
    """Return where UTC offsets begin (the first at or before start_ns), and the offsets: nanoseconds."""
    decades = range(start_ns // SECOND_NS // _DECADE_S, end_ns // SECOND_NS // _DECADE_S + 1)
    found = [segment for decade in decades for segment in _decade(zone, decade)]
    starts = np.array([start for start, _ in found], np.int64)
    offsets = np.array([offset for _, offset in found], np.int64)
    changed = np.append(True, offsets[1:] != offsets[:-1])
    starts, offsets = starts[changed], offsets[changed]
    first, last = np.searchsorted(starts, [start_ns, end_ns], side="right")
    kept = slice(max(int(first) - 1, 0), int(last))
    return starts[kept], offsets[kept]


@lru_cache(maxsize=1024)
def _decade(zone: str, decade: int) -> list[tuple[int, int]]:
    """Return (start, offset) in nanoseconds for 3,653 days, the first at their start."""
    tz = ZoneInfo(zone)
    begin, end = decade * _DECADE_S, (decade + 1) * _DECADE_S
    known = _offset(tz, begin)
    segments = [(max(begin * SECOND_NS, _FIRST_NS), known * SECOND_NS)]
    for at in range(begin + _STEP_S, end + 1, _STEP_S):
        offset = _offset(tz, at)
        if offset != known:
            before, after = at - _STEP_S, at
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if _offset(tz, middle) == known else (before, middle)
            if after < end and after * SECOND_NS <= _LAST_NS:
                segments.append((after * SECOND_NS, offset * SECOND_NS))
            known = offset
    return segments


def _offset(tz: ZoneInfo, seconds: int) -> int:
    """UTC offset in seconds."""
    offset = (_EPOCH + timedelta(seconds=seconds)).astimezone(tz).utcoffset()
    return round(offset.total_seconds()) if offset else 0
