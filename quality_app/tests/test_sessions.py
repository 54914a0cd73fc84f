"""Sessions: which calendar an instrument has, and that its hours are right across years and clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pandas_market_calendars as market_calendars
import polars as pl
import pytest

from quality_app.calendar_names import canonical_name
from quality_app.calendars import (
    ALWAYS,
    FOLLOWED,
    FX_WEEK,
    LEARNED,
    SessionCalendar,
    built_in,
    calendar_for,
    futures_root,
)
from quality_app.learned_sessions import TooLittleData, learn_sessions
from quality_app.sessions import DAY_NS, sessions, zone_of

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("venue", "asset_class", "instrument_class", "symbol", "name"),
    [
        ("XCME", "FX", "futures_contract", "6EH4", "CMEGlobex_FX"),
        ("GLBX", "INDEX", "futures_contract", "ESU4", "CME_Equity"),
        ("GLBX", "INDEX", "option_contract", "ESU4 C5000", "CME_Equity"),
        ("XCME", "INDEX", "futures_spread", "ESM4-ESU4", "CME_Equity"),
        ("NYMEX", "COMMODITY", "futures_contract", "CLZ25", "CMEGlobex_CL"),
        ("XCBT", "COMMODITY", "futures_contract", "ZCZ5", "CMEGlobex_Grains"),
        ("GLBX", "COMMODITY", "futures_contract", "QQQ9", LEARNED),
        ("XNAS", "EQUITY", "equity", "AAPL", "NYSE"),
        ("XLON", "", "", "VOD", "LSE"),
        ("SEHK", "EQUITY", "equity", "700", "XHKG"),
        ("SEHK", "INDEX", "futures_contract", "HSIZ4", LEARNED),
        ("XCBO", "INDEX", "option_contract", "SPXW", "CBOE_Index_Options"),
        ("IFUS", "COMMODITY", "futures_contract", "SBH5", "ICE"),
        ("XEUR", "INDEX", "futures_contract", "FDAX", "EUREX"),
        ("XCBF", "INDEX", "futures_contract", "VXZ4", "CFE"),
        ("SGX", "EQUITY", "equity", "D05", "XSES"),
        ("KRX", "EQUITY", "equity", "005930", "XKRX"),
        ("NSE", "INDEX", "option_contract", "NIFTY24000CE", "NSE"),
        ("SIM", "FX", "currency_pair", "GBP/USD", FX_WEEK),
        ("SIM", "", "", "EURUSD", FX_WEEK),
        ("SOMEBROKER", "", "", "EUR/USD", FX_WEEK),
        ("BINANCE", "CRYPTOCURRENCY", "currency_pair", "BTCUSDT", ALWAYS),
        ("BINANCE", "", "", "BTCUSDT", ALWAYS),
        ("BINANCE_SPOT", "", "", "ETHUSDT", ALWAYS),
        ("BINANCE", "", "currency_pair", "EURUSD", ALWAYS),
        ("SIM", "CRYPTOCURRENCY", "currency_pair", "BTC/USD", ALWAYS),
        ("SIM", "EQUITY", "equity", "AAPL", LEARNED),
        ("NOWHERE", "", "", "ABC", LEARNED),
    ],
)
def test_the_calendar_follows_venue_class_and_symbol(
    venue: str, asset_class: str, instrument_class: str, symbol: str, name: str
) -> None:
    assert calendar_for(venue, asset_class, instrument_class, symbol).name == name


@pytest.mark.parametrize(("symbol", "root"), [("6EH4", "6E"), ("MESZ24", "MES"), ("6E", "6E"), ("SR3H25", "SR3")])
def test_futures_root(symbol: str, root: str) -> None:
    assert futures_root(symbol) == root


@pytest.mark.parametrize("name", ["XNYS", "CMEGlobex_FX", "CME_Equity", "XHKG", "LSE", "CMEGlobex_Grains"])
@pytest.mark.parametrize("year", [2012, 2019, 2023, 2024])
def test_trading_minutes_equal_the_librarys_own(name: str, year: int) -> None:
    """Across both clock changes and the turn of the year, minute by minute."""
    first, last = pd.Timestamp(f"{year}-01-01", tz="UTC"), pd.Timestamp(f"{year + 1}-01-20", tz="UTC")
    calendar = market_calendars.get_calendar(name)
    schedule = calendar.schedule(first.date() - timedelta(7), last.date() + timedelta(7))
    theirs = market_calendars.date_range(schedule, frequency="1min", closed="left", force_close=False)
    theirs = theirs[(theirs >= first) & (theirs < last)].unique().as_unit("ns").astype("int64").to_numpy()
    found = sessions(SessionCalendar(name, name), first.value, last.value - 1)
    ours = np.concatenate([np.arange(o, c, MINUTE_NS) for o, c in found.select("open_ns", "close_ns").iter_rows()])
    ours = ours[(ours >= first.value) & (ours < last.value)]
    assert np.array_equal(ours, theirs)


def test_a_break_that_an_exchange_gave_up_is_none() -> None:
    """Seoul traded through noon from May 2000 on; the library goes on marking the break and says when it ended."""
    found = sessions(SessionCalendar("XKRX", ""), _ns("2000-05-18"), _ns("2000-05-23T12:00")).group_by(
        "day", maintain_order=True
    )
    assert dict(found.len().rows()) == {
        date(2000, 5, 18): 2,
        date(2000, 5, 19): 2,
        date(2000, 5, 22): 1,
        date(2000, 5, 23): 1,
    }


@pytest.mark.parametrize(
    ("name", "opens", "closes"),
    [("EUREX", "2024-12-09T00:10", "2024-12-09T21:00"), ("CFE", "2024-12-08T23:00", "2024-12-09T22:00")],
)
def test_exchanges_of_which_the_library_knows_the_main_session_only_have_their_whole_day(
    name: str, opens: str, closes: str
) -> None:
    found = sessions(built_in(name), _ns("2024-12-09T12:00"), _ns("2024-12-09T12:01"))
    assert found.rows() == [(_ns(opens), _ns(closes), date(2024, 12, 9))]
    assert sessions(built_in(name), _ns("2024-12-25T05:00"), _ns("2024-12-25T12:00")).is_empty()


@pytest.mark.parametrize("name", FOLLOWED)
def test_each_calendar_that_instruments_follow_is_known_and_has_a_zone(name: str) -> None:
    assert canonical_name(name) == name
    assert ZoneInfo(zone_of(built_in(name)))


@pytest.mark.parametrize("name", ["NYSE", "XHKG", "CME_Equity", FX_WEEK, ALWAYS])
def test_sessions_are_ordered_and_disjoint(name: str) -> None:
    found = sessions(SessionCalendar(name, name), _ns("2015-06-01"), _ns("2025-06-01"))
    assert (found["open_ns"] < found["close_ns"]).all()
    assert (found["close_ns"].shift(1) <= found["open_ns"]).all()


def test_the_fx_week_runs_from_sunday_to_friday_17_00_in_new_york_in_summer_and_winter() -> None:
    found = sessions(SessionCalendar(FX_WEEK, ""), _ns("2024-01-05"), _ns("2024-12-20"))
    new_york = ZoneInfo("America/New_York")
    for open_ns, close_ns, day in found.iter_rows():
        begins, ends = (datetime.fromtimestamp(ns / 1e9, new_york) for ns in (open_ns, close_ns))
        assert (begins.hour, begins.date()) == (17, day - timedelta(1))
        assert (ends.hour, ends.date()) == (17, day)
        assert day.weekday() < 5
    winter = found.filter(pl.col("day") == date(2024, 1, 8))
    summer = found.filter(pl.col("day") == date(2024, 7, 8))
    assert winter["open_ns"].item() == _ns("2024-01-07T22:00")
    assert summer["open_ns"].item() == _ns("2024-07-07T21:00")


def test_fx_is_closed_on_christmas_and_new_year() -> None:
    days = set(sessions(SessionCalendar(FX_WEEK, ""), _ns("2023-12-20"), _ns("2024-01-05"))["day"])
    assert not {date(2023, 12, 25), date(2024, 1, 1)} & days
    assert date(2023, 12, 26) in days


def test_the_early_close_of_a_holiday_is_kept() -> None:
    found = sessions(SessionCalendar("CME_Equity", ""), _ns("2024-01-15T01:00"), _ns("2024-01-15T22:30"))
    assert found["close_ns"].to_list() == [_ns("2024-01-15T18:00")]


def test_a_range_takes_the_sessions_that_it_touches() -> None:
    found = sessions(SessionCalendar("NYSE", ""), _ns("2024-01-02T20:59"), _ns("2024-01-03T14:30"))
    assert found["day"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]
    assert sessions(SessionCalendar("NYSE", ""), 1, 0).is_empty()


def test_a_learned_calendar_has_no_hours_without_data() -> None:
    with pytest.raises(ValueError, match="learn_sessions"):
        sessions(calendar_for("NOWHERE"), 0, DAY_NS)


def _new_york_day_session(weeks: int) -> np.ndarray:
    """Minute closes of an exchange open 09:30 to 16:00 in New York, through the clock change of March 2024."""
    found = sessions(SessionCalendar("NYSE", ""), _ns("2024-02-05"), _ns("2024-02-05") + weeks * 7 * DAY_NS)
    return np.concatenate(
        [np.arange(o, c, MINUTE_NS) + MINUTE_NS for o, c in found.select("open_ns", "close_ns").iter_rows()]
    )


def test_learned_hours_follow_a_clock_change_and_keep_a_lost_day_open() -> None:
    closes = _new_york_day_session(10)
    lost = (closes > _ns("2024-03-20")) & (closes <= _ns("2024-03-21"))
    found = learn_sessions([closes[~lost]], MINUTE_NS, int(closes[0]), int(closes[-1]))
    true = sessions(SessionCalendar("NYSE", ""), int(closes[0]) - MINUTE_NS, int(closes[-1]) - 1)
    # Holidays look like lost days to data alone; every other day is exact.
    extra = set(found["day"]) - set(true["day"])
    assert extra == {date(2024, 2, 19), date(2024, 3, 29)}
    both = found.filter(~pl.col("day").is_in(sorted(extra)))
    assert both.equals(true)


def test_two_weeks_are_needed_to_learn() -> None:
    with pytest.raises(TooLittleData, match="two weeks"):
        learn_sessions([], MINUTE_NS, 0, 13 * DAY_NS)
