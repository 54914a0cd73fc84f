"""Bars in many files, stamped in any way, of any length: the gaps are those of all closes together."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.bar_type import parse_bar_type
from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, calendar_for
from quality_app.gaps.bar_scan import scan_bars
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.found import BY_DAY, DAYS, GAPS, GapScan, Unscannable
from quality_app.gaps.grid import DAY_NS, HOUR_NS, Int64s
from quality_app.gaps.severities import Severities
from quality_app.sessions import sessions

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
FX, CRYPTO, STOCKS = SessionCalendar(FX_WEEK, ""), SessionCalendar(ALWAYS, ""), SessionCalendar("NYSE", "")
CME_FX = calendar_for("XCME", "FX", "futures_contract", "6EH4")
UNKNOWN = calendar_for("NOWHERE")
MINUTE = BarStep(1, "MINUTE")


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _hours(calendar: SessionCalendar, start: str, end: str) -> pl.DataFrame:
    return sessions(calendar, _ns(start), _ns(end))


def _closes(calendar: SessionCalendar, start: str, end: str, interval_ns: int = MINUTE_NS) -> Int64s:
    hours = _hours(calendar, start, end)
    return np.concatenate([np.arange(o + interval_ns, c + 1, interval_ns) for o, c, _ in hours.iter_rows()])


def _scan(ts: Int64s, step: BarStep, calendar: SessionCalendar, **wanted: Any) -> GapScan:
    return scan_bars([BarTimes.of([ts], step.interval_ns)], step, calendar, **wanted)


def _gaps(scan: GapScan) -> list[tuple[int, int, int]]:
    return list(scan.gaps.select("start_ns", "end_ns", "missing").iter_rows())


THIN = _closes(STOCKS, "2024-03-01", "2024-03-20")
THIN = THIN[np.random.default_rng(4).random(len(THIN)) < 0.6]


@settings(max_examples=40)
@given(st.data())
def test_any_cut_into_files_gives_the_same_scan(data: st.DataObject) -> None:
    """Files in any order, overlapping, with rows out of order and beside the minute."""
    ts = THIN + np.where(np.arange(len(THIN)) % 50 == 0, data.draw(st.sampled_from([0, 1, SECOND_NS])), 0)
    cuts = np.sort(data.draw(st.lists(st.integers(0, len(ts)), max_size=5)))
    parts = np.split(ts, cuts)
    parts.append(ts[data.draw(st.integers(0, 1000)) : 2000])
    files = [BarTimes.of([data.draw(st.sampled_from([part, part[::-1]]))], MINUTE_NS) for part in parts]
    scan = scan_bars(data.draw(st.permutations(files)), MINUTE, STOCKS)
    whole = _scan(ts, MINUTE, STOCKS)
    for name in ("gaps", "days", "by_day"):
        assert getattr(scan, name).equals(getattr(whole, name))
    assert (scan.expected, scan.missing, scan.illiquid, scan.outside, scan.facts) == (
        whole.expected,
        whole.missing,
        whole.illiquid,
        whole.outside,
        whole.facts,
    )


def test_days_and_gaps_add_up() -> None:
    scan = _scan(np.delete(THIN, slice(500, 1400)), MINUTE, STOCKS)
    assert (scan.gaps.schema, scan.days.schema, scan.by_day.schema) == (GAPS, DAYS, BY_DAY)
    assert scan.days["expected"].sum() == scan.expected
    by_gap = scan.by_day.group_by("gap").agg(pl.col("missing").sum()).sort("gap")
    assert by_gap["missing"].to_list() == scan.gaps["missing"].to_list()
    assert scan.gaps["missing"].sum() == scan.missing == scan.expected - scan.present
    assert scan.gaps.filter(pl.col("cause") == "illiquid")["missing"].sum() == scan.illiquid
    assert (scan.gaps["lost_ns"] == scan.gaps["missing"] * MINUTE_NS).all()
    assert scan.days["day"].is_sorted()
    assert set(scan.by_day["day"]) <= set(scan.days["day"])
    assert date(2024, 3, 9) not in set(scan.days["day"])


def test_severities_and_alpha_are_told_and_used() -> None:
    full = _closes(CRYPTO, "2024-03-01", "2024-03-15")
    hole = np.delete(full, slice(5000, 5020))
    assert _scan(hole, MINUTE, CRYPTO).gaps["severity"].to_list() == ["medium"]
    scan = _scan(hole, MINUTE, CRYPTO, severities=Severities(5 * MINUTE_NS, 20 * MINUTE_NS), alpha=0.001)
    assert scan.gaps["severity"].to_list() == ["high"]
    assert scan.facts["alpha"] == 0.001
    assert scan.facts["severities"] == {"mediumNs": 5 * MINUTE_NS, "highNs": 20 * MINUTE_NS}


def test_covers_tells_whether_a_bar_is_expected_in_the_scanned_range() -> None:
    closes = _closes(STOCKS, "2024-03-04", "2024-03-08")
    scan = _scan(closes[10:], MINUTE, STOCKS)
    assert scan.covers(int(closes[400]), int(closes[410]))
    assert not scan.covers(int(closes[0]), int(closes[9]))
    assert not scan.covers(_ns("2024-03-05T22:00"), _ns("2024-03-06T10:00"))
    assert not scan.covers(int(closes[-1]) + 1, int(closes[-1]) + 7 * DAY_NS)


@pytest.mark.parametrize("calendar", [FX, CME_FX, STOCKS, UNKNOWN])
@pytest.mark.parametrize("stamp", ["open", "close"])
@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_the_side_of_the_stamp_is_found_and_told(calendar: SessionCalendar, stamp: str, minutes: int) -> None:
    interval = minutes * MINUTE_NS
    known = STOCKS if calendar is UNKNOWN else calendar
    # Where clocks change, learned hours are wrong for a week.
    start, end = ("2024-04-01", "2024-05-03") if calendar is UNKNOWN else ("2024-02-26", "2024-03-29")
    closes = _closes(known, start, end)
    bars = np.unique(-(-closes // interval) * interval) - (interval if stamp == "open" else 0)
    scan = _scan(bars, BarStep(minutes, "MINUTE"), calendar)
    assert (scan.missing, scan.outside) == (0, 0)
    # Of an unknown venue, hours in whole bars fit either side.
    assert scan.facts["stamp"] == (stamp if minutes < 15 or calendar is not UNKNOWN else "unknown")
    scan = _scan(np.delete(bars, slice(70, 74)), BarStep(minutes, "MINUTE"), calendar)
    assert (_gaps(scan)[0][0], _gaps(scan)[-1][1], scan.missing) == (int(bars[70]), int(bars[73]), 4)


def test_around_the_clock_the_side_is_unknown() -> None:
    assert _scan(_closes(CRYPTO, "2024-03-01", "2024-03-05"), MINUTE, CRYPTO).facts["stamp"] == "unknown"


def test_the_ends_of_a_wanted_range_are_as_the_data_stamps() -> None:
    opens = _closes(FX, "2024-03-03T22:30", "2024-03-15T20:00") - MINUTE_NS
    kept = opens[60:-30]
    scan = _scan(kept, MINUTE, FX, start_ns=int(opens[0]), end_ns=int(opens[-1]))
    assert _gaps(scan) == [(int(opens[0]), int(opens[59]), 60), (int(opens[-30]), int(opens[-1]), 30)]


def test_bars_stamped_a_millisecond_before_the_minute_keep_their_stamps() -> None:
    closes = _closes(CRYPTO, "2024-03-01", "2024-03-05") - 1_000_000
    scan = _scan(np.delete(closes, [100, 101]), MINUTE, CRYPTO)
    assert _gaps(scan) == [(int(closes[100]), int(closes[101]), 2)]


def test_nothing_is_expected_outside_a_contracts_life() -> None:
    closes = _closes(CME_FX, "2024-03-01", "2024-03-22")
    life = _ns("2024-03-05T12:00"), _ns("2024-03-18T14:16")
    wanted = {"start_ns": _ns("2024-03-01"), "end_ns": _ns("2024-03-30"), "life": life}
    inside = closes[(closes > life[0]) & (closes <= life[1])]
    scan = _scan(np.delete(inside, slice(300, 310)), MINUTE, CME_FX, **wanted)
    assert _gaps(scan) == [(int(inside[300]), int(inside[309]), 10)]
    stray = _scan(np.append(inside, life[1] + 5 * MINUTE_NS), MINUTE, CME_FX, **wanted)
    assert (stray.missing, stray.outside) == (0, 1)


@pytest.mark.parametrize(
    ("step", "days"),
    [
        (BarStep(1, "MILLISECOND"), 1),
        (BarStep(100, "MILLISECOND"), 3),
        (BarStep(5, "SECOND"), 3),
        (BarStep(7, "SECOND"), 3),
    ],
)
def test_bars_below_a_minute(step: BarStep, days: int) -> None:
    interval = step.interval_ns or 0
    start = _ns("2024-03-04")
    number = np.arange(start // interval + 1, (start + days * DAY_NS // 20) // interval)
    closes = number * interval
    scan = _scan(np.delete(closes, slice(1000, 1500)), step, CRYPTO)
    assert _gaps(scan) == [(int(closes[1000]), int(closes[1499]), 500)]
    assert scan.gaps["lost_ns"].to_list() == [500 * interval]


@pytest.mark.parametrize("minutes", [7, 11, 50, 300])
@pytest.mark.parametrize("calendar", [CRYPTO, STOCKS])
def test_steps_that_do_not_divide_a_day_follow_the_session_or_a_clock(minutes: int, calendar: SessionCalendar) -> None:
    interval = minutes * MINUTE_NS
    hours = _hours(calendar, "2024-03-04", "2024-03-20")
    by_session = np.array(
        [min(t, c) for o, c, _ in hours.iter_rows() for t in range(o + interval, c + interval, interval)]
    )
    origin = _ns("2024-03-04") + 3 * MINUTE_NS
    ticking = origin + np.arange(16 * DAY_NS // interval) * interval
    owner = np.searchsorted(hours["open_ns"].to_numpy(), ticking, side="left") - 1
    last = -(-(hours["close_ns"].to_numpy()[owner] - origin) // interval) * interval + origin
    by_clock = ticking[(owner >= 0) & (ticking <= last)]
    for anchor, bars in (("session", by_session), ("clock", by_clock)):
        scan = _scan(bars, BarStep(minutes, "MINUTE"), calendar)
        assert (scan.facts["anchor"], scan.missing, scan.outside) == (anchor, 0, 0)
        scan = _scan(np.delete(bars, slice(4, 9)), BarStep(minutes, "MINUTE"), calendar)
        assert (_gaps(scan)[0][0], _gaps(scan)[-1][1], scan.missing) == (int(bars[4]), int(bars[8]), 5)


def test_a_step_without_a_clock_is_unknown_with_a_reason() -> None:
    random = _ns("2024-03-04") + np.sort(np.random.default_rng(1).integers(0, 10**15, 500))
    with pytest.raises(Unscannable, match="follow no clock"):
        _scan(random, BarStep(7, "MINUTE"), CRYPTO)


STAMPS = {
    "close": pl.col("close_ns").max(),
    "open": pl.col("open_ns").min(),
    "start": pl.col("start").first(),
    "end": pl.col("end").first(),
}


def _bars_by(calendar: SessionCalendar, unit: str, count: int, stamp: str) -> Int64s:
    """One bar for each period of sessions from 2010 to 2023."""
    every = {"WEEK": f"{count}w", "MONTH": f"{count}mo", "YEAR": f"{count}y"}[unit]
    frame = _hours(calendar, "2010-01-10", "2023-12-20").filter(
        pl.col("day").is_between(date(2010, 1, 4), date(2023, 12, 20))
    )
    start = pl.col("day").dt.truncate(every)
    return (
        frame.with_columns(
            start.cast(pl.Datetime("ns")).cast(pl.Int64).alias("start"),
            start.dt.offset_by(every).cast(pl.Datetime("ns")).cast(pl.Int64).alias("end"),
        )
        .group_by("start", maintain_order=True)
        .agg(STAMPS[stamp].alias("stamp"))["stamp"]
        .to_numpy()
    )


@pytest.mark.parametrize("calendar", [FX, STOCKS, CRYPTO])
@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize(("unit", "count"), [("WEEK", 1), ("WEEK", 2), ("MONTH", 1), ("MONTH", 3), ("YEAR", 1)])
def test_one_bar_for_each_week_month_or_year_however_stamped(
    calendar: SessionCalendar, stamp: str, unit: str, count: int
) -> None:
    bars = _bars_by(calendar, unit, count, stamp)[1:-1]
    step = BarStep(count, unit)
    scan = _scan(bars, step, calendar)
    assert (scan.expected, scan.missing, scan.outside) == (len(bars), 0, 0)
    # Midnight between two periods ends one and starts the other; around the clock every close does.
    told = calendar is not CRYPTO and stamp in {"open", "close"}
    assert scan.facts["stamp"] == (stamp if told else "unknown")
    scan = _scan(np.delete(bars, [5, 6]), step, calendar)
    assert scan.missing == 2
    assert scan.gaps["severity"].to_list() == ["high"]
    if unit == "YEAR" or stamp in {"start", "end"} or calendar is CRYPTO:
        assert _gaps(scan) == [(int(bars[5]), int(bars[6]), 2)]


def test_day_bars_stamped_at_the_open_of_their_session() -> None:
    days = _hours(STOCKS, "2024-01-08", "2024-03-28")
    opens = days["open_ns"].to_numpy()
    scan = _scan(np.delete(opens, [20]), BarStep(1, "DAY"), STOCKS)
    assert (scan.facts["stamp"], scan.facts["label"]) == ("open", "session open")
    assert _gaps(scan) == [(int(opens[20]), int(opens[20]), 1)]
    assert scan.gaps["lost_ns"].to_list() == [int(days["close_ns"][20] - opens[20])]


@pytest.mark.parametrize("calendar", [STOCKS, CRYPTO])
def test_bars_of_several_days_count_sessions_from_where_the_data_begins(calendar: SessionCalendar) -> None:
    closes = _hours(calendar, "2024-01-08", "2024-06-28")["close_ns"].to_numpy()[1::3]
    assert _scan(closes, BarStep(3, "DAY"), calendar).missing == 0
    assert _gaps(_scan(np.delete(closes, 6), BarStep(3, "DAY"), calendar)) == [(int(closes[6]), int(closes[6]), 1)]


def test_bars_not_made_by_time_have_no_step() -> None:
    assert BarStep.of(parse_bar_type("A.B-3-MONTH-LAST-EXTERNAL")) == BarStep(3, "MONTH")
    with pytest.raises(Unscannable, match="no fixed length"):
        BarStep.of(parse_bar_type("A.B-100-TICK-LAST-EXTERNAL"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_years_of_thin_trading_alone_are_not_called_unexplained(share: float) -> None:
    closes = _closes(CME_FX, "2024-01-01", "2024-12-31")
    traded = closes[np.random.default_rng(8).random(len(closes)) < share]
    scan = _scan(traded, MINUTE, CME_FX)
    assert scan.missing > 0.9 * (1 - share) * len(closes)
    assert scan.gaps.filter(pl.col("cause") == "unexplained").height <= 1


def test_hours_of_an_exchange_that_opens_at_half_past_lose_half_an_hour_at_the_end() -> None:
    hours = _hours(STOCKS, "2024-02-26", "2024-03-20")
    bars = np.array([min(t, c) for o, c, _ in hours.iter_rows() for t in range(o + HOUR_NS, c + HOUR_NS, HOUR_NS)])
    scan = _scan(np.delete(bars, [12, 13]), BarStep(1, "HOUR"), STOCKS)
    assert scan.gaps["lost_ns"].sum() == HOUR_NS + HOUR_NS // 2


@pytest.mark.parametrize("unit", ["WEEK", "MONTH"])
def test_longer_bars_of_an_unknown_venue_are_expected_in_every_period(unit: str) -> None:
    bars = _bars_by(STOCKS, unit, 1, "close")[1:-1]
    scan = _scan(np.delete(bars, 20), BarStep(1, unit), UNKNOWN)
    assert (scan.missing, scan.expected, scan.facts["stamp"]) == (1, len(bars), "unknown")


def test_four_hour_bars_from_new_york_five_follow_the_session_over_a_clock_change() -> None:
    bars = _closes(FX, "2024-02-26", "2024-03-28", 4 * HOUR_NS)
    scan = _scan(np.delete(bars, [50, 51]), BarStep(4, "HOUR"), FX)
    assert scan.facts["anchor"] == "session"
    assert _gaps(scan) == [(int(bars[50]), int(bars[51]), 2)]
