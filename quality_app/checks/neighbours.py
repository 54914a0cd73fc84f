"""Prices around a row: windows within a session, and the few rows that can be outliers at all.

What marks a row is decided by its own window alone. What comes before only saves work: bounds that no outlier can
break, with a slack above the rounding of floats, so that they leave out nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from catalog_app.store.schema import SCALE
from quality_app.checks.check import PRICE, CheckContext

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Marks = npt.NDArray[np.bool_]

SECOND_NS: Final = 1_000_000_000
# Relative slack where a deviation is compared with a limit: far above rounding, far below a price step.
SLACK: Final = 1e-6
# A row that keeps less of an outlier's deviation than this lies outside of the outlier's run.
_RETURNED: Final = 0.5
# An outlier leaves, and returns, in one step of at least this share of its deviation.
_ABRUPT: Final = 0.6
# Rows whose arrays stay in a core's cache (larger ones come fresh from the system), and rows that share one bound.
_CHUNK: Final = 32_768
_BLOCK: Final = 4
_ROWS_AT_ONCE: Final = 8_192


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of consecutive rows, NaN where undefined, and the rows that begin a session after a break."""

    values: Floats
    breaks: Rows

    @classmethod
    def of(cls, frame: pl.DataFrame, break_minutes: int) -> "Prices":
        """Take a frame's prepared price; rows further apart than the break belong to different sessions."""
        ts, pause = frame["ts_init"].to_numpy(), break_minutes * 60 * SECOND_NS
        breaks = [np.empty(0, np.intp)]
        for start in range(0, len(ts) - 1, _CHUNK):
            apart = np.diff(ts[start : start + _CHUNK + 1])
            if apart.max() > pause:
                breaks.append(np.flatnonzero(apart > pause) + (start + 1))
        return cls(frame[PRICE].to_numpy(), np.concatenate(breaks))


def known_tick(context: CheckContext) -> float:
    """Return the price increment, else the least that it can be, in price units; 0 where nothing is known."""
    if context.price_increment:
        return context.price_increment / SCALE
    return 0.0 if context.price_precision is None else 10.0**-context.price_precision


def tick_facts(context: CheckContext) -> dict[str, Any]:
    """Return what `known_tick` is derived from, for the basis of a check."""
    return {
        "pricePrecision": context.price_precision,
        "priceIncrementRaw": None if context.price_increment is None else str(context.price_increment),
    }


def in_parts(rows: Rows) -> list[Rows]:
    """Cut rows so that the windows of a part fit into little memory."""
    return [rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE)] or [rows]


def positions(prices: Prices, rows: Rows, half: int) -> tuple[Rows, Marks]:
    """Return the positions of each row's window (half before, itself, half after), and which are in its session."""
    first, stop = _sessions(prices, rows)
    at = rows[:, None] + np.arange(-half, half + 1)
    inside = (at >= first[:, None]) & (at < stop[:, None])
    return at.clip(0, len(prices.values) - 1), inside


def windows(prices: Prices, rows: Rows, half: int) -> Floats:
    """Return the prices of each row's window; NaN outside of its session and where undefined."""
    size, width = len(prices.values), 2 * half + 1
    first, stop = _sessions(prices, rows)
    cut = (rows - half < first) | (rows + half >= stop)
    found = np.full((len(rows), width), np.nan)
    if size >= width:
        found[~cut] = np.lib.stride_tricks.sliding_window_view(prices.values, width)[rows[~cut] - half]
    if cut.any():
        at, inside = positions(prices, rows[cut], half)
        found[cut] = np.where(inside, prices.values[at], np.nan)
    return found


def _sessions(prices: Prices, rows: Rows) -> tuple[Rows, Rows]:
    """Return the first row of each row's session and the first one after it."""
    edges = np.concatenate([[0], prices.breaks, [len(prices.values)]])
    session = np.searchsorted(prices.breaks, rows, side="right")
    return edges[session], edges[session + 1]


