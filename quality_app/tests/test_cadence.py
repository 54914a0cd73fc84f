"""When recurring work is next due."""

from datetime import UTC, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.cadence import Cadence

MOMENTS = st.datetimes(
    datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))])
)
TIMES = st.times().map(lambda value: value.replace(second=0, microsecond=0))


@given(MOMENTS, st.integers(1, 10_080))
def test_minutes_are_later_than_now_by_at_most_the_step_and_on_one_grid(now: datetime, minutes: int) -> None:
    cadence = Cadence(every_minutes=minutes)
    found = cadence.next_after(now)
    assert timedelta() < found - now <= timedelta(minutes=minutes)
    assert cadence.next_after(found) - found == timedelta(minutes=minutes)


@given(MOMENTS, TIMES, st.none() | st.integers(0, 6))
def test_days_and_weeks_are_the_first_later_moment_of_that_time_and_weekday(
    now: datetime, at: time, weekday: int | None
) -> None:
    cadence = Cadence(time_utc=at, weekday=weekday)
    step = timedelta(days=1 if weekday is None else 7)
    found = cadence.next_after(now)
    assert timedelta() < found - now <= step
    assert (found.utcoffset(), found.time()) == (timedelta(), at)
    assert weekday is None or found.weekday() == weekday
    assert cadence.next_after(found) == found + step


def test_steps_are_counted_from_monday_midnight() -> None:
    now = datetime(2026, 11, 25, 13, 7, tzinfo=UTC)  # a Wednesday
    assert Cadence(every_minutes=15).next_after(now) == datetime(2026, 11, 25, 13, 15, tzinfo=UTC)
    assert Cadence(every_minutes=10_080).next_after(now) == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("values", [(None, None, None), (5, time(2), None), (0, None, None), (5, None, 1)])
def test_no_rhythm_or_two_are_refused(values: tuple) -> None:
    with pytest.raises(ValueError, match=r"minutes|Minutes"):
        Cadence(*values)
