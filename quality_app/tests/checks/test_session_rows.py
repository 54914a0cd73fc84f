"""Rows outside trading hours, as ticks and bars are stamped."""

from dataclasses import replace

import polars as pl
import pytest

from quality_app.checks.session_rows import EXTENDED, OUTSIDE
from quality_app.tests.checks.seasonal_data import HOUR_NS, marked, profile
from quality_app.tests.frames import MINUTE_NS, START_NS, context, frame_of, rows_of

SECOND_NS = 1_000_000_000
# 09:30 to 16:00, two days in a row.
DAYS = pl.DataFrame(
    {
        "open_ns": [START_NS + n * 24 * HOUR_NS + 570 * MINUTE_NS for n in range(2)],
        "close_ns": [START_NS + n * 24 * HOUR_NS + 960 * MINUTE_NS for n in range(2)],
    }
)
# Sunday evening to Friday evening.
WEEK = pl.DataFrame({"open_ns": [START_NS], "close_ns": [START_NS + 120 * HOUR_NS]})
OPEN, CLOSE = 570 * 60, 960 * 60


def rows(data_type: str, seconds: list[int]) -> pl.DataFrame:
    frame = frame_of(data_type, rows_of(data_type, len(seconds)))
    return frame.with_columns(ts_event=pl.Series([START_NS + second * SECOND_NS for second in seconds], dtype=pl.Int64))


def places(frame: pl.DataFrame, known: object) -> list[str]:
    outside, extended = marked(OUTSIDE, frame, known), marked(EXTENDED, frame, known)  # type: ignore[arg-type]
    assert not set(outside) & set(extended)
    return ["outside" if n in outside else "extended" if n in extended else "in" for n in range(len(frame))]


@pytest.mark.parametrize("backwards", [False, True])
def test_ticks_before_and_after_a_day_session_are_extended_hours_and_others_outside(backwards: bool) -> None:
    seconds = [3 * 3600, 4 * 3600, OPEN - 2, OPEN - 1, OPEN, CLOSE, CLOSE + 1, 20 * 3600 - 1, 20 * 3600]
    expected = ["outside", "extended", "extended", "in", "in", "in", "extended", "extended", "outside"]
    order = slice(None, None, -1 if backwards else 1)
    assert places(rows("trade", seconds[order]), context("trade", sessions=DAYS)) == expected[order]


def test_markets_that_are_open_all_day_have_no_extended_hours() -> None:
    known = context("trade", sessions=WEEK)
    assert places(rows("trade", [-60, 0, 120 * 3600 + 60]), known) == ["outside", "in", "outside"]


def test_a_bar_stamped_at_the_close_belongs_to_the_session() -> None:
    seconds = [0, 60, 120 * 3600, 120 * 3600 + 60]
    assert places(rows("bar", seconds), context("bar", sessions=WEEK)) == ["outside", "in", "in", "outside"]


def test_a_bar_stamped_at_the_open_belongs_to_the_session() -> None:
    at_open = context("bar", sessions=WEEK, profile=profile({"event_stamp": "open"}))
    seconds = [-60, 0, 120 * 3600 - 60, 120 * 3600]
    assert places(rows("bar", seconds), at_open) == ["outside", "in", "in", "outside"]


def test_a_bar_that_overlaps_an_early_close_belongs_to_the_session() -> None:
    early = pl.DataFrame({"open_ns": [START_NS], "close_ns": [START_NS + 18 * HOUR_NS + HOUR_NS // 2]})
    hours = context("bar", sessions=early, interval_ns=HOUR_NS)
    assert places(rows("bar", [18 * 3600, 19 * 3600, 20 * 3600]), hours) == ["in", "in", "outside"]


def test_flat_bars_of_a_weekend_are_outside() -> None:
    """As Dukascopy fills closed hours."""
    seconds = list(range(120 * 3600 - 300, 121 * 3600, 60))
    assert places(rows("bar", seconds), context("bar", sessions=WEEK)).count("outside") == len(seconds) - 6


def test_rules_change_the_extended_hours() -> None:
    known = context("trade", sessions=DAYS)
    none = {"beforeMinutes": 0, "afterMinutes": 0}
    strict = replace(known, values={"session.outside": none, "session.extended": none})
    assert places(rows("trade", [4 * 3600, OPEN]), strict) == ["outside", "in"]


@pytest.mark.parametrize(
    "known",
    [
        context("trade"),
        context("bar", sessions=WEEK, calendar="learned"),
        context("bar", sessions=WEEK, interval_ns=24 * HOUR_NS),
    ],
)
def test_does_not_run_where_hours_are_unknown_learned_or_no_matter(known: object) -> None:
    assert OUTSIDE.obstacle(known)  # type: ignore[arg-type]
    assert EXTENDED.obstacle(known)  # type: ignore[arg-type]
    assert OUTSIDE.obstacle(context("trade", sessions=DAYS)) is None
