"""Hours that people define: what spans mean on every day, clock changes with them, and what is refused."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, built_in
from quality_app.custom_hours import BadHours, ChangedDay, CustomHours, Span, parse_spans, told
from quality_app.exchange_hours import UnknownCalendar, holidays
from quality_app.sessions import DAY_NS, overlapping_day, sessions, within_life, zone_of

HOUR_NS = 3_600_000_000_000
# Zones with clock changes of an hour, of half an hour, at midnight, and without any.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Tokyo", "Asia/Beirut")
CLOSED = ("",) * 7

minutes = st.lists(st.integers(0, 1_440), max_size=6, unique=True).map(sorted)
days = minutes.map(lambda ends: " ".join(told(Span(a, b)) for a, b in zip(ends[::2], ends[1::2], strict=False)))


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def own(zone: str = "Europe/Berlin", week: tuple[str, ...] = CLOSED, *changed: ChangedDay, **other) -> SessionCalendar:
    return SessionCalendar("own", "", CustomHours(zone, week, **other), changed)


def local(moment_ns: int, zone: str) -> datetime:
    return datetime.fromtimestamp(moment_ns // 10**9, ZoneInfo(zone))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), st.tuples(*[days] * 7), st.integers(2005, 2035))
def test_every_minute_of_the_wall_clock_is_open_just_when_its_weekday_says(zone: str, week: tuple, year: int) -> None:
    """Judged minute by minute from the clock's side, through both changes of it."""
    found = sessions(own(zone, week), ns(f"{year}-01-01"), ns(f"{year + 1}-01-01"))
    assert (found["open_ns"] < found["close_ns"]).all()
    assert (found["close_ns"].shift(1) <= found["open_ns"]).all()
    spans = [parse_spans(text) for text in week]
    opens, closes = found["open_ns"].to_list(), found["close_ns"].to_list()
    # A prime number of minutes apart: all hours of all weekdays are met.
    for moment in range(ns(f"{year}-01-02"), ns(f"{year}-12-30"), 4_999 * 60_000_000_000):
        wall = local(moment, zone)
        if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset():
            continue  # shown twice
        minute = wall.hour * 60 + wall.minute
        expected = any(span.start <= minute < span.end for span in spans[wall.weekday()])
        at = bisect_right(opens, moment) - 1
        assert (at >= 0 and moment < closes[at]) == expected


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 1_439), st.integers(1, 1_440), st.booleans())
def test_a_span_opens_and_closes_at_its_wall_clock_times_over_midnight_too(
    zone: str, start: int, length: int, evening: bool
) -> None:
    text = told(Span(start, start + length))
    span = parse_spans(text, evening)[0]
    assert span.end - span.start == length
    for open_ns, close_ns, day in sessions(
        own(zone, ("", "", text, "", "", "", ""), evening=evening), ns("2024-01-01"), ns("2024-12-31")
    ).iter_rows():
        midnight = datetime(day.year, day.month, day.day)
        for moment, minute in ((open_ns, span.start), (close_ns, span.end)):
            wall = local(moment, zone).replace(tzinfo=None)
            planned = midnight + timedelta(minutes=minute)
            skipped = planned.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
            assert wall == planned or skipped.replace(tzinfo=None) != planned
        assert day.weekday() == 2


def test_the_hour_that_a_clock_change_skips_or_repeats() -> None:
    """Berlin: 31 March 2024, 02:00 to 03:00 is skipped; 27 October 2024, 02:00 to 03:00 comes twice."""
    sunday = own(week=(*CLOSED[:6], "01:30-02:30 03:00-04:00"))
    spring = sessions(sunday, ns("2024-03-31"), ns("2024-03-31T12:00"))
    assert spring.rows() == [
        (ns("2024-03-31T00:30"), ns("2024-03-31T01:00"), date(2024, 3, 31)),
        (ns("2024-03-31T01:00"), ns("2024-03-31T02:00"), date(2024, 3, 31)),
    ]
    autumn = sessions(sunday, ns("2024-10-26T23:00"), ns("2024-10-27T12:00"))
    assert autumn["open_ns"].to_list() == [ns("2024-10-26T23:30"), ns("2024-10-27T02:00")]
    assert autumn["close_ns"].to_list() == [ns("2024-10-27T00:30"), ns("2024-10-27T03:00")]


