"""Rows that are missing by their numbers: trade ids and the sequence of book messages. Pure: no Django.

Where a venue numbers its rows one by one, numbers that are not there are rows that are missing, exactly as many. What
is known of a file are the ranges of numbers that it covers, with the times of the rows at their ends; ranges of other
files join them as sets, so neither the order of files and rows nor repeats matter. A number that falls by more than
REORDERED below the highest so far begins a new numbering (venues restart by day or week), as does one that rises by
GREATEST_JUMP; between two numberings nothing is counted.

Where numbers are shared with other instruments or are not given one by one, nearly every row leaves some out: below
LEAST_STEPS of the numbers following the one before, or with over MOST_RANGES ranges, none are counted at all. The
share is that of the check trade.id_gap (quality_app.checks.trades).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.found import GAPS, Unscannable
from quality_app.gaps.grid import Int64s
from quality_app.gaps.severities import Severities

REORDERED: Final = 1_000
GREATEST_JUMP: Final = 1_000_000_000
LEAST_STEPS: Final = 0.90
LEAST_NUMBERED: Final = 0.99
LEAST_ROWS: Final = 100
MOST_RANGES: Final = 200_000

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BqqqQ")
_PARTS: Final = 64
_COLUMNS: Final = ("numbering", "low", "high", "low_ns", "high_ns")


@dataclass(frozen=True, slots=True, eq=False)
class SequenceTimes:
    """The numbers of some rows, in brief.

    Attributes:
        rows: How many rows.
        numbered: How many of them have a number.
        crowded: 1 where the ranges became too many to keep; they are left out then.
        numbering: Which numbering each range belongs to, from 0, in order of time.
        low, high: The numbers that each range covers, both included; in order within a numbering.
        low_ns, high_ns: Times of the rows with these numbers, UNIX nanoseconds.

    """

    rows: int
    numbered: int
    crowded: int
    numbering: Int64s
    low: Int64s
    high: Int64s
    low_ns: Int64s
    high_ns: Int64s

    @classmethod
    def of(cls, batches: Iterable[pl.DataFrame], column: str) -> SequenceTimes:
        """Summarise rows with ts_init and a column of numbers, in one pass.

        Text that is no number, and the number 0, count as none.
        """
        parts = [_NOTHING]
        for batch in batches:
            parts.append(_of_batch(batch, column))
            if len(parts) == _PARTS:
                parts = [joined(parts)]
        return joined(parts)

    def pack(self) -> bytes:
        """Return the summary as bytes."""
        columns = [np.diff(getattr(self, name), prepend=0).astype("<i8") for name in _COLUMNS]
        body = b"".join(column.view(np.uint8).reshape(-1, 8).T.tobytes() for column in columns)
        head = _HEAD.pack(_VERSION, self.rows, self.numbered, self.crowded, len(self.low))
        return head + zlib.compress(body, 6)

    @classmethod
    def unpack(cls, packed: bytes) -> SequenceTimes:
        """Return the summary that `pack` wrote; raises ValueError for other bytes."""
        try:
            version, rows, numbered, crowded, count = _HEAD.unpack_from(packed)
            body = np.frombuffer(zlib.decompress(packed[_HEAD.size :]), np.uint8)
        except (struct.error, zlib.error) as error:
            raise ValueError("These bytes are no summary of numbers.") from error
        if version != _VERSION or len(body) != 8 * len(_COLUMNS) * count:
            raise ValueError("These bytes are no summary of numbers, or of another version.")
        steps = (
            body.reshape(len(_COLUMNS), 8, count).transpose(0, 2, 1).copy().view("<i8").reshape(len(_COLUMNS), count)
        )
        return cls(rows, numbered, crowded, *np.cumsum(steps, axis=1))


_NOTHING: Final = SequenceTimes(0, 0, 0, *np.empty((5, 0), np.int64))


def joined(parts: Sequence[SequenceTimes]) -> SequenceTimes:
    """Return the summary of all rows of some summaries, given in any order."""
    rows, numbered = sum(part.rows for part in parts), sum(part.numbered for part in parts)
    crowded = SequenceTimes(rows, numbered, 1, *np.empty((5, 0), np.int64))
    if any(part.crowded for part in parts):
        return crowded
    pieces = [_slice(part, number) for part in parts for number in range(_numberings(part))]
    pieces.sort(key=lambda piece: (int(piece[2][0]), int(piece[0][0])))
    groups: list[list[tuple[Int64s, ...]]] = []
    reach = _Reach()
    for piece in pieces:
        if not groups or not reach.takes(piece):
            groups.append([])
            reach = _Reach()
        groups[-1].append(piece)
        reach.add(piece)
    merged = [_merged(group) for group in groups]
    if sum(len(columns[0]) for columns in merged) > MOST_RANGES:
        return crowded
    if not merged:
        return SequenceTimes(rows, numbered, 0, *np.empty((5, 0), np.int64))
    numbering = np.repeat(np.arange(len(merged)), [len(columns[0]) for columns in merged])
    low, high, low_ns, high_ns = (np.concatenate(column) for column in zip(*merged, strict=True))
    return SequenceTimes(rows, numbered, 0, numbering, low, high, low_ns, high_ns)


def scan_sequences(
    times: Sequence[SequenceTimes],
    sessions: pl.DataFrame | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    severities: Severities | None = None,
) -> pl.DataFrame:
    """Return the gaps of a dataset's numbers; schema GAPS, unit rows.

    Args:
        times: Summaries, in any order.
        sessions: Trading hours (open_ns, close_ns), for the time lost; without them it is all the time between.
        start_ns, end_ns: Wanted range, UNIX ns: gaps that meet it are told whole.
        severities: What is medium and high, by the time lost.

    Raises:
        Unscannable: rows have no numbers, or these are not consecutive.

    """
    whole = joined(times)
    _require_consecutive(whole)
    same = whole.numbering[1:] == whole.numbering[:-1]
    start, end = whole.high_ns[:-1][same], whole.low_ns[1:][same]
    # Rows at the edges of a gap may be out of order in time.
    start, end = np.minimum(start, end), np.maximum(start, end)
    missing = (whole.low[1:] - whole.high[:-1] - 1)[same]
    wanted = (end >= (-(2**63) if start_ns is None else start_ns)) & (
        start <= (2**63 - 1 if end_ns is None else end_ns)
    )
    start, end, missing = start[wanted], end[wanted], missing[wanted]
    clock = None if sessions is None else TradingTime(sessions)
    lost = end - start if clock is None else clock.open_ns(end) - clock.open_ns(start)
    return pl.DataFrame(
        {
            "start_ns": start,
            "end_ns": end,
            "missing": missing,
            "lost_ns": lost,
            "unit": ["rows"] * len(lost),
            "cause": ["unexplained"] * len(lost),
            "severity": (severities or Severities()).of(lost),
        },
        schema=GAPS,
    ).sort("start_ns", "end_ns")


def _require_consecutive(times: SequenceTimes) -> None:
    if times.numbered < max(LEAST_ROWS, LEAST_NUMBERED * times.rows):
        raise Unscannable("Ids are no numbers here, or too few, so missing rows cannot be counted.")
    ranges = len(times.low)
    if times.crowded or ranges > (1 - LEAST_STEPS) * times.numbered:
        raise Unscannable("Ids are not consecutive here, so missing rows cannot be counted.")


def _of_batch(batch: pl.DataFrame, column: str) -> SequenceTimes:
    numbers = batch.select(pl.col(column).cast(pl.Int64, strict=False).alias("number"), "ts_init")
    numbers = numbers.filter(pl.col("number") > 0)
    number, ts = numbers["number"].to_numpy(), numbers["ts_init"].to_numpy()
    found: list[tuple[Int64s, ...]] = []
    at = 0
    while at < len(number):
        until = at + _same_numbering(number[at:])
        found.append(_ranges(number[at:until], ts[at:until]))
        at = until
        if len(found) > REORDERED:
            return SequenceTimes(len(batch), len(number), 1, *np.empty((5, 0), np.int64))
    if not found:
        return SequenceTimes(len(batch), 0, 0, *np.empty((5, 0), np.int64))
    numbering = np.repeat(np.arange(len(found)), [len(columns[0]) for columns in found])
    columns = (np.concatenate(column) for column in zip(*found, strict=True))
    return SequenceTimes(len(batch), len(number), 0, numbering, *columns)


def _same_numbering(number: Int64s) -> int:
    """How many rows from the first on are of its numbering."""
    rises = np.diff(number) > GREATEST_JUMP
    falls = number < np.maximum.accumulate(number) - REORDERED
    breaks = np.flatnonzero(np.append(False, rises) | falls)
    return int(breaks[0]) if len(breaks) else len(number)


def _ranges(number: Int64s, ts: Int64s) -> tuple[Int64s, ...]:
    if (number[1:] < number[:-1]).any():
        order = np.argsort(number, kind="stable")
        number, ts = number[order], ts[order]
    ends = np.flatnonzero(np.append(np.diff(number) > 1, True))
    begins = np.append(0, ends[:-1] + 1)
    return number[begins], number[ends], ts[begins], ts[ends]


def _numberings(part: SequenceTimes) -> int:
    return int(part.numbering[-1]) + 1 if len(part.numbering) else 0


def _slice(part: SequenceTimes, numbering: int) -> tuple[Int64s, ...]:
    first, last = np.searchsorted(part.numbering, [numbering, numbering + 1])
    return tuple(getattr(part, name)[first:last] for name in _COLUMNS[1:])


class _Reach:
    """The numbers and times that a numbering reaches, piece by piece in order of time."""

    def __init__(self) -> None:
        self._low = self._high = self._until = 0

    def takes(self, piece: tuple[Int64s, ...]) -> bool:
        """Whether a later piece is of this numbering: it goes on, or repeats what is there at the same time."""
        low = int(piece[0][0])
        goes_on = self._high - REORDERED <= low <= self._high + GREATEST_JUMP
        return goes_on or (int(piece[2][0]) <= self._until and self._low - REORDERED <= low <= self._high)

    def add(self, piece: tuple[Int64s, ...]) -> None:
        """Reach over a piece."""
        low, high, until = int(piece[0][0]), int(piece[1][-1]), int(piece[3][-1])
        self._low = low if not self._high else min(self._low, low)
        self._high, self._until = max(self._high, high), max(self._until, until)


def _merged(pieces: list[tuple[Int64s, ...]]) -> tuple[Int64s, ...]:
    """Ranges of one numbering as a set: those that meet or overlap are one."""
    low, high, low_ns, high_ns = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.lexsort((low_ns, low))
    low, high, low_ns, high_ns = low[order], high[order], low_ns[order], high_ns[order]
    reached = np.maximum.accumulate(high)
    # The row that reached furthest so far.
    furthest = np.maximum.accumulate(np.where(high == reached, np.arange(len(high)), 0))
    begins = np.append(0, np.flatnonzero(low[1:] > reached[:-1] + 1) + 1)
    ends = np.append(begins[1:], len(low)) - 1
    return low[begins], reached[ends], low_ns[begins], high_ns[furthest[ends]]
