"""`make truth`, gaps: holes are where they are said to be, detectors are counted rightly, and the desk finds holes."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from benchmarks.truth.gaps import judging
from benchmarks.truth.gaps.bar_holes import BarGround
from benchmarks.truth.gaps.data import generated_series
from benchmarks.truth.gaps.holes import Round, rounds
from benchmarks.truth.gaps.judging import DESK, Verdicts, ground_of, judge_gaps
from benchmarks.truth.gaps.naive import NAIVE
from benchmarks.truth.gaps.report import document, missed_targets, table
from benchmarks.truth.gaps.series import MINUTE_NS, Int64s, Series

BARS = ("every minute, 24/7", "thin future", "Hong Kong share")
ROUND_THE_CLOCK, _, LUNCH = BARS
TICKS = "FX quotes"


@cache
def all_series() -> dict[str, Series]:
    return {one.name.removeprefix("generated: "): one for one in generated_series()}


def all_rounds(series: Series, count: int) -> list[Round]:
    return list(rounds(series, ground_of(series), count, seed=7))


@pytest.mark.parametrize("name", BARS)
def test_the_ends_of_holes_in_bars_are_the_first_and_the_last_close_without_a_bar(name: str) -> None:
    series = all_series()[name]
    ground = ground_of(series)
    assert isinstance(ground, BarGround)
    found = all_rounds(series, 120)

    assert sum(len(one.holes.start_ns) for one in found) == 120
    for one in found:
        absent = ~np.isin(ground.closes, one.times)
        first = np.searchsorted(ground.closes, one.holes.start_ns)
        last = np.searchsorted(ground.closes, one.holes.end_ns)
        for low, high, missing in zip(first, last, one.holes.missing, strict=True):
            assert absent[low : high + 1].all()
            assert high - low + 1 == missing
            assert low == 0 or not absent[low - 1]
            assert high == len(absent) - 1 or not absent[high + 1]
        assert (last[:-1] + 1 < first[1:]).all()
        assert len(one.times) > 0.7 * len(series.times)


def test_the_ends_of_holes_in_ticks_are_the_rows_on_both_sides() -> None:
    series = all_series()[TICKS]
    for one in all_rounds(series, 120):
        after = np.searchsorted(one.times, one.holes.start_ns, side="right")
        assert np.array_equal(one.times[after - 1], one.holes.start_ns)
        assert np.array_equal(one.times[after], one.holes.end_ns)
        lost = np.searchsorted(series.times, one.holes.end_ns) - np.searchsorted(series.times, one.holes.start_ns) - 1
        assert np.array_equal(lost, one.holes.missing)


def test_holes_are_of_every_length_and_kind() -> None:
    found = all_rounds(all_series()[LUNCH], 400)
    missing = np.concatenate([one.holes.missing for one in found])
    assert {1, 2, 3} <= set(missing.tolist())
    assert missing.max() > 600
    kinds = {kind for one in found for kind in one.holes.kinds}
    assert kinds >= {
        "anywhere", "after an open", "before a close", "across closed hours", "clock change", "file's start",
        "file's end", "where files meet", "first bars", "last bars",
    }  # fmt: skip
    assert {one.wanted is None for one in found} == {True, False}


def test_files_hold_all_rows_between_them() -> None:
    series = all_series()[LUNCH]
    parts = list(series.files(series.times))
    assert len(parts) == 10
    assert np.array_equal(np.concatenate(parts), series.times)


def told(holes: list[tuple[int, int, int]], cause: str = "unexplained") -> pl.DataFrame:
    columns = {"start_ns": pl.Int64, "end_ns": pl.Int64, "missing": pl.Int64}
    return pl.DataFrame(holes, columns, orient="row").with_columns(cause=pl.lit(cause))


def judged_with(monkeypatch: pytest.MonkeyPatch, cause: str, shift_ns: int = 0) -> Verdicts:
    """What is counted of a detector that knows the holes of the clock's bars, and tells them in its way."""
    series = all_series()[ROUND_THE_CLOCK]
    closes = series.times

    def find(_: Series, times: Int64s, wanted: object = None) -> pl.DataFrame:
        absent = np.append(np.append(False, ~np.isin(closes, times)), False)
        first, stop = (
            np.flatnonzero(np.diff(absent.astype(int)) == 1),
            np.flatnonzero(np.diff(absent.astype(int)) == -1),
        )
        ends = zip(closes[first], closes[stop - 1] + shift_ns, stop - first, strict=True)
        return told([(int(start), int(end), int(missing)) for start, end, missing in ends], cause)

    monkeypatch.setattr(judging, "find", find)
    return next(one for one in judge_gaps(series, 50) if one.detector == DESK)


def test_a_detector_that_finds_every_hole_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged_with(monkeypatch, "unexplained")
    assert (found.all.holes, found.all.recall, found.all.precision) == (50, 1.0, 1.0)
    assert (found.must.recall, found.must.precision) == (1.0, 1.0)
    assert missed_targets([found]) == []


def test_what_must_be_found_may_not_pass_for_quiet_trading(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged_with(monkeypatch, "illiquid")
    assert found.must.recall == 0.0
    assert found.all.found == found.all.holes - found.must.holes
    assert found.cases[0].what == "missed, called quiet"


def test_bounds_that_are_a_minute_off_are_a_miss_and_a_false_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged_with(monkeypatch, "unexplained", MINUTE_NS)
    assert (found.all.recall, found.all.precision) == (0.0, 0.0)
    assert found.all.wrong == 50
    assert any("recall of what must be found 0.0000 is below 0.999" in text for text in missed_targets([found]))


def test_naive_detectors_take_closed_hours_for_holes_and_miss_short_ones() -> None:
    series = all_series()[LUNCH]
    found = {one.detector: one for one in judge_gaps(series, 40)}
    assert set(found) == {DESK, *NAIVE}
    days = series.hours.filter(pl.col("open_ns") > series.times[0]).height
    assert found["every step"].closed > 0.8 * days
    assert found["5 minutes"].all.recall is not None
    assert found["5 minutes"].all.recall < 0.9
    assert found[DESK].closed == 0


def test_the_desk_finds_holes_and_nothing_else() -> None:
    bars = [one for name in (ROUND_THE_CLOCK, LUNCH) for one in judge_gaps(all_series()[name], 150)]
    assert missed_targets(bars) == []
    # Waits of ten expected ones come by themselves in so many rows: docs/benchmarks.md says how many are told.
    ticks = judge_gaps(all_series()[TICKS], 150)
    found = next(one for one in ticks if one.detector == DESK)
    assert found.closed == 0
    assert found.must.precision == 1
    assert found.must.recall is not None
    assert found.must.recall > 0.8
    verdicts = [*bars, *ticks]
    printed = table(verdicts)
    assert "generated: FX quotes" in printed
    assert {one["detector"] for one in document(verdicts)} == {DESK, *NAIVE}
