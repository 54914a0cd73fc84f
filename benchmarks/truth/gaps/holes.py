"""Holes: what is taken away in one round, and what is true of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from benchmarks.truth.gaps.series import Flags, Int64s, Series

# So much of a file may be missing in a round: with more, nobody could tell what is usual.
MOST_LOST: Final = 0.2
# After so many tries in a row that touch another hole, the round is full.
_TRIES: Final = 50
# Rounds that put no hole in before a file is taken for too small.
_EMPTY_ROUNDS: Final = 20

Random = np.random.Generator
# First and last place of a hole.
Pick = Callable[[Random], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Holes:
    """Holes of one round, in order; arrays have an entry for each.

    start_ns, end_ns: bars: first and last missing close; ticks: the rows on both sides. missing: bars, or rows that
    are lost. must: those that the strict target is for: 3 bars or more in liquid hours; 10 times the expected wait.
    """

    start_ns: Int64s
    end_ns: Int64s
    missing: Int64s
    must: Flags
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """A file with holes: the rows that are left, and the range that was wanted, if any."""

    times: Int64s
    holes: Holes
    wanted: tuple[int, int] | None = None


class Taken(NamedTuple):
    """Places that are taken away, first and last, all that are missing with them, and the kind of site."""

    first: int
    last: int
    low: int
    high: int
    kind: str


class Ground(Protocol):
    """Where holes of a series may be: places are numbered."""

    @property
    def places(self) -> int:
        """How many there are."""
        ...

    @property
    def most(self) -> int:
        """So many holes a round at most."""
        ...

    def picks(self, *, ends: bool) -> dict[str, Pick]:
        """Ways to choose a hole; `ends`: also those that take the first or the last row."""
        ...

    def widen(self, first: int, last: int, *, ends: bool) -> tuple[int, int] | None:
        """Return all places that are missing with these, None where nothing would be, or an end that must not be."""
        ...

    def damage(self, taken: list[Taken]) -> tuple[Int64s, Holes]:
        """Take holes away: what is left of the rows, and what is true of the holes."""
        ...


def rounds(series: Series, ground: Ground, count: int, seed: int) -> Iterator[Round]:
    """Yield rounds until so many holes were put in, or the file has room for none; every other one wants a range."""
    random, empty, number = np.random.default_rng(seed), 0, 0
    while count > 0 and empty < _EMPTY_ROUNDS:
        wanted = number % 2 == 1
        taken = _choose(ground, random, count, ends=wanted)
        number, empty = number + 1, empty + 1 if not taken else 0
        if taken:
            left, holes = ground.damage(taken)
            count -= len(taken)
            yield Round(left, holes, (int(series.times[0]), int(series.times[-1])) if wanted else None)


def _choose(ground: Ground, random: Random, count: int, *, ends: bool) -> list[Taken]:
    picks, places = list(ground.picks(ends=ends).items()), ground.places
    blocked, lost, failed = np.zeros(places + 2, np.bool_), 0, 0
    taken: list[Taken] = []
    while len(taken) < min(count, ground.most) and failed < _TRIES:
        kind, pick = picks[int(random.integers(len(picks)))]
        first, last = pick(random)
        first, last = max(first, 0), min(last, places - 1)
        wide = ground.widen(first, last, ends=ends)
        failed += 1
        if wide is None or lost + wide[1] - wide[0] + 1 > max(MOST_LOST * places, 1):
            continue
        # Blocked places are one further on: those on both sides of a hole must stay.
        around = slice(wide[0], wide[1] + 3)
        if not blocked[around].any():
            blocked[around], failed = True, 0
            lost += wide[1] - wide[0] + 1
            taken.append(Taken(first, last, *wide, kind))
    return sorted(taken)


def spread(random: Random, least: float, most: float) -> float:
    """A number whose logarithm is uniform: as many short holes as long ones."""
    return float(np.exp(random.uniform(np.log(least), np.log(most))))


def without(times: Int64s, starts: Int64s, stops: Int64s) -> Int64s:
    """Return the rows that lie in none of some ranges of rows."""
    change = np.zeros(len(times) + 1, np.int64)
    np.add.at(change, starts, 1)
    np.add.at(change, stops, -1)
    left: Int64s = times[np.cumsum(change[:-1]) == 0]
    return left
