"""Bars stamped at the open, without volume, and flat for long."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.bar_habits import FLAT, STAMP, VOLUME
from quality_app.checks.learning import learn_profile
from quality_app.tests.checks.seasonal_data import HOUR_NS, assert_local, marked, profile
from quality_app.tests.frames import MINUTE_NS, START_NS, context, frame_of, raw, rows_of

DAY = pl.DataFrame({"open_ns": [START_NS], "close_ns": [START_NS + 20 * HOUR_NS]})
OPEN_ALL_DAY = context("bar", sessions=DAY)


def bars(closes: list[int], flat: list[bool] | None = None) -> pl.DataFrame:
    """A bar a minute: closes in increments above 1.1, and whether all prices are the close."""
    frame = frame_of("bar", rows_of("bar", len(closes)))
    price = pl.Series([raw("1.1") + close * raw("0.00001") for close in closes], dtype=pl.Int128)
    high = price + pl.Series([raw("0.00001") * (not f) for f in flat or [True] * len(closes)], dtype=pl.Int128)
    return frame.with_columns(price.alias("open"), high.alias("high"), price.alias("low"), price.alias("close"))


def test_thirty_flat_bars_of_one_price_are_a_run_and_twenty_nine_are_not() -> None:
    assert marked(FLAT, bars([0] * 29 + [1] * 30 + [2] * 29), OPEN_ALL_DAY) == list(range(29, 59))


def test_bars_that_move_inside_end_a_run() -> None:
    flat = [True] * 40
    flat[20] = False
    assert marked(FLAT, bars([0] * 40, flat), OPEN_ALL_DAY) == []


def test_flat_bars_in_closed_hours_do_not_count() -> None:
    frame = bars([0] * 80)
    short = DAY.with_columns(close_ns=pl.lit(START_NS + 29 * MINUTE_NS))
    assert marked(FLAT, frame, replace(OPEN_ALL_DAY, sessions=short)) == []
    longer = DAY.with_columns(close_ns=pl.lit(START_NS + 30 * MINUTE_NS))
    assert marked(FLAT, frame, replace(OPEN_ALL_DAY, sessions=longer)) == list(range(30))
    assert FLAT.obstacle(replace(OPEN_ALL_DAY, sessions=None))


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(1, 60))
def test_runs_depend_on_rows_within_reach_alone(seed: int, first: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    closes = np.cumsum(rng.random(60) < 0.2).tolist()
    frame = bars(closes, (rng.random(60) < 0.95).tolist())
    shorter = replace(OPEN_ALL_DAY, values={"bar.flat_run": {"bars": 6}})
    assert_local(FLAT, frame, shorter, first, min(first + count, 60))


def test_prices_that_move_without_volume_are_marked() -> None:
    frame = bars([0, 1, 2, 3], [False, True, False, False])
    volumes = pl.Series([0, 0, raw("1"), None], dtype=pl.Int128)
    known = context("bar", profile=profile({"volume_share": 0.9}))
    assert marked(VOLUME, frame.with_columns(volume=volumes), known) == [0]


@pytest.mark.parametrize(("share", "reason"), [(0.0, "no volume at all"), (None, "No sample")])
def test_bars_whose_vendor_gives_no_volume_are_not_judged(share: float | None, reason: str) -> None:
    assert reason in (VOLUME.obstacle(context("bar", profile=profile({"volume_share": share}))) or "")
    assert "No sample" in (VOLUME.obstacle(context("bar")) or "")


def session_bars(shift_ns: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Three days of six-hour sessions with a bar for each minute, and the sessions."""
    opens = [START_NS + day * 24 * HOUR_NS for day in range(3)]
    times = [start + minute * MINUTE_NS + shift_ns for start in opens for minute in range(1, 361)]
    frame = bars([0] * len(times)).with_columns(pl.Series("ts_init", times), pl.Series("ts_event", times))
    return frame, pl.DataFrame({"open_ns": opens, "close_ns": [start + 6 * HOUR_NS for start in opens]})


def test_bars_that_carry_their_open_are_a_hazard_all_together() -> None:
    for shift, stamp, marks in ((-MINUTE_NS, "open", 1_080), (0, "close", 0)):
        frame, sessions = session_bars(shift)
        known = context("bar", sessions=sessions)
        known = replace(known, profile=learn_profile(frame, known))
        assert known.profile is not None
        assert known.profile.facts["stamp"] == known.profile.facts["event_stamp"] == stamp
        assert len(marked(STAMP, frame, known)) == marks


def test_an_event_time_at_the_open_is_sound_when_the_bar_was_known_at_its_close() -> None:
    frame, sessions = session_bars(0)
    known = context("bar", sessions=sessions)
    frame = frame.with_columns(pl.col("ts_event") - MINUTE_NS)
    facts = learn_profile(frame, known).facts
    assert (facts["stamp"], facts["event_stamp"]) == ("close", "open")


def test_bars_that_show_no_edge_of_a_session_are_not_judged() -> None:
    frame, sessions = session_bars(0)
    for known, rows in (
        (context("bar", sessions=sessions), frame[10:300]),
        (context("bar", sessions=DAY.with_columns(open_ns=pl.lit(0), close_ns=pl.lit(2**62))), frame),
        (context("bar"), frame),
    ):
        learned = replace(known, profile=learn_profile(rows, known))
        assert "edges of sessions" in (STAMP.obstacle(learned) or "")
    assert STAMP.obstacle(context("bar"))
