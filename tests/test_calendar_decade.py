"""Trading hours of a decade, 2015 to 2025, to the minute: opens, closes, breaks, early closes, clock changes."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas_market_calendars as market_calendars
import polars as pl
import pytest

from quality_app.calendars import calendar_for
from quality_app.sessions import sessions

pytestmark = pytest.mark.pure

Minutes = npt.NDArray[np.int64]
MINUTE_NS = 60_000_000_000
FIRST, LAST = date(2015, 1, 1), date(2025, 12, 31)

CALENDARS = {
    "FX week": calendar_for("SIM", "FX", "currency_pair", "EUR/USD"),
    "CME FX": calendar_for("XCME", "FX", "futures_contract", "6EH4"),
    "XNYS": calendar_for("XNYS", "EQUITY", "equity", "JPM"),
    "XHKG": calendar_for("XHKG", "EQUITY", "equity", "700"),
    "24/7": calendar_for("BINANCE", "CRYPTOCURRENCY", "currency_pair", "BTCUSDT"),
}


def midnight(day: date) -> int:
    """UTC midnight in minutes since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60


START, STOP = midnight(FIRST), midnight(LAST) + 1440


@cache
def hours(name: str) -> pl.DataFrame:
    return sessions(CALENDARS[name], START * 60 * 10**9, STOP * 60 * 10**9 - 1)


def listed(opens: Minutes, closes: Minutes) -> Minutes:
    """Every minute of half-open intervals of minutes that lies in the decade."""
    lengths = closes - opens
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    minutes = np.repeat(opens, lengths) + within
    inside: Minutes = minutes[(minutes >= START) & (minutes < STOP)]
    return inside


def minutes_of(name: str) -> Minutes:
    ends = hours(name).select("open_ns", "close_ns").to_numpy()
    assert not (ends % MINUTE_NS).any()
    return listed(*(ends // MINUTE_NS).T)


@pytest.mark.parametrize(
    ("name", "library", "step"), [("CME FX", "CMEGlobex_FX", 15), ("XNYS", "XNYS", 5), ("XHKG", "XHKG", 5)]
)
def test_minutes_of_exchanges_equal_the_calendar_librarys(name: str, library: str, step: int) -> None:
    """The library lists times some minutes apart, which is quicker; a session that they do not divide would differ."""
    schedule = market_calendars.get_calendar(library).schedule(FIRST - timedelta(7), LAST + timedelta(7))
    times = market_calendars.date_range(schedule, frequency=f"{step}min", closed="left", force_close=False)
    theirs = np.unique(times.as_unit("s").astype("int64").to_numpy() // 60)

    assert np.array_equal(minutes_of(name), listed(theirs, theirs + step))


def test_the_fx_week_equals_what_clocks_in_new_york_say() -> None:
    """Each hour asked for itself: after Friday 17:00 and before Sunday 17:00, and on holidays, nothing trades."""
    new_york, wanted = ZoneInfo("America/New_York"), []
    for hour in range(START // 60, STOP // 60):
        # A session is called by the day on which it ends: seven hours later it is that day.
        wall = datetime.fromtimestamp(hour * 3600, new_york).replace(tzinfo=None) + timedelta(hours=7)
        wanted.append(wall.weekday() < 5 and (wall.month, wall.day) not in {(1, 1), (12, 25)})
    opens = np.flatnonzero(wanted) * 60 + START

    assert np.array_equal(minutes_of("FX week"), listed(opens, opens + 60))


def test_around_the_clock_no_minute_is_left_out() -> None:
    assert np.array_equal(minutes_of("24/7"), np.arange(START, STOP))


@pytest.mark.parametrize("name", CALENDARS)
def test_sessions_follow_each_other_without_overlap(name: str) -> None:
    found = hours(name)
    assert (found["open_ns"] < found["close_ns"]).all()
    assert (found["close_ns"].shift(1) <= found["open_ns"]).drop_nulls().all()


@pytest.mark.parametrize(
    ("name", "zone", "opens", "closes"),
    [
        ("FX week", "America/New_York", {"17:00"}, {"17:00"}),
        ("CME FX", "America/Chicago", {"17:00"}, {"16:00"}),
        ("XNYS", "America/New_York", {"09:30"}, {"16:00"}),
        ("XHKG", "Asia/Hong_Kong", {"09:30", "13:00"}, {"12:00", "16:00"}),
    ],
)
def test_wall_clocks_show_the_same_hours_in_summer_and_winter(
    name: str, zone: str, opens: set[str], closes: set[str]
) -> None:
    """Of what is not an exchange's regular hour there are few: early closes, some late opens."""
    for column, usual in (("open_ns", opens), ("close_ns", closes)):
        wall = pl.from_epoch(hours(name)[column], "ns").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        shown = wall.dt.strftime("%H:%M")
        regular = shown.is_in(list(usual))
        assert set(shown.filter(regular)) == usual
        assert regular.sum() > 0.97 * len(regular)
    changed = ZoneInfo(zone).utcoffset(datetime(2024, 7, 1)) != ZoneInfo(zone).utcoffset(datetime(2024, 1, 1))
    assert len(set(hours(name)["open_ns"] // MINUTE_NS % 1440)) >= (2 if changed else len(opens))


def day_hours(name: str, day: str) -> list[str]:
    """A session day's hours in UTC."""
    found = hours(name).filter(pl.col("day") == date.fromisoformat(day))
    times = found.select(pl.from_epoch(pl.col("open_ns", "close_ns"), "ns").dt.strftime("%m-%d %H:%M"))
    return [f"{opens} {closes}" for opens, closes in times.iter_rows()]


@pytest.mark.parametrize(
    ("name", "day", "wanted"),
    [
        ("XNYS", "2015-11-27", ["11-27 14:30 11-27 18:00"]),  # the day after Thanksgiving
        ("XNYS", "2024-03-08", ["03-08 14:30 03-08 21:00"]),  # Friday before the clocks change
        ("XNYS", "2024-03-11", ["03-11 13:30 03-11 20:00"]),
        ("XNYS", "2018-12-05", []),  # a president's funeral
        ("XNYS", "2025-01-09", []),
        ("XHKG", "2024-02-09", ["02-09 01:30 02-09 04:00"]),  # half a day before the lunar new year
        ("XHKG", "2024-02-08", ["02-08 01:30 02-08 04:00", "02-08 05:00 02-08 08:00"]),
        ("XHKG", "2024-04-01", []),  # Easter Monday
        ("CME FX", "2024-03-08", ["03-07 23:00 03-08 22:00"]),
        ("CME FX", "2024-03-11", ["03-10 22:00 03-11 21:00"]),
        ("CME FX", "2023-11-06", ["11-05 23:00 11-06 22:00"]),
        ("CME FX", "2024-12-25", []),
        ("FX week", "2024-03-08", ["03-07 22:00 03-08 22:00"]),
        ("FX week", "2024-03-11", ["03-10 21:00 03-11 21:00"]),
        ("FX week", "2020-01-01", []),
        ("24/7", "2024-03-10", ["03-10 00:00 03-11 00:00"]),
    ],
)
def test_days_that_are_known_by_heart(name: str, day: str, wanted: list[str]) -> None:
    assert day_hours(name, day) == wanted


def test_closed_days_are_no_session_of_any_range() -> None:
    day = midnight(date(2018, 12, 5)) * MINUTE_NS
    assert sessions(CALENDARS["XNYS"], day, day + 1440 * MINUTE_NS - 1).is_empty()
