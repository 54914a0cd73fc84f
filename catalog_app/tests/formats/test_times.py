"""Times to nanoseconds UTC, exactly, in every zone."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.formats.delimited.times import explain_times, parse_times

JANUARY_2 = 1_704_153_600 * 10**9


def one(text: str, time_format: str = "iso", zone: str = "UTC") -> int | None:
    return parse_times(pl.Series([text]), time_format, zone).item()


def why(text: str, time_format: str = "iso", zone: str = "UTC") -> str:
    return explain_times(pl.Series([text]), time_format, zone).item()


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2024-01-02", 0),
        ("2024-01-02 00:00", 0),
        ("2024-01-02T00:00:00", 0),
        ("2024-01-02T00:00:00Z", 0),
        ("2024-01-02 00:00:00 UTC", 0),
        ("2024-01-02 00:00:00.5", 500_000_000),
        ("2024-01-02 00:00:00,5", 500_000_000),
        ("2024-01-02T00:00:00.123456789Z", 123_456_789),
        ("2024-01-02 00:00:00.000001+00:00", 1_000),
        ("2024-01-02T01:30:00+01:30", 0),
        ("2024-01-01T19:00:00-0500", 0),
        ("2024-01-01T19:00-05", 0),
    ],
)
def test_iso(text: str, ns: int) -> None:
    assert one(text) == JANUARY_2 + ns


@pytest.mark.parametrize(
    "text", ["", "2024", "2024-01-02 25:00:00", "2024-13-01", "2024-01-02 00:00:00.", "2024-01-02 00:00:00.1234567891",
             "2024-01-02 00:00:00.5e3", "2024-01-02 00:00:00 CET", "02-01-2024", "1704153600"],
)  # fmt: skip
def test_what_is_not_iso_has_no_time(text: str) -> None:
    assert one(text) is None


@pytest.mark.parametrize(
    ("text", "form", "ns"),
    [
        ("1704153600", "epoch_s", 0),
        ("1704153600.123456789", "epoch_s", 123_456_789),
        ("1704153600001", "epoch_ms", 1_000_000),
        ("1704153600000.5", "epoch_ms", 500_000),
        ("1704153600000001", "epoch_us", 1_000),
        ("1704153600000000001", "epoch_ns", 1),
        ("20240102 000000065", "%Y%m%d %H%M%S%3f", 65_000_000),
        ("20240102 00:00:00.123456789", "%Y%m%d %H:%M:%S%.f", 123_456_789),
        ("20240102", "%Y%m%d", 0),
        ("02/01/2024 00:00", "%d/%m/%Y %H:%M", 0),
        ("2024-01-02 01:00 +0100", "%Y-%m-%d %H:%M %z", 0),
    ],
)
def test_other_forms(text: str, form: str, ns: int) -> None:
    assert one(text, form) == JANUARY_2 + ns


@pytest.mark.parametrize(
    ("text", "form"),
    [("1704153600.1234567891", "epoch_s"), ("1e3x", "epoch_s"), ("-1", "epoch_s"), ("9999999999999999999", "epoch_ns")],
)
def test_epochs_that_cannot_be_kept_have_no_time(text: str, form: str) -> None:
    assert one(text, form) is None


def test_an_offset_in_the_text_wins_over_the_chosen_zone() -> None:
    assert one("2024-01-02T00:00:00Z", zone="America/New_York") == JANUARY_2
    mixed = parse_times(pl.Series(["2024-01-02T00:00:00Z", "2024-01-02 00:00:00"]), "iso", "America/New_York")
    assert mixed.to_list() == [JANUARY_2, JANUARY_2 + 5 * 3_600 * 10**9]


def test_a_fixed_offset_knows_no_daylight_saving() -> None:
    for month in (1, 7):
        expected = datetime(2024, month, 2, tzinfo=timezone(timedelta(hours=-5)))
        assert one(f"2024-{month:02}-02 00:00:00", zone="UTC-05:00") == int(expected.timestamp()) * 10**9


def test_clock_changes_are_refused_with_their_reason() -> None:
    assert one("2024-10-27 01:30:00", zone="Europe/London") is None
    assert "occurs twice in Europe/London" in why("2024-10-27 01:30:00", zone="Europe/London")
    assert one("2024-03-31 01:30:00", zone="Europe/London") is None
    assert "does not exist in Europe/London" in why("2024-03-31 01:30:00", zone="Europe/London")
    assert one("2024-07-01 01:30:00", zone="Europe/London") == 1_719_793_800 * 10**9


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_years_out_of_range_are_refused_not_wrapped(zone: str) -> None:
    for text in ("1020-01-02 00:00:00", "1969-12-30 00:00:00", "2263-01-01 00:00:00", "9999-12-31 23:59:59"):
        assert one(text, zone=zone) is None
        assert "outside 1970 to 2262" in why(text, zone=zone)


@settings(max_examples=200, deadline=None)
@given(
    moments=st.lists(
        st.tuples(
            st.integers(0, 9_223_372_035), st.integers(0, 999_999_999), st.sampled_from(["T", " "]), st.integers(0, 9)
        ),
        min_size=1,
        max_size=10,
    ),
    offset=st.sampled_from(["", "Z", "+00:00", "+0530", "-05:00"]),
)
def test_iso_texts_of_any_precision_give_back_their_ns(moments: list[tuple[int, int, str, int]], offset: str) -> None:
    shift = {"": 0, "Z": 0, "+00:00": 0, "+0530": 19_800, "-05:00": -18_000}[offset]
    texts, expected = [], []
    for seconds, nanos, separator, digits in moments:
        kept = nanos // 10 ** (9 - digits)
        local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds + shift)
        texts.append(f"{local:%Y-%m-%d}{separator}{local:%H:%M:%S}{f'.{kept:0{digits}}' if digits else ''}{offset}")
        expected.append(seconds * 10**9 + kept * 10 ** (9 - digits))
    assert parse_times(pl.Series(texts), "iso", "UTC").to_list() == expected


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["America/New_York", "Asia/Tokyo"]))
def test_local_times_agree_with_the_standard_library_or_are_refused(local: datetime, zone: str) -> None:
    local = local.replace(microsecond=0)
    folds = {local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    found = one(f"{local:%Y-%m-%d %H:%M:%S}", zone=zone)
    if len(folds) == 1:
        assert found == int(folds.pop().timestamp()) * 10**9
    else:
        assert found is None
