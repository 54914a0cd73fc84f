"""Time zones of vendors' files: IANA names with daylight saving, and fixed offsets."""

import re
import zoneinfo
from typing import Final

import polars as pl

from catalog_app.formats.errors import FormatError

_FIXED: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.ASCII)
_DAY_MINUTES: Final = 24 * 60


def fixed_offset_seconds(zone: str) -> int | None:
    """Seconds east of UTC of "UTC", "UTC-05:00", "+0530" …; None for an IANA name."""
    if zone in {"UTC", "GMT", "Z", "Etc/UTC"}:
        return 0
    match = _FIXED.fullmatch(zone)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes >= _DAY_MINUTES:
        return None
    return (-1 if match[1] == "-" else 1) * minutes * 60


def check_zone(zone: str) -> None:
    """Raise FormatError unless the zone is a fixed offset or a name of the IANA database."""
    if fixed_offset_seconds(zone) is not None:
        return
    try:
        zoneinfo.ZoneInfo(zone)
        # Polars brings a table of its own, without aliases such as "localtime".
        pl.Series([0], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError, pl.exceptions.PolarsError) as error:
        raise FormatError(
            f"{zone!r} is no time zone",
            "timezone",
            "Use a name such as America/New_York or an offset such as UTC-05:00.",
        ) from error
