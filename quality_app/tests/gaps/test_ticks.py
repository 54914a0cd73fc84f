"""Holes in ticks: found where rows were taken away, and none at closed hours or in quiet ones."""

import numpy as np
import polars as pl
import pytest

from catalog_app.store import reader
from catalog_app.tests.market import market_path
from quality_app.calendars import ALWAYS, FX_WEEK, LEARNED, SessionCalendar, calendar_for
from quality_app.gaps.found import GapScan, Unscannable
from quality_app.gaps.grid import HOUR_NS, Int64s
from quality_app.gaps.severities import Severities
from quality_app.gaps.tick_times import TickTimes
from quality_app.gaps.ticks import scan_ticks
from quality_app.sessions import sessions
from quality_app.tests.gaps.tick_streams import (
    SECOND_NS,
    START_NS,
    WEEK_NS,
    hole_at,
    mean_wait_ns,
    ticks_in,
    without,
)

MINUTE_NS = 60 * SECOND_NS
DAY_NS = 24 * HOUR_NS
FX = SessionCalendar(FX_WEEK, "FX")
CALENDARS = {
    "fx": FX,
    "24/7": SessionCalendar(ALWAYS, "24/7"),
    "stocks": SessionCalendar("NYSE", "NYSE"),
    "futures": calendar_for("XCME", "FX", "futures_contract", "6EH4"),
    "lunch": SessionCalendar("HKEX", "HKEX"),
}


def week_of(calendar: SessionCalendar, weeks: int, start_ns: int = START_NS) -> pl.DataFrame:
    hours = sessions(calendar, start_ns, start_ns + weeks * WEEK_NS)
    return hours.filter((pl.col("open_ns") >= start_ns) & (pl.col("close_ns") <= start_ns + weeks * WEEK_NS))


@pytest.fixture(scope="module")
def ticks() -> Int64s:
    """Four weeks of FX ticks, over the change of the clocks."""
    return ticks_in(week_of(FX, 4), np.random.default_rng(11))


def scan(ts: Int64s, data_type: str = "quote", calendar: SessionCalendar = FX) -> GapScan:
    return scan_ticks([TickTimes.of([ts])], data_type, calendar)


def holes(found: GapScan) -> list[tuple[int, int]]:
    return found.gaps.filter(pl.col("cause") == "unexplained").select("start_ns", "end_ns").rows()


@pytest.mark.parametrize("name", CALENDARS)
def test_nothing_is_missing_over_half_a_year_of_weekends_breaks_holidays_and_clock_changes(name: str) -> None:
    ts = ticks_in(week_of(CALENDARS[name], 30), np.random.default_rng(3), slower=10)

    found = scan(ts, calendar=CALENDARS[name])

    assert not holes(found)
    assert found.completeness == 1
    assert found.outside == 0


@pytest.mark.parametrize("waits", [16, 30, 300])
def test_holes_of_many_expected_waits_are_found_with_their_exact_ends(ticks: Int64s, waits: int) -> None:
    rng = np.random.default_rng(waits)
    moments = np.sort(rng.choice(ticks[1000:-1000], 30)) + 1
    moments = moments[np.append(True, np.diff(moments) > 6 * HOUR_NS)]
    left, taken = ticks, []
    for moment in moments.tolist():
        left = without(left, moment, (waits + 3) * mean_wait_ns(moment))
        taken.append(moment)

    found = holes(scan(left))

    wanted = [hole_at(left, moment) for moment in taken]
    assert sum(hole in found for hole in wanted) >= 0.9 * len(wanted)
    assert set(found) <= set(wanted)


def test_a_hole_does_not_explain_itself_where_there_is_but_one_week(ticks: Int64s) -> None:
    week = ticks[ticks < START_NS + 5 * DAY_NS]
    left = without(week, START_NS + 50 * HOUR_NS, 3 * HOUR_NS)

    assert holes(scan(left)) == [hole_at(left, START_NS + 51 * HOUR_NS)]


