"""Matching rows by time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quality_app.reconcile.align import ABSENT, match, moments, moments_reach_ns, reach_ns

TIMES = st.lists(st.integers(0, 60), max_size=40).map(lambda values: np.array(sorted(values), np.int64))
TOLERANCE = st.integers(0, 6)


def pairs(left: list[int], right: list[int], tolerance: int) -> list[tuple[int, int]]:
    one, other = match(np.array(left, np.int64), np.array(right, np.int64), tolerance)
    return list(zip(one.tolist(), other.tolist(), strict=True))


def test_equal_times_come_before_near_ones() -> None:
    assert pairs([10, 11], [11, 20], 5) == [(1, 0)]
    assert pairs([10, 20, 30], [10, 30], 0) == [(0, 0), (2, 1)]


def test_repeated_times_match_first_with_first() -> None:
    assert pairs([5, 5, 5], [5, 5], 0) == [(0, 0), (1, 1)]
    assert pairs([5, 5], [6, 6], 1) == [(0, 0), (1, 1)]


def test_the_tolerance_is_inclusive_and_nothing_matches_beyond_it() -> None:
    assert pairs([10], [13], 3) == [(0, 0)]
    assert pairs([10], [13], 2) == []
    assert pairs([], [13], 2) == []


def test_of_two_equally_near_the_earlier_is_taken() -> None:
    assert pairs([10], [8, 12], 5) == [(0, 0)]
    # What lost its nearest finds another.
    assert pairs([0, 2], [1, 3], 1) == [(0, 0), (1, 1)]


@given(TIMES, TIMES, TOLERANCE)
def test_a_match_is_one_to_one_within_tolerance_and_symmetric(
    left: np.ndarray, right: np.ndarray, tolerance: int
) -> None:
    one, other = match(left, right, tolerance)
    assert len(set(one.tolist())) == len(one)
    assert len(set(other.tolist())) == len(other)
    assert (np.abs(left[one] - right[other]) <= tolerance).all()
    back, forth = match(right, left, tolerance)
    assert set(zip(one.tolist(), other.tolist(), strict=True)) == set(zip(forth.tolist(), back.tolist(), strict=True))


@given(TIMES, TIMES, TOLERANCE, st.integers(0, 60))
def test_pieces_with_their_reach_match_as_the_whole(
    left: np.ndarray, right: np.ndarray, tolerance: int, cut: int
) -> None:
    whole = set(zip(*(side.tolist() for side in match(left, right, tolerance)), strict=True))
    found = set()
    for after, until in ((-1, cut), (cut, 60)):
        near = reach_ns(tolerance)
        rows = [np.flatnonzero((side > after - near) & (side <= until + near)) for side in (left, right)]
        for one, other in zip(*match(left[rows[0]], right[rows[1]], tolerance), strict=True):
            if after < left[rows[0]][one] <= until:
                found.add((int(rows[0][one]), int(rows[1][other])))
    assert found == whole


@given(st.lists(TIMES, min_size=2, max_size=4), TOLERANCE)
def test_every_row_is_in_exactly_one_moment(series: list[np.ndarray], tolerance: int) -> None:
    times, members = moments(series, tolerance)
    assert (np.diff(times) >= 0).all()
    for rows, own in zip(members, series, strict=True):
        here = rows != ABSENT
        assert sorted(rows[here].tolist()) == list(range(len(own)))
        assert (np.abs(times[here] - own[rows[here]]) <= tolerance).all()


@given(st.lists(TIMES, min_size=3, max_size=3), TOLERANCE, st.integers(0, 60))
def test_moments_of_pieces_are_those_of_the_whole(series: list[np.ndarray], tolerance: int, cut: int) -> None:
    def named(rows: list[np.ndarray], after: int, until: int) -> list[tuple[int, ...]]:
        times, members = moments([own[at] for own, at in zip(series, rows, strict=True)], tolerance)
        wanted = (times > after) & (times <= until)
        places = [
            np.where(line == ABSENT, ABSENT, np.append(at, 0)[line]) for line, at in zip(members, rows, strict=True)
        ]
        return sorted(map(tuple, np.array(places)[:, wanted].T.tolist()))

    reach = moments_reach_ns(tolerance, len(series))
    cut_up = []
    for after, until in ((-1, cut), (cut, 60)):
        near = [np.flatnonzero((own > after - reach) & (own <= until + reach)) for own in series]
        cut_up += named(near, after, until)
    assert sorted(cut_up) == named([np.arange(len(own)) for own in series], -1, 60)
