"""Counting: histograms, stretches, votes and lags."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.reconcile.histogram import Histogram
from quality_app.reconcile.lag import LagTally, lag_search, signs_of
from quality_app.reconcile.stretches import Stretch, Stretches
from quality_app.reconcile.votes import Hysteresis, VoteTally
from quality_app.tests.reconcile.shapes import MINUTE, TICK, TIMES, series, terms, walk


@given(st.lists(st.integers(-(2**52), 2**52), min_size=1), st.sampled_from([0.0, 0.25, 0.5, 0.99, 1.0]))
def test_quantiles_are_near_and_exact_where_small(values: list[int], share: float) -> None:
    histogram = Histogram()
    for part in (values[::2], values[1::2]):
        histogram.add(np.array(part, np.int64))
    exact = sorted(values)[max(int(np.ceil(share * len(values))), 1) - 1]
    found = histogram.quantile(share)
    assert found is not None
    assert abs(found - exact) <= abs(exact) / 1024
    if abs(exact) < 2048:
        assert found == exact
    assert (histogram.total, histogram.largest) == (len(values), max(map(abs, values)))


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().bars(9) == []


@given(st.lists(st.booleans(), max_size=40), st.lists(st.integers(0, 40), max_size=4), st.integers(1, 4))
def test_stretches_do_not_depend_on_how_they_are_fed(marks: list[bool], cuts: list[int], keep: int) -> None:
    times, marked = np.arange(len(marks), dtype=np.int64), np.array(marks, bool)
    figures = (times * 7) % 5
    fed = Stretches(keep)
    for part in np.split(times, sorted(min(cut, len(marks)) for cut in cuts)):
        fed.feed(part, marked[part], figures[part])
    expected: list[Stretch] = []
    for at in np.flatnonzero(marked).tolist():
        if expected and expected[-1].end_ns == at - 1:
            last = expected.pop()
            expected.append(Stretch(last.start_ns, at, last.rows + 1, max(last.peak, int(figures[at]))))
        else:
            expected.append(Stretch(at, at, 1, int(figures[at])))
    largest = sorted(expected, key=lambda stretch: (-stretch.rows, stretch.start_ns))[:keep]
    assert fed.finish() == sorted(largest, key=lambda stretch: stretch.start_ns)
    assert (fed.count, fed.rows) == (len(expected), sum(marks))


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=60),
    st.lists(st.integers(0, 60), max_size=3),
    st.booleans(),
)
def test_a_source_is_excluded_beyond_the_bound_and_comes_back_within_half_of_it(
    steps: list[tuple[int, int]], cuts: list[int], before: bool
) -> None:
    deviation, bound = (np.array([step[at] for step in steps], float) for at in (0, 1))
    machine = Hysteresis(before)
    parts = np.split(np.arange(len(steps)), sorted(min(cut, len(steps)) for cut in cuts))
    found = np.concatenate([machine.feed(deviation[part], bound[part]) for part in parts]).tolist()
    state, expected = before, []
    for one, limit in steps:
        if one > limit:
            state = True
        elif one < limit / 2:
            state = False
        expected.append(state)
    assert found == expected
    assert machine.excluded == state


def test_between_the_half_and_the_whole_bound_nothing_changes() -> None:
    machine = Hysteresis()
    states = machine.feed(np.array([9.0, 11.0, 10.0, 5.0, 4.0, 9.0]), np.full(6, 10.0))
    assert states.tolist() == [False, True, True, True, False, False]


def test_the_odd_one_out_of_three_is_voted_out_and_only_it() -> None:
    prices = walk(len(TIMES))
    wrong = prices.copy()
    wrong[500:520] += 20 * TICK
    frames = [series(TIMES, prices), series(TIMES, prices + 2 * TICK), series(TIMES, wrong)]
    measures = terms(frames)
    tally = VoteTally(measures)
    tally.feed(frames, whole(measures))
    found = tally.to_json()
    assert found["decided"] == len(TIMES)
    assert [voter["outliers"] for voter in found["sources"]] == [0, 0, 20]
    (exclusion,) = found["sources"][2]["kept"]
    assert exclusion == {"startNs": str(TIMES[500]), "endNs": str(TIMES[519]), "rows": 20, "peak": 18 * TICK}
    assert not found["sources"][2]["isExcluded"]


def test_sources_that_differ_among_themselves_convict_nobody() -> None:
    prices = walk(len(TIMES))
    frames = [series(TIMES, prices + shift * TICK) for shift in (0, 6, 20)]
    tally = VoteTally(terms(frames))
    tally.feed(frames, whole(terms(frames)))
    assert [voter["outliers"] for voter in tally.to_json()["sources"]] == [0, 0, 0]


def test_two_sources_hold_no_vote() -> None:
    prices = walk(len(TIMES))
    frames = [series(TIMES, prices), series(TIMES, prices), series(TIMES[:100], prices[:100] + 50 * TICK)]
    tally = VoteTally(terms(frames))
    tally.feed(frames, whole(terms(frames)))
    assert (tally.moments, tally.decided) == (1200, 100)


def test_votes_are_exact_at_the_bound() -> None:
    prices = walk(len(TIMES))
    for ticks, outliers in ((3, 0), (4, len(TIMES))):
        frames = [series(TIMES, prices), series(TIMES, prices), series(TIMES, prices + ticks * TICK)]
        tally = VoteTally(terms(frames, vote_ticks=Decimal(3)))
        tally.feed(frames, whole(terms(frames)))
        assert tally.to_json()["sources"][2]["outliers"] == outliers


@pytest.mark.parametrize("lag", [-60, -3, 0, 1, 60])
def test_a_lag_is_found_also_of_a_wrong_time_zone(lag: int) -> None:
    prices = walk(len(TIMES))
    tally = LagTally(lag_search(MINUTE, 0, hours=True))
    left, right = (signs_of(series(times, prices), tally.search) for times in (TIMES, TIMES + lag * MINUTE))
    tally.feed(left, right, 10**6)
    found = tally.verdict()
    assert (found["lagNs"], found["reason"]) == (str(lag * MINUTE), "")
    assert found["correlation"] == 1


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        (walk(1200), walk(1200, seed=2), "do not go together"),
        (walk(50), walk(50), "Fewer than"),
        (1000 + TICK * (np.arange(1200) % 2), 1000 + TICK * (np.arange(1200) % 2), "equally well"),
    ],
)
def test_a_lag_that_cannot_be_told_says_why(left: np.ndarray, right: np.ndarray, reason: str) -> None:
    tally = LagTally(lag_search(MINUTE, 0, hours=False))
    one, other = (signs_of(series(TIMES[: len(side)], side), tally.search) for side in (left, right))
    tally.feed(one, other, 10**6)
    assert tally.verdict()["lagNs"] is None
    assert reason in tally.verdict()["reason"]


def whole(measures):
    from quality_app.reconcile.terms import Piece

    return Piece(measures.start_ns, measures.end_ns)
