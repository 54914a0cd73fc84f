"""Gaps: injected holes are found with their exact first and last missing bar, closed hours never are."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.tests.market import market_path
from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, calendar_for
from quality_app.gaps.bar_scan import scan_bars
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.found import GapScan, Unscannable
from quality_app.gaps.grid import DAY_NS, HOUR_NS, Int64s
from quality_app.sessions import sessions

MINUTE_NS = 60_000_000_000
CME_FX = calendar_for("XCME", "FX", "futures_contract", "6EH4")
FX = SessionCalendar(FX_WEEK, "")
CRYPTO = SessionCalendar(ALWAYS, "")
STOCKS = SessionCalendar("NYSE", "")


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _full(calendar: SessionCalendar, start: str, end: str, interval_ns: int = MINUTE_NS) -> Int64s:
    """Every close that the sessions expect between two times."""
    start_ns, end_ns = _ns(start), _ns(end)
    found = sessions(calendar, start_ns - DAY_NS, end_ns + DAY_NS).select("open_ns", "close_ns")
    closes = np.concatenate([np.arange(o + interval_ns, c + 1, interval_ns) for o, c in found.iter_rows()])
    return closes[(closes > start_ns) & (closes <= end_ns)]


def _scan(closes: Int64s, calendar: SessionCalendar, interval_ns: int = MINUTE_NS, **wanted: Any) -> GapScan:
    step = BarStep(1, "DAY") if interval_ns == DAY_NS else BarStep(interval_ns // MINUTE_NS, "MINUTE")
    files = [BarTimes.of([part], interval_ns) for part in np.array_split(closes, 3)]
    return scan_bars(files, step, calendar, **wanted)


def _gaps(scan: GapScan) -> list[tuple[int, int, int]]:
    return list(scan.gaps.select("start_ns", "end_ns", "missing").iter_rows())


SERIES = {
    "cme": (CME_FX, _full(CME_FX, "2024-02-26", "2024-03-20")),
    "fx": (FX, _full(FX, "2024-10-21", "2024-11-15")),
    "crypto": (CRYPTO, _full(CRYPTO, "2024-02-20", "2024-03-05")),
    "stocks": (STOCKS, _full(STOCKS, "2024-10-21", "2024-11-15")),
}


@pytest.mark.parametrize("name", SERIES)
def test_a_complete_series_has_no_gap(name: str) -> None:
    calendar, closes = SERIES[name]
    scan = _scan(closes, calendar)
    assert _gaps(scan) == []
    assert (scan.expected, scan.present, scan.missing, scan.outside) == (len(closes), len(closes), 0, 0)
    assert scan.completeness == 1


@settings(max_examples=120)
@given(st.sampled_from(sorted(SERIES)), st.data())
def test_injected_holes_of_a_minute_to_three_days_are_found_exactly(name: str, data: st.DataObject) -> None:
    calendar, closes = SERIES[name]
    removed = np.zeros(len(closes), bool)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(1, len(closes) - 2))
        length_ns = data.draw(st.integers(1, 60) | st.integers(60, 3 * 24 * 60)) * MINUTE_NS
        hole = (closes >= closes[start]) & (closes < closes[start] + length_ns)
        hole[-1] = False
        removed |= hole
    scan = _scan(closes[~removed], calendar)
    edges = np.flatnonzero(np.diff(removed.astype(int)))
    holes = [(int(closes[a + 1]), int(closes[b]), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    assert _gaps(scan) == holes
    assert scan.missing == removed.sum()
    assert scan.expected == len(closes)


def test_a_hole_of_a_whole_weekend_side_spans_the_closed_hours_as_one_gap() -> None:
    calendar, closes = SERIES["fx"]
    hole = (closes > _ns("2024-10-25T20:30")) & (closes <= _ns("2024-10-27T21:30"))
    (gap,) = _gaps(_scan(closes[~hole], calendar))
    assert gap == (_ns("2024-10-25T20:31"), _ns("2024-10-27T21:30"), 60)


def test_quiet_minutes_on_both_sides_of_closed_hours_are_two_gaps() -> None:
    calendar, closes = SERIES["fx"]
    minute = closes // MINUTE_NS
    quiet = minute % 3 == 1  # a third of all minutes never trades
    quiet |= np.isin(closes, [_ns("2024-10-25T21:00"), _ns("2024-10-27T21:01")])
    scan = _scan(closes[~quiet], calendar)
    assert set(scan.gaps["cause"]) == {"illiquid"}
    spans = scan.gaps.filter((pl.col("end_ns") - pl.col("start_ns")) // MINUTE_NS + 1 != pl.col("missing"))
    assert spans.is_empty()


def test_illiquid_holes_do_not_lower_completeness_and_a_long_one_does() -> None:
    calendar, closes = SERIES["crypto"]
    random = np.random.default_rng(7)
    traded = random.random(len(closes)) < 0.5
    traded[[0, -1]] = True
    hole = (closes > _ns("2024-02-27T03:00")) & (closes <= _ns("2024-02-27T05:00"))
    scan = _scan(closes[traded & ~hole], calendar)
    unexplained = scan.gaps.filter(pl.col("cause") == "unexplained").sort("missing")
    worst = unexplained.tail(1)
    assert worst["missing"].item() >= 120
    assert worst["severity"].item() == "high"
    assert scan.completeness == 1 - Fraction(int(unexplained["missing"].sum()), len(closes))
    assert scan.illiquid > 0.9 * (scan.missing - 120)
    assert set(scan.gaps.filter(pl.col("cause") == "illiquid")["severity"]) == {"low"}


def test_a_hole_does_not_explain_itself() -> None:
    """In two weeks of data, a lost day is half of what is known of its hours."""
    calendar, closes = SERIES["crypto"]
    hole = (closes > _ns("2024-02-28")) & (closes <= _ns("2024-02-29"))
    scan = _scan(closes[~hole], calendar)
    assert scan.gaps["cause"].to_list() == ["unexplained"]
    assert scan.gaps["missing"].to_list() == [1440]


@pytest.mark.parametrize(("minutes", "severity"), [(9, "low"), (10, "medium"), (59, "medium"), (60, "high")])
def test_severity_by_lost_session_time(minutes: int, severity: str) -> None:
    calendar, closes = SERIES["crypto"]
    hole = (closes > _ns("2024-02-27T03:00")) & (closes <= _ns("2024-02-27T03:00") + minutes * MINUTE_NS)
    assert _scan(closes[~hole], calendar).gaps["severity"].to_list() == [severity]


def test_rows_outside_sessions_are_counted_and_change_nothing_else() -> None:
    calendar, closes = SERIES["stocks"]
    early = _ns("2024-10-22T12:00") + np.arange(5) * MINUTE_NS
    scan = _scan(np.sort(np.concatenate([closes, early])), calendar)
    assert (scan.outside, scan.missing) == (5, 0)


def test_order_and_repeats_do_not_matter() -> None:
    calendar, closes = SERIES["cme"]
    kept = np.delete(closes, slice(100, 200))
    shuffled = np.random.default_rng(1).permutation(np.concatenate([kept, kept[:500]]))
    assert _gaps(_scan(shuffled, calendar)) == _gaps(_scan(kept, calendar))


def test_bars_recorded_late_count_for_their_minute() -> None:
    calendar, closes = SERIES["crypto"]
    late = closes + np.random.default_rng(3).integers(0, 900_000_000, len(closes))
    assert _scan(late, calendar).missing == 0


def test_the_ends_of_a_wanted_range_are_gaps_too() -> None:
    calendar, closes = SERIES["crypto"]
    kept = closes[60:-30]
    scan = _scan(kept, calendar, start_ns=int(closes[0]), end_ns=int(closes[-1]))
    assert _gaps(scan) == [(int(closes[0]), int(closes[59]), 60), (int(closes[-30]), int(closes[-1]), 30)]
    inside = _scan(np.delete(closes, slice(100, 200)), calendar, start_ns=int(closes[150]), end_ns=int(closes[300]))
    assert _gaps(inside) == [(int(closes[150]), int(closes[199]), 50)]
    assert inside.expected == 151


@pytest.mark.parametrize("step", [2, 5, 15, 30, 60, 240])
@pytest.mark.parametrize("name", ["cme", "fx", "crypto"])
def test_longer_bars_on_the_clock(name: str, step: int) -> None:
    calendar, closes = SERIES[name]
    interval = step * MINUTE_NS
    bars = np.unique(-(-closes // interval) * interval)
    assert _scan(bars, calendar, interval).missing == 0
    kept = np.delete(bars, [5, 6])
    assert _gaps(_scan(kept, calendar, interval)) == [(int(bars[5]), int(bars[6]), 2)]


@pytest.mark.parametrize("on_clock", [True, False])
def test_hour_bars_of_an_exchange_that_opens_at_half_past(on_clock: bool) -> None:
    """Vendors cut hours at the clock (10:00 …) or from the open (10:30 …, the last one half as long)."""
    calendar, _ = SERIES["stocks"]
    found = sessions(calendar, _ns("2024-10-21"), _ns("2024-11-15"))
    if on_clock:
        bars = [
            t
            for o, c in found.select("open_ns", "close_ns").iter_rows()
            for t in range(o + HOUR_NS // 2, c + 1, HOUR_NS)
        ]
    else:
        bars = [
            min(t, c)
            for o, c in found.select("open_ns", "close_ns").iter_rows()
            for t in range(o + HOUR_NS, c + HOUR_NS, HOUR_NS)
        ]
    closes = np.array(bars)
    assert _scan(closes, calendar, HOUR_NS).missing == 0
    kept = np.delete(closes, [12, 13, 14])
    assert _gaps(_scan(kept, calendar, HOUR_NS)) == [(int(closes[12]), int(closes[14]), 3)]


@pytest.mark.parametrize("calendar", [CME_FX, FX, CRYPTO, STOCKS])
@pytest.mark.parametrize("stamp", ["close", "midnight after", "midnight before"])
def test_day_bars_one_per_session_day_however_stamped(calendar: SessionCalendar, stamp: str) -> None:
    days = (
        sessions(calendar, _ns("2024-01-08"), _ns("2024-02-28"))
        .group_by("day")
        .agg(pl.col("close_ns").max())
        .sort("day")
    )
    dates = days["day"].to_physical().cast(pl.Int64).to_numpy()
    closes = {
        "close": days["close_ns"].to_numpy(),
        "midnight after": (dates + 1) * DAY_NS,
        "midnight before": dates * DAY_NS,
    }
    bars = closes[stamp]
    scan = _scan(bars, calendar, DAY_NS)
    assert (scan.missing, scan.expected) == (0, len(bars))
    scan = _scan(np.delete(bars, [7, 8]), calendar, DAY_NS)
    assert _gaps(scan) == [(int(bars[7]), int(bars[8]), 2)]
    assert scan.gaps["severity"].to_list() == ["high"]


def test_learned_hours_find_a_lost_day() -> None:
    closes = _full(STOCKS, "2024-04-01", "2024-05-10")
    hole = (closes > _ns("2024-04-17")) & (closes <= _ns("2024-04-18"))
    unknown = calendar_for("NOWHERE", symbol="ABC")
    (gap,) = _gaps(_scan(closes[~hole], unknown))
    assert gap == (_ns("2024-04-17T13:31"), _ns("2024-04-17T20:00"), 390)


def test_two_days_of_an_unknown_venue_are_too_little_to_learn_from() -> None:
    _, closes = SERIES["crypto"]
    with pytest.raises(Unscannable, match="two weeks"):
        _scan(closes[:2880], calendar_for("NOWHERE"))


def test_no_rows_are_unknown() -> None:
    with pytest.raises(Unscannable, match="no rows"):
        scan_bars([BarTimes.of([], MINUTE_NS)], BarStep(1, "MINUTE"), CRYPTO)


def _six_e() -> Int64s:
    path = market_path("csv/6EH4.XCME_1min_bars_20240101_20240131.csv.gz")
    return _csv_times(path, "timestamp_utc")


def _csv_times(path: object, column: str) -> Int64s:
    frame = pl.read_csv(str(path), columns=[column])
    text = frame[column].str.slice(0, 19)
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ns").to_physical().to_numpy()


def test_the_real_6e_file_has_its_quiet_minutes_and_no_session_break() -> None:
    scan = _scan(_six_e(), CME_FX)
    steps = dict(scan.gaps.group_by("missing").len().iter_rows())
    assert steps == {1: 302, 2: 42, 3: 3, 4: 4, 6: 2}
    assert (scan.present, scan.missing, scan.outside) == (29_996, 423, 0)
    spans = scan.gaps.filter((pl.col("end_ns") - pl.col("start_ns")) // MINUTE_NS + 1 != pl.col("missing"))
    assert spans.is_empty()
    assert set(scan.gaps["severity"]) == {"low"}
    assert set(scan.gaps["cause"]) == {"illiquid"}
    assert scan.completeness == 1
    assert scan.facts["stamp"] == "close"


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_the_real_gbpusd_file_has_no_weekend_among_its_gaps(side: str) -> None:
    opens = _csv_times(market_path(f"csv/gbpusd-m1-{side}-2012.csv"), "timestamp")
    scan = _scan(opens, FX)
    assert scan.facts["stamp"] == "open"
    assert set(scan.gaps["cause"]) == {"illiquid"}
    assert scan.present == 30_117
    assert scan.outside == 0
    spans = scan.gaps.filter((pl.col("end_ns") - pl.col("start_ns")) // MINUTE_NS + 1 != pl.col("missing"))
    assert spans.is_empty()
    inside = [m for _, _, m in _gaps(scan)]
    # 107 steps longer than a minute inside sessions, and quiet minutes at the edges of three weekends.
    assert sum(inside) == scan.missing == 96 + 2 * 10 + 4 + 4


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_holes_in_the_real_6e_file_are_found_with_exact_ends(data: st.DataObject) -> None:
    closes = _six_e()
    start = data.draw(st.integers(1, len(closes) - 2))
    length_ns = data.draw(st.integers(10, 3 * 24 * 60)) * MINUTE_NS
    hole = (closes >= closes[start]) & (closes < closes[start] + length_ns)
    hole[-1] = False
    scan = _scan(closes[~hole], CME_FX)
    first, last = closes[hole][0], closes[hole][-1]
    cover = [gap for gap in _gaps(scan) if gap[0] <= first and gap[1] >= last]
    full = _scan(closes, CME_FX)
    assert len(cover) == 1
    # A natural quiet minute beside the hole belongs to it.
    grown = int(hole.sum()) + sum(m for s, e, m in _gaps(full) if s >= cover[0][0] and e <= cover[0][1])
    assert cover[0][2] == grown


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["6e", "gbpusd"]), st.data())
def test_holes_of_three_bars_and_more_in_main_hours_are_unexplained(name: str, data: st.DataObject) -> None:
    """Beside others, of which none makes the rest look quiet."""
    closes, calendar, hours = {
        "6e": (_six_e(), CME_FX, (8, 16)),
        "gbpusd": (_csv_times(market_path("csv/gbpusd-m1-bid-2012.csv"), "timestamp"), FX, (8, 19)),
    }[name]
    hour = closes // HOUR_NS % 24
    main = np.flatnonzero((hour >= hours[0]) & (hour < hours[1]))
    places = data.draw(st.lists(st.integers(5, len(main) - 500), min_size=1, max_size=8))
    holes = [(int(main[place]), data.draw(st.integers(3, 90))) for place in places]
    removed = np.zeros(len(closes), bool)
    for at, bars in holes:
        removed[at : at + bars] = True
    gaps = _scan(closes[~removed], calendar).gaps.filter(pl.col("cause") == "unexplained")
    for at, bars in holes:
        assert not gaps.filter(
            (pl.col("start_ns") <= closes[at]) & (pl.col("end_ns") >= closes[at + bars - 1])
        ).is_empty()
