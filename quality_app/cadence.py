"""When recurring work is next due. Pure: no Django. All times are UTC, so no clock change moves or doubles a run."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MINUTE: Final = timedelta(minutes=1)
# A Monday midnight: every 15 minutes is on the quarter hour, every 1440 at midnight, every 10080 on Mondays.
ORIGIN: Final = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every so many minutes, or daily at a time of day, or weekly with a weekday too (0 is Monday)."""

    every_minutes: int | None = None
    time_utc: time | None = None
    weekday: int | None = None

    def __post_init__(self) -> None:
        """Refuse what says no or two rhythms; raises ValueError."""
        if (self.every_minutes is None) == (self.time_utc is None):
            raise ValueError("Give either a number of minutes or a time of day.")
        if self.every_minutes is not None and (self.every_minutes < 1 or self.weekday is not None):
            raise ValueError("Minutes are whole numbers from 1 on, and go without a weekday.")

    def next_after(self, moment: datetime) -> datetime:
        """Return the first time that is later than an aware moment, in UTC."""
        moment = moment.astimezone(UTC)
        if self.every_minutes is not None:
            step = self.every_minutes * MINUTE
            return ORIGIN + ((moment - ORIGIN) // step + 1) * step
        at = datetime.combine(moment.date(), self.time_utc or time(), tzinfo=UTC)
        if self.weekday is not None:
            at += timedelta(days=(self.weekday - at.weekday()) % 7)
        return at if at > moment else at + timedelta(days=1 if self.weekday is None else 7)

    def __str__(self) -> str:
        if self.every_minutes is not None:
            return f"every {self.every_minutes} min"
        day = "daily" if self.weekday is None else WEEKDAYS[self.weekday]
        return f"{day} at {self.time_utc:%H:%M} UTC"
