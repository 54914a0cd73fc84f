"""Days and nanoseconds of pages that draw time."""

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(ns: int) -> datetime:
    """UTC to the microsecond."""
    return _EPOCH + timedelta(microseconds=ns // 1000)


def day_of(ns: int) -> date:
    """The UTC day."""
    return moment_of(ns).date()
