"""Trading hours that people define: spans of local time for each weekday, and days with other hours. Pure: no Django.

A span is text: `09:30-16:00`. One that ends at or before its start runs over midnight: it ends on the day after its
session day, or, where sessions begin on the evening before (`evening`), it starts on the day before.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY: Final = 1_440
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24:00))", re.ASCII)


class BadHours(ValueError):
    """Hours that cannot be; the message is for people."""


class Span(NamedTuple):
    """Minutes of wall-clock time after midnight of the session day; outside 0 to 1440 on the days around it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """A session day with other hours than its calendar's; empty `hours`: closed."""

    day: date
    hours: str


@dataclass(frozen=True, slots=True)
class CustomHours:
    """Weekly hours in an IANA time zone, Monday first; `holidays_of` names a library calendar whose holidays hold too.

    Raises BadHours for an unknown zone, text that is no span, and spans that overlap, within a day or between days.
    """

    zone: str
    week: tuple[str, ...]
    holidays_of: str = ""
    evening: bool = False

    def __post_init__(self) -> None:
        if self.zone not in zones():
            raise BadHours(f"There is no time zone {self.zone!r}. Write an IANA name, such as Europe/Berlin.")
        if len(self.week) != len(WEEKDAYS):
            raise BadHours("Hours are needed for each of seven weekdays; empty for a closed one.")
        spans = [
            (Span(number * _DAY + span.start, number * _DAY + span.end), weekday)
            for number, weekday in enumerate(WEEKDAYS)
            for span in parse_spans(self.week[number], self.evening)
        ]
        if spans:
            first, weekday = spans[0]
            spans.append((Span(first.start + 7 * _DAY, first.end + 7 * _DAY), weekday))
        for (one, day), (other, next_day) in pairwise(spans):
            if other.start < one.end:
                raise BadHours(f"The hours of {day.capitalize()} reach into those of {next_day.capitalize()}.")


@lru_cache(maxsize=1024)
def parse_spans(text: str, evening: bool = False) -> tuple[Span, ...]:
    """Return the spans of `09:30-12:00 13:00-16:00` in order; those that touch become one.

    Raises:
        BadHours: a part is no span, or two of them overlap.

    """
    spans = sorted(_span(part, evening) for part in text.split())
    found: list[Span] = []
    for span in spans:
        if found and span.start < found[-1].end:
            raise BadHours(f"Spans overlap: {told(found[-1])} and {told(span)}.")
        if found and span.start == found[-1].end:
            span = Span(found.pop().start, span.end)  # noqa: PLW2901
        found.append(span)
    return tuple(found)


def told(span: Span) -> str:
    """Return a span as text."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (span.start % _DAY, (span.end - 1) % _DAY + 1))


def intervals(zone: str, days: Iterable[tuple[date, Sequence[Span]]]) -> Iterator[tuple[int, int, date]]:
    """Give open_ns, close_ns and day of each span, UNIX nanoseconds; a span that a clock change skips is left out."""
    info = ZoneInfo(zone)
    for day, spans in days:
        for span in spans:
            opens, closes = _instant(info, day, span.start), _instant(info, day, span.end)
            if opens < closes:
                yield opens, closes, day


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Return the names of IANA time zones."""
    return frozenset(available_timezones())


def _span(part: str, evening: bool) -> Span:
    match = _SPAN.fullmatch(part)
    if match is None:
        raise BadHours(f"{part!r} is no span of hours: write 09:30-16:00, with a space between spans.")
    start = int(match[1]) * 60 + int(match[2])
    end = _DAY if match[5] else int(match[3]) * 60 + int(match[4])
    if start < end:
        return Span(start, end)
    return Span(start - _DAY, end) if evening and end else Span(start, end + _DAY)


def _instant(zone: ZoneInfo, day: date, minute: int) -> int:
    """Return when a wall clock shows a minute, UNIX nanoseconds.

    The first time where it shows it twice; where it skips the minute, the moment at which it jumps. So what is later
    on the wall is never earlier in truth.
    """
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    seconds = int(wall.timestamp())
    after = wall.replace(fold=1)
    if wall.utcoffset() < after.utcoffset():  # type: ignore[operator]  # a zone always has an offset
        seconds = _jump(zone, int(after.timestamp()), seconds)
    return seconds * 1_000_000_000


def _jump(zone: ZoneInfo, before: int, after: int) -> int:
    """Return the second, of those from `before` to `after`, from which the later offset holds."""
    target = _offset(zone, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _offset(zone, middle) == target else (middle, after)
    return after


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).utcoffset()