def median(ordered: Floats) -> Floats:
    """Return the median of each row of sorted values, the undefined ones last; NaN where there are none."""
    row, last = np.arange(len(ordered)), np.maximum((~np.isnan(ordered)).sum(axis=1) - 1, 0)
    return np.asarray((ordered[row, last // 2] + ordered[row, (last + 1) // 2]) / 2)


def stands_alone(window: Floats, expected: Floats, longest: int) -> Marks:
    """Say which middle rows stand off abruptly and not for long, so that the rows after agree with those before.

    The rows around that lie beyond half of the deviation form a run with the row. It has at most `longest` rows, its
    session goes on at both of its ends, and the steps into it and out of it are most of the deviation: a level that
    persists, and a steep move there and back, are no outliers.
    """
    half = window.shape[1] // 2
    off = (window - expected[:, None]) / (window[:, half] - expected)[:, None]
    before, left = _way_out(off[:, half::-1])
    after, right = _way_out(off[:, half:])
    least = _ABRUPT * (1 - SLACK)
    return (before + after - 1 <= longest) & (left >= least) & (right >= least)


def _way_out(off: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return, walking off from the first column, the length of the run and the step out of it (0 if never)."""
    defined = ~np.isnan(off)
    outside = defined & (off <= _RETURNED)
    first = outside.argmax(axis=1)
    place = np.arange(off.shape[1])
    last = np.where(defined & (place < first[:, None]), place, 0).max(axis=1)
    length = (defined & (place < first[:, None])).sum(axis=1)
    row = np.arange(len(off))
    return length, np.where(outside.any(axis=1), off[row, last] - off[row, first], 0.0)


def suspects(prices: Prices, half: int, longest: int, least: Callable[[Floats, int], Floats], most_beyond: int) -> Rows:
    """Return the rows that can be outliers: a superset, found mostly without looking at a row's window.

    `least(values, blocks_aside)` gives, from a chunk of complete windows, the smallest deviation of an outlier in
    each block of rows; `most_beyond` is how many neighbours can lie as far out as an outlier does.
    """
    rows = _stepping(prices, half, longest, least)
    return np.concatenate([part[_ranks_out(windows(prices, part, half), most_beyond)] for part in in_parts(rows)])


def _ranks_out(window: Floats, most_beyond: int) -> Marks:
    own = window[:, [window.shape[1] // 2]]
    # The row itself counts, undefined ones do not. A product adds up faster than a sum over short rows.
    ones = np.ones(window.shape[1], dtype=np.float32)
    above, below = (window >= own).astype(np.float32) @ ones, (window <= own).astype(np.float32) @ ones
    return np.asarray(np.minimum(above, below) <= most_beyond + 1)


def _stepping(prices: Prices, half: int, longest: int, least: Callable[[Floats, int], Floats]) -> Rows:
    """Return the rows near steps up and down that are large enough, and those whose window is incomplete."""
    values, longest = prices.values, min(longest, half - 1)
    size, aside = len(values), (half - _BLOCK + 1) // _BLOCK
    end = half + max(0, size - 2 * half) // _BLOCK * _BLOCK
    blocks, bounds = [np.empty(0, np.intp)], [np.empty(0)]
    for start in range(half, end, _CHUNK):
        stop = min(start + _CHUNK, end)
        wanted = least(values[start - aside * _BLOCK : stop + aside * _BLOCK], aside) * (_ABRUPT * (1 - SLACK))
        # Few rows are near any large step.
        near = np.flatnonzero(~(_largest_step_near(values, start, stop, longest) < wanted))
        blocks.append(start + near * _BLOCK)
        bounds.append(wanted[near])
    rows = (np.concatenate(blocks)[:, None] + np.arange(_BLOCK)).ravel()
    wanted = np.repeat(np.concatenate(bounds), _BLOCK)
    marks = np.zeros(size, dtype=np.bool_)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[first : first + _ROWS_AT_ONCE]
        marks[part] = _step_there_and_back(values, part, longest) >= wanted[first : first + _ROWS_AT_ONCE]
    marks[:half] = marks[end:] = True
    _mark_incomplete(marks, prices, half)
    return np.flatnonzero(marks)


def _largest_step_near(values: Floats, start: int, stop: int, longest: int) -> Floats:
    """Return the largest step up or down within `longest` rows of each block, or a little further away."""
    aside = -(-longest // _BLOCK)
    first, last = max(start - aside * _BLOCK, 0), min(stop + aside * _BLOCK, len(values) - 1)
    steps = np.zeros(stop - start + 2 * aside * _BLOCK)
    inside = steps[first - start + aside * _BLOCK : last - start + aside * _BLOCK]
    np.subtract(values[first + 1 : last + 1], values[first:last], out=inside)
    np.abs(inside, out=inside)
    largest = np.maximum(steps[::_BLOCK], steps[1::_BLOCK])
    for number in range(2, _BLOCK):
        np.maximum(largest, steps[number::_BLOCK], out=largest)
    return _running_max(largest, 2 * aside + 1)


def _running_max(values: Floats, length: int) -> Floats:
    """Return the largest of each so many values that follow each other."""
    covered = 1
    while covered < length:
        shift = min(covered, length - covered)
        values = np.maximum(values[:-shift], values[shift:])
        covered += shift
    return values


def _step_there_and_back(values: Floats, rows: Rows, longest: int) -> Floats:
    """Return, per row, the largest step that is made up and down again, or down and up, within a run around it."""
    # Places by rows: along short rows numpy is slow.
    steps = np.diff(values[np.arange(-longest, longest + 1)[:, None] + rows], axis=0)
    before, after = steps[:longest], steps[longest:]
    up = np.minimum(before.max(axis=0), -after.min(axis=0))
    return np.asarray(np.maximum(up, np.minimum(-before.min(axis=0), after.max(axis=0))))


def _mark_incomplete(marks: Marks, prices: Prices, half: int) -> None:
    """Mark the rows whose window holds the end of a session or an undefined price."""
    for part in in_parts(np.concatenate([np.flatnonzero(np.isnan(prices.values)), prices.breaks])):
        marks[(part[:, None] + np.arange(-half, half + 1)).clip(0, len(marks) - 1)] = True


def pair_distances(values: Floats, aside: int) -> Floats:
    """Return the distances of rows before a block to rows after it, paired so that no row is in two pairs."""
    lag = (aside + 1) * _BLOCK
    apart = values[:-lag] - values[lag:]
    return np.asarray(np.abs(apart, out=apart))


def pair_sums(distances: Floats, aside: int) -> Floats:
    """Return the sum over all pairs around each block."""
    blocks = distances.reshape(-1, _BLOCK) @ np.ones(_BLOCK)
    size = len(blocks) - aside + 1
    total = blocks[:size].copy()
    for shift in range(1, aside):
        total += blocks[shift : shift + size]
    return total
