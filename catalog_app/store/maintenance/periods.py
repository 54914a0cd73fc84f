"""Calendar periods in UTC as cuts on the time axis. Weeks begin on Monday (ISO 8601)."""

from typing import Final

import numpy as np

from catalog_app.store.maintenance.requests import Period
from catalog_app.store.schema import INT64_MAX

_NS: Final = 1_000_000_000
_HOUR: Final = 3_600 * _NS
_DAY: Final = 24 * _HOUR
# 1970-01-01 was a Thursday: the first Monday is 4 days later.
_FIXED: Final = {"hour": (_HOUR, 0), "day": (_DAY, 0), "week": (7 * _DAY, 4 * _DAY)}
_CALENDAR: Final = {"month": "M", "year": "Y"}


def period_starts(period: Period, start_ns: int, end_ns: int) -> list[int]:
    """Starts (ns, UTC) of the periods after the one that holds start_ns, up to the one that holds end_ns."""
    if period in _FIXED:
        length, offset = _FIXED[period]
        first = (start_ns - offset) // length + 1
        last = (end_ns - offset) // length
        return [number * length + offset for number in range(first, last + 1)]
    unit = f"datetime64[{_CALENDAR[period]}]"
    first, last = np.array([start_ns // _NS, end_ns // _NS], "datetime64[s]").astype(unit).astype(np.int64).tolist()
    starts = np.arange(first + 1, last + 1).astype(unit).astype("datetime64[s]").astype(np.int64)
    return [start for second in starts.tolist() if (start := second * _NS) <= INT64_MAX]