def test_units_add_up_by_gap_and_by_day(ticks: Int64s) -> None:
    # From Thursday into the next week: closed hours take no time.
    left = without(ticks, START_NS + 3 * DAY_NS, 5 * DAY_NS)

    found = scan(left)

    assert found.unit == "seconds"
    assert found.gaps["missing"].to_list() == [found.missing]
    assert found.missing == pytest.approx(found.gaps["lost_ns"][0] / SECOND_NS, abs=1)
    hours = sessions(FX, START_NS, START_NS + 4 * WEEK_NS)
    start, end = holes(found)[0]
    opens = pl.col("close_ns").clip(start, end) - pl.col("open_ns").clip(start, end)
    assert found.gaps["lost_ns"][0] == hours.select(opens.sum()).item()
    assert found.by_day["missing"].sum() == found.missing
    assert found.days["expected"].sum() == found.expected
    assert found.by_day["day"].is_in(found.days["day"].implode()).all()
    assert found.gaps["severity"].to_list() == ["high"]


def test_files_in_any_order_and_cut_give_what_the_rows_give(ticks: Int64s) -> None:
    left = without(ticks, START_NS + 30 * HOUR_NS, 20 * MINUTE_NS)
    cuts = np.searchsorted(left, START_NS + np.array([29, 30, 31, 100, 300]) * HOUR_NS)
    files = [TickTimes.of(np.array_split(part, 3)) for part in np.split(left, cuts)]

    found = scan_ticks([TickTimes.unpack(files[place].pack()) for place in (3, 0, 5, 2, 4, 1)], "quote", FX)

    assert found.gaps.equals(scan(left).gaps)
    assert found.days.equals(scan(left).days)
    assert holes(found) == [hole_at(left, START_NS + 30 * HOUR_NS + MINUTE_NS)]


def test_a_wanted_range_counts_what_is_missing_before_and_after_the_rows(ticks: Int64s) -> None:
    wanted = (START_NS + DAY_NS, START_NS + 10 * DAY_NS)
    rows = ticks[(ticks >= START_NS + 2 * DAY_NS) & (ticks < START_NS + 9 * DAY_NS)]

    found = scan_ticks([TickTimes.of([rows])], "quote", FX, *wanted)

    assert holes(found) == [(wanted[0], int(rows[0])), (int(rows[-1]), wanted[1])]
    assert not scan_ticks([TickTimes.of([rows])], "quote", FX, int(rows[0]), int(rows[-1])).missing
    assert found.covers(wanted[0], wanted[0] + HOUR_NS)
    assert not found.covers(wanted[1], wanted[1] + HOUR_NS)
    within_life = scan_ticks(
        [TickTimes.of([rows])], "quote", FX, *wanted, life=(int(rows[0]), START_NS + 9 * DAY_NS + HOUR_NS)
    )
    assert holes(within_life) == [(int(rows[-1]), START_NS + 9 * DAY_NS + HOUR_NS)]


def test_a_range_without_any_rows_is_one_hole(ticks: Int64s) -> None:
    rows = ticks[ticks < START_NS + 12 * DAY_NS]
    wanted = (START_NS + 14 * DAY_NS, START_NS + 19 * DAY_NS)

    found = scan_ticks([TickTimes.of([rows])], "quote", FX, *wanted)

    assert holes(found) == [wanted]
    assert found.completeness == 0


def test_long_waits_that_quiet_hours_make_likely_are_illiquid() -> None:
    ts = ticks_in(week_of(FX, 8), np.random.default_rng(4), slower=200)

    found = scan(ts)

    assert not holes(found)
    assert set(found.gaps["cause"]) == {"illiquid"}
    assert set(found.gaps["severity"]) == {"low"}
    assert found.illiquid == found.missing > 0
    assert found.completeness == 1