def test_a_whole_day_is_as_long_as_the_clock_makes_it() -> None:
    found = sessions(own(week=("00:00-24:00",) * 7), ns("2024-01-02"), ns("2024-12-30"))
    lengths = found.with_columns(hours=(pl.col("close_ns") - pl.col("open_ns")) // HOUR_NS).filter(
        pl.col("hours") != 24
    )
    assert lengths.select("day", "hours").rows() == [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25)]


def test_evening_sessions_belong_to_the_day_on_which_they_end() -> None:
    found = sessions(
        own("America/Chicago", ("17:00-16:00",) * 5 + ("", ""), evening=True), ns("2024-03-03"), ns("2024-03-05")
    )
    assert found.rows()[0] == (ns("2024-03-03T23:00"), ns("2024-03-04T22:00"), date(2024, 3, 4))


def test_holidays_of_an_exchange_close_the_calendar_and_its_early_closes_do_not() -> None:
    found = sessions(
        own("America/New_York", ("10:00-18:00",) * 7, holidays_of="XNYS"), ns("2024-06-30"), ns("2024-07-08")
    )
    # Saturday and Sunday are no holidays of an exchange that never opens then.
    assert found["day"].to_list() == [date(2024, 6, 30), *(date(2024, 7, day) for day in (1, 2, 3, 5, 6, 7))]
    assert holidays("XNYS", 2024) >= {date(2024, 1, 1), date(2024, 7, 4), date(2024, 12, 25)}
    assert len(holidays("XNYS", 2024)) == 10


@pytest.mark.parametrize("name", ["CMEGlobex_FX", "XHKG", FX_WEEK, ALWAYS])
def test_days_are_closed_and_opened_on_top_of_built_in_hours(name: str) -> None:
    usual = built_in(name)
    wednesday, saturday = date(2024, 3, 6), date(2024, 3, 9)
    before = sessions(usual, ns("2024-02-20"), ns("2024-03-20"))
    closed = built_in(name, (ChangedDay(wednesday, ""),))
    assert zone_of(closed) == zone_of(usual)
    assert sessions(closed, ns("2024-02-20"), ns("2024-03-20")).equals(before.filter(pl.col("day") != wednesday))
    special = built_in(name, (ChangedDay(saturday, "10:00-11:00 12:00-13:00"),))
    added = sessions(special, ns("2024-02-20"), ns("2024-03-20")).filter(day=saturday)
    assert [local(opens, zone_of(usual)).strftime("%m-%d %H:%M") for opens in added["open_ns"]] == [
        "03-09 10:00",
        "03-09 12:00",
    ]


def test_hours_that_reach_into_those_before_are_told_and_cut() -> None:
    calendar = own("UTC", ("22:00-05:00", "08:00-12:00", *CLOSED[2:]), ChangedDay(date(2024, 3, 5), "04:00-12:00"))
    assert overlapping_day(calendar) == date(2024, 3, 5)
    found = sessions(calendar, ns("2024-03-04"), ns("2024-03-06"))
    assert found.select("open_ns", "close_ns").rows() == [
        (ns("2024-03-04T22:00"), ns("2024-03-05T05:00")),
        (ns("2024-03-05T05:00"), ns("2024-03-05T12:00")),
    ]
    assert (
        overlapping_day(own("UTC", ("22:00-05:00", *CLOSED[1:]), ChangedDay(date(2024, 3, 5), "05:00-12:00"))) is None
    )


