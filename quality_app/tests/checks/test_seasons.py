"""The hour of the week follows each zone's clock, through every change of its offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quality_app.checks.seasons import hour_of_week

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def expected(ts: int, zone: str) -> int:
    local = (EPOCH + timedelta(seconds=ts // 1_000_000_000)).astimezone(ZoneInfo(zone))
    return local.weekday() * 24 + local.hour


@settings(max_examples=40)
@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 4_100_000_000).map(lambda s: s * 1_000_000_000 + s % 999_999_999), max_size=30),
)
@example("UTC", [-(2**63), -1, 0, 2**63 - 1])
@example("America/New_York", [-(2**63), -1, 0, 2**63 - 1])
def test_agrees_with_the_zone_database(zone: str, times: list[int]) -> None:
    hours = hour_of_week(pl.Series("ts_event", times, dtype=pl.Int64), zone)
    assert hours.dtype == pl.Int16
    assert hours.to_list() == [expected(ts, zone) for ts in times]


@pytest.mark.parametrize("zone", ZONES)
def test_changes_in_the_very_second_in_which_the_clock_is_set(zone: str) -> None:
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    times = [s * 1_000_000_000 + edge for s in range(start, start + 366 * 86_400, 900) for edge in (-1, 0)]
    assert hour_of_week(pl.Series(times), zone).to_list() == [expected(ts, zone) for ts in times]


@given(st.sampled_from(ZONES), st.integers(0, 4_100_000_000), st.integers(1, 1_800), st.integers(1, 200))
@example("America/New_York", 1_710_053_000, 600, 100)
@example("Australia/Lord_Howe", 1_712_415_000, 600, 100)
def test_ordered_times_get_the_same_hours_as_shuffled_ones(zone: str, start: int, step: int, count: int) -> None:
    times = pl.Series([(start + n * step) * 1_000_000_000 for n in range(count)])
    assert hour_of_week(times, zone).to_list() == [expected(ts, zone) for ts in times]


def test_an_unknown_time_has_no_hour() -> None:
    hours = hour_of_week(pl.Series([0, None]), "UTC")
    assert hours.to_list() == [72, None]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        hour_of_week(pl.Series([0]), "Mars/Olympus")