def test_nights_without_trading_in_open_hours_are_not_holes() -> None:
    hours = week_of(CALENDARS["24/7"], 6).filter(pl.col("day").dt.weekday() <= 5)
    ts = ticks_in(hours, np.random.default_rng(4), slower=5)

    found = scan(ts[(ts // HOUR_NS % 24 >= 6) & (ts // HOUR_NS % 24 < 20)], calendar=CALENDARS["24/7"])

    assert not [hole for hole in holes(found) if hole[1] - hole[0] < 12 * HOUR_NS]


def test_severity_follows_the_time_lost_and_can_be_set(ticks: Int64s) -> None:
    left = ticks
    for day, minutes in enumerate((5, 20, 80)):
        left = without(left, START_NS + (day * 24 + 38) * HOUR_NS, minutes * MINUTE_NS)

    assert scan(left).gaps["severity"].to_list() == ["low", "medium", "high"]
    own = scan_ticks([TickTimes.of([left])], "quote", FX, severities=Severities(4 * MINUTE_NS, 15 * MINUTE_NS))
    assert own.gaps["severity"].to_list() == ["medium", "high", "high"]


@pytest.mark.parametrize(("data_type", "minutes"), [("quote", 2), ("delta", 2), ("trade", 60)])
def test_a_fixed_minimum_holds_where_too_few_rows_tell_what_is_usual(data_type: str, minutes: int) -> None:
    steps = np.full(100, 10 * SECOND_NS)
    steps[40], steps[70] = minutes * MINUTE_NS - 1, minutes * MINUTE_NS
    ts = START_NS + np.cumsum(steps)

    found = scan(ts, data_type, CALENDARS["24/7"])

    assert found.facts["rateKnown"] is False
    assert holes(found) == [(int(ts[69]), int(ts[70]))]


@pytest.mark.parametrize("weeks_before", [1, -6])
def test_hours_of_unknown_venues_are_learned_and_named_so(weeks_before: int) -> None:
    """With the change of the clocks, and without."""
    learned = SessionCalendar(LEARNED, "learned from the data's own activity")
    start_ns = START_NS - weeks_before * WEEK_NS
    ts = ticks_in(week_of(CALENDARS["stocks"], 4, start_ns), np.random.default_rng(9))

    found = scan(ts, calendar=learned)
    assert (holes(found), found.facts["hoursLearned"]) == ([], True)

    left = without(ts, start_ns + 24 * HOUR_NS + 16 * HOUR_NS, 30 * MINUTE_NS)
    assert holes(scan(left, calendar=learned)) == [hole_at(left, start_ns + 40 * HOUR_NS + MINUTE_NS)]

    with pytest.raises(Unscannable, match="two weeks"):
        scan(ts[ts < start_ns + 9 * DAY_NS], calendar=learned)


@pytest.mark.parametrize("data_type", ["status", "close", "bar", "custom"])
def test_data_that_is_not_expected_at_any_time_is_told_to_be_so(data_type: str) -> None:
    with pytest.raises(Unscannable):
        scan(START_NS + np.arange(3) * HOUR_NS, data_type)


def test_a_dataset_without_rows_is_told_to_be_so() -> None:
    with pytest.raises(Unscannable, match="no rows"):
        scan_ticks([], "quote", FX)


def _rows(data_type: str, directory: str) -> Int64s:
    root = market_path("stores/nautilus-1.231")
    (path,) = (root / "data" / directory).glob("*.parquet")
    frame = reader.scan(root, [str(path.relative_to(root))], data_type).select("ts_init").collect()
    return frame["ts_init"].to_numpy()


@pytest.mark.parametrize(
    ("data_type", "directory"),
    [("quote", "quote_tick/ESU4.GLBX"), ("trade", "trade_tick/ESU4.GLBX"), ("delta", "order_book_deltas/ESM4.GLBX")],
)
def test_nothing_is_missing_in_real_futures_ticks(data_type: str, directory: str) -> None:
    calendar = calendar_for("GLBX", "INDEX", "futures_contract", "ESU4")

    found = scan(_rows(data_type, directory), data_type, calendar)

    assert found.gaps.is_empty()


def test_holes_in_real_fx_quotes_are_found_and_nothing_else() -> None:
    # The file's times are New York's, told as UTC.
    ts = _rows("quote", "quote_tick/EURUSD.SIM") + 5 * HOUR_NS
    assert scan(ts).gaps.is_empty()
    rng = np.random.default_rng(2)
    found = wrong = 0
    moments = rng.choice(ts[200:-400], 60).tolist()
    # The quotes come in bursts: the expected wait from any moment is 4 to 12 s, though their mean wait is 2.3 s. Holes
    # of 10 to 20 expected waits are not all told from the longest waits of the file, which are 13 of them long.
    for moment in moments:
        expected = 12 if moment < ts[0] + HOUR_NS else 10 if moment < ts[0] + 2 * HOUR_NS else 7
        left = without(ts, moment + 1, rng.uniform(20, 60) * expected * SECOND_NS)
        told = holes(scan(left))
        found += hole_at(left, moment + 1) in told
        wrong += len(told) - (hole_at(left, moment + 1) in told)

    assert found >= 0.99 * len(moments)
    assert wrong <= 0.01 * found
