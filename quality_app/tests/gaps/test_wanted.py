"""Wanted ranges, ages in trading time and covered shares, held against counting moment by moment."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.trading_time import Int64s, TradingTime
from quality_app.gaps.spans import SPANS, merged
from quality_app.gaps.wanted import MONTHS, PAIRS, STEP_NS, Wish, ages, covered, end_of, moment_before, union

HOUR = STEP_NS
DAY = 24 * HOUR
# Three days that are open from 9 to 17 o'clock.
OFFICE = TradingTime(
    pl.DataFrame(
        {"open_ns": [d * DAY + 9 * HOUR for d in range(3)], "close_ns": [d * DAY + 17 * HOUR for d in range(3)]}
    )
)
ALWAYS = TradingTime(pl.DataFrame({"open_ns": [0], "close_ns": [10 * DAY]}))
NO_MONTHS = pl.DataFrame(schema=MONTHS)
hours = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 20)), min_size=1, max_size=6).map(
    lambda rows: merged(pl.DataFrame([(a, a + b) for a, b in rows], schema=SPANS, orient="row"))
)
moment = st.integers(0, 110)


def is_open(trading: TradingTime, at: int) -> bool:
    return any(o <= at < c for o, c in zip(trading.opens, trading.closes, strict=True))


def at(moment_ns: int) -> Int64s:
    return np.array([moment_ns], np.int64)


def pairs(*rows: tuple[int, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


@given(hours, moment, moment)
def test_an_age_is_the_number_of_open_moments_since(trading: TradingTime, last: int, now: int) -> None:
    expected = sum(is_open(trading, t) for t in range(last, now))
    assert ages(trading, at(last), at(now)).tolist() == [expected]


@given(hours, moment, st.integers(1, 60))
def test_what_is_as_old_as_allowed_is_where_the_allowed_age_leads_back_to(
    trading: TradingTime, now: int, allowed: int
) -> None:
    back = moment_before(trading, now, allowed)
    passed = ages(trading, at(0), at(now)).item()
    assert ages(trading, at(back), at(now)).item() == min(allowed, passed)


@given(hours, st.tuples(moment, moment, moment, moment))
def test_without_scans_the_ends_are_what_counts(trading: TradingTime, four: tuple[int, int, int, int]) -> None:
    start, end = sorted(four[:2])
    first, last = sorted(four[2:])
    there, wanted = covered(pairs((start, end, first, last)), NO_MONTHS, trading)
    assert wanted.tolist() == [sum(is_open(trading, t) for t in range(start, end))]
    assert there.tolist() == [sum(is_open(trading, t) for t in range(max(start, first), min(end, last)))]


def test_holes_within_the_span_count_once() -> None:
    """A scan that reached to the wanted end counts the missing end itself; one that did not leaves it to the span."""
    row = pairs((0, 8 * DAY, 0, 4 * DAY), (0, 8 * DAY, 0, 4 * DAY))
    months = pl.DataFrame(
        {"pair": [0, 1], "month_ns": [0, 0], "next_ns": [8 * DAY] * 2, "share": [0.25, 0.75]}, schema=MONTHS
    )
    there, wanted = covered(row, months, ALWAYS)
    assert wanted.tolist() == [8 * DAY, 8 * DAY]
    assert there.tolist() == [2 * DAY, 4 * DAY]


def test_until_now_ends_so_much_trading_time_ago() -> None:
    """At 10 on the third day, two hours of trading back is 16 o'clock on the second."""
    now = 2 * DAY + 10 * HOUR
    assert end_of(Wish(0, None, 2 * HOUR), OFFICE, now) == DAY + 16 * HOUR
    assert end_of(Wish(0, None, HOUR), OFFICE, now) == DAY + 17 * HOUR
    assert end_of(Wish(0, None, 8 * HOUR + 2 * DAY), OFFICE, now) == 9 * HOUR


def test_without_a_maximum_age_the_last_session_that_ended_counts() -> None:
    assert end_of(Wish(0, None), OFFICE, 2 * DAY + 10 * HOUR) == DAY + 17 * HOUR
    assert end_of(Wish(0, None), ALWAYS, 2 * DAY + 10 * HOUR) == 2 * DAY
    # A week that does not close by day: the last midnight, and after it its end.
    week = TradingTime(pl.DataFrame({"open_ns": [0, 9 * DAY], "close_ns": [5 * DAY - HOUR, 14 * DAY]}))
    assert end_of(Wish(0, None), week, 3 * DAY + HOUR) == 3 * DAY
    assert end_of(Wish(0, None), week, 6 * DAY) == 5 * DAY - HOUR


def test_what_lies_ahead_is_not_wanted_yet() -> None:
    assert end_of(Wish(5 * DAY, 6 * DAY), ALWAYS, DAY) is None
    assert end_of(Wish(0, 6 * DAY), ALWAYS, DAY) == DAY
    assert union([Wish(5 * DAY, None)], ALWAYS, DAY) == (None, None)


def test_a_union_spans_all_wishes_and_moves_by_the_hour() -> None:
    now = 2 * DAY + 90 * 60 * 10**9
    wishes = [Wish(DAY, DAY + 5), Wish(HOUR, None, 10), Wish(9 * DAY, None)]
    assert union(wishes, ALWAYS, now) == (HOUR, 2 * DAY + HOUR)
    assert union(wishes[:1], ALWAYS, now) == (DAY, DAY + 5)