def test_changed_hours_reach_over_the_turn_of_the_year() -> None:
    calendar = own("UTC", CLOSED, ChangedDay(date(2023, 12, 31), "20:00-04:00"))
    assert sessions(calendar, ns("2024-01-01T01:00"), ns("2024-01-02"))["open_ns"].to_list() == [ns("2023-12-31T20:00")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9:00-17:00", "no span of hours"),
        ("09:00-25:00", "no span of hours"),
        ("24:00-09:00", "no span of hours"),
        ("09:00-17:00,18:00-19:00", "no span of hours"),
        ("closed", "no span of hours"),
        ("09:00-12:00 11:00-13:00", "Spans overlap: 09:00-12:00 and 11:00-13:00"),
        ("22:00-05:00 23:00-24:00", "Spans overlap: 22:00-05:00 and 23:00-24:00"),
    ],
)
def test_text_that_is_no_hours_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadHours, match=reason):
        parse_spans(text)


@pytest.mark.parametrize(
    ("zone", "week", "reason"),
    [
        ("Berlin", CLOSED, "no time zone 'Berlin'"),
        ("UTC", ("22:00-05:00", "04:00-06:00", *CLOSED[2:]), "Monday reach into those of Tuesday"),
        ("UTC", ("04:00-06:00", *CLOSED[1:6], "22:00-05:00"), "Sunday reach into those of Monday"),
        ("UTC", CLOSED[1:], "seven weekdays"),
    ],
)
def test_weeks_that_cannot_be_are_refused(zone: str, week: tuple[str, ...], reason: str) -> None:
    with pytest.raises(BadHours, match=reason):
        CustomHours(zone, week)


@pytest.mark.parametrize(
    ("name", "reason"), [("NOPE", "knows no calendar named 'NOPE'"), ("ASEX", "gives no hours of 'ASEX'")]
)
def test_an_exchange_without_hours_is_refused(name: str, reason: str) -> None:
    with pytest.raises(UnknownCalendar, match=reason):
        sessions(built_in(name), 0, DAY_NS)


def test_sessions_are_cut_to_the_life_of_a_contract() -> None:
    hours = sessions(own("UTC", ("09:00-17:00",) * 7), ns("2024-03-04"), ns("2024-03-07") - 1)
    found = within_life(hours, ns("2024-03-05T10:00"), ns("2024-03-06T09:00"))
    assert found.rows() == [(ns("2024-03-05T10:00"), ns("2024-03-05T17:00"), date(2024, 3, 5))]
    assert within_life(hours, None, None).equals(hours)
    assert within_life(hours, None, ns("2024-03-04T12:00"))["close_ns"].to_list() == [ns("2024-03-04T12:00")]


def test_a_digest_is_of_the_hours_and_not_of_their_names() -> None:
    one = SessionCalendar("one", "One", CustomHours("UTC", ("09:00-17:00", *CLOSED[1:])))
    same = SessionCalendar("two", "Two", CustomHours("UTC", ("09:00-17:00", *CLOSED[1:])))
    assert one.digest == same.digest
    different = [
        one,
        SessionCalendar("one", "One", CustomHours("Asia/Tokyo", ("09:00-17:00", *CLOSED[1:]))),
        SessionCalendar("one", "One", CustomHours("UTC", ("09:00-17:01", *CLOSED[1:]))),
        SessionCalendar("one", "One", CustomHours("UTC", ("09:00-17:00", *CLOSED[1:]), holidays_of="XETR")),
        SessionCalendar("one", "One", CustomHours("UTC", ("09:00-17:00", *CLOSED[1:]), evening=True)),
        SessionCalendar("one", "One", one.hours, (ChangedDay(date(2024, 3, 4), ""),)),
        *(built_in(name) for name in (ALWAYS, FX_WEEK, "XNYS", "CFE", "learned")),
        built_in("XNYS", (ChangedDay(date(2024, 3, 4), ""),)),
    ]
    assert len({calendar.digest for calendar in different}) == len(different)
