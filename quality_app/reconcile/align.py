"""Which rows of two series belong together in time.

First rows of exactly equal times, the first with the first where times repeat. Then, within the tolerance, mutual
nearest neighbours: two rows that have none nearer than each other, the earlier one where two are equally near; this is
repeated ROUNDS times among those left over. So a match is one-to-one, does not depend on which series is called left,
and depends on rows within `reach_ns` alone: a long series can be matched piece by piece, with that much around each.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

ROUNDS: Final = 3
ABSENT: Final = -1


def reach_ns(tolerance_ns: int) -> int:
    """Return how far around a row other rows can change its match.

    A row's neighbour is within one tolerance, what may be nearer to that one within two; each round adds as much.
    """
    return 2 * ROUNDS * tolerance_ns


def match(left: Int64s, right: Int64s, tolerance_ns: int) -> tuple[Int64s, Int64s]:
    """Return positions in two series of times (ns, not decreasing) that belong together, ordered by the left one."""
    at = np.searchsorted(right, left) + _occurrence(left)
    inside = at < len(right)
    same = inside.copy()
    same[inside] = right[at[inside]] == left[inside]
    lefts, rights = [np.flatnonzero(same)], [at[same]]
    if tolerance_ns > 0:
        free_left = np.flatnonzero(~same)
        taken = np.zeros(len(right), bool)
        taken[rights[0]] = True
        free_right = np.flatnonzero(~taken)
        for _ in range(ROUNDS):
            one, other = _mutual(left[free_left], right[free_right], tolerance_ns)
            if not len(one):
                break
            lefts.append(free_left[one])
            rights.append(free_right[other])
            free_left, free_right = np.delete(free_left, one), np.delete(free_right, other)
    matched_left, matched_right = np.concatenate(lefts), np.concatenate(rights)
    order = np.argsort(matched_left, kind="stable")
    return matched_left[order], matched_right[order]


def moments(series: list[Int64s], tolerance_ns: int) -> tuple[Int64s, Int64s]:
    """Line several series up on one timeline.

    The times of the first series come first; each further series is matched with the timeline so far, and its rows
    without a match are put into it.

    Returns:
        The times, and for each series (row) and time (column) the position in the series, or ABSENT.

    """
    times = series[0]
    members = np.arange(len(times), dtype=np.int64)[np.newaxis, :]
    for more in series[1:]:
        here, there = match(times, more, tolerance_ns)
        column = np.full(len(times), ABSENT, np.int64)
        column[here] = there
        alone = np.delete(np.arange(len(more), dtype=np.int64), there)
        empty = np.full((len(members), len(alone)), ABSENT, np.int64)
        times = np.concatenate([times, more[alone]])
        members = np.vstack([np.hstack([members, empty]), np.concatenate([column, alone])])
        order = np.argsort(times, kind="stable")
        times, members = times[order], members[:, order]
    return times, members


def moments_reach_ns(tolerance_ns: int, count: int) -> int:
    """Return how far around a moment rows of `count` series can change it."""
    return reach_ns(tolerance_ns) * max(count - 1, 1)


def _occurrence(times: Int64s) -> Int64s:
    """Number rows of the same time 0, 1, 2 …"""
    if len(times) < 2 or bool((times[1:] != times[:-1]).all()):
        return np.zeros(len(times), np.int64)
    return np.arange(len(times)) - np.searchsorted(times, times)


def _mutual(left: Int64s, right: Int64s, tolerance_ns: int) -> tuple[Int64s, Int64s]:
    if not len(left) or not len(right):
        return np.array([], np.int64), np.array([], np.int64)
    to_right, to_left = _nearest(left, right), _nearest(right, left)
    own = np.arange(len(left))
    mutual = (to_left[to_right] == own) & (np.abs(right[to_right] - left) <= tolerance_ns)
    return own[mutual], to_right[mutual]


def _nearest(times: Int64s, others: Int64s) -> Int64s:
    """Return the position of the nearest of `others` for each time; of equally near ones the earliest."""
    after = np.searchsorted(others, times)
    last = np.maximum(after - 1, 0)
    # The first of those that share the time before.
    before = np.searchsorted(others, others[last])
    after = np.minimum(after, len(others) - 1)
    nearer = np.abs(times - others[before]) <= np.abs(others[after] - times)
    return np.where(nearer, before, after)
