"""What a gap scan needs to know of a file whose rows come when they come. Pure: no Django.

A file of millions of times becomes a table of its hours and the few waits between rows that may be holes:

- every wait of LONG_NS and longer;
- of each UTC hour the LONGEST longest waits that start in it, whatever their length, the earlier one of equals;
- of each hour how many rows it has, and the sum and the sum of squares of its waits below LONG_NS.

That this loses no hole is not a matter of thresholds that other files could move: a scan judges long waits, and of
shorter ones at most LONGEST an hour, which is part of its definition (quality_app.gaps.ticks). Summaries join: an
hour's longest waits are among the longest of its parts and the waits between them, so any cut of rows in order into
files and batches gives exactly the summary of the whole.

Rows that are out of order, and files that overlap, are joined as sets of rows: a wait of the whole is a stretch in
which no part has a row. That is exact for waits of LONG_NS and longer. Shorter ones may be lost there, never made up,
since a part is taken to have rows wherever its summary does not tell otherwise; and squares of parts that overlap
make the expected wait too long, not too short.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from quality_app.gaps.grid import HOUR_NS, Int64s

LONG_NS: Final = 120_000_000_000
LONGEST: Final = 8
# Squares are of waits in units of 65,536 ns, so that hours of them stay exact in 64 bits.
SQUARE_SHIFT: Final = 16

_VERSION: Final = 1
_HEAD: Final = struct.Struct("<BqqqqQQ")
# Rows that stay in the processor's cache while they are looked at.
_PIECE: Final = 1 << 17
# Parts that are joined at a time while a file is read.
_PARTS: Final = 64
# Below so many rows an hour, hours are looked at together.
_DENSE: Final = 500
_NONE: Final[Int64s] = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class TickTimes:
    """The times of some rows, in brief; all arrays are in order of time.

    Attributes:
        rows: How many.
        first_ns, last_ns: The earliest and the latest, UNIX nanoseconds; 0 without rows.
        disordered: Rows that are earlier than the one before them, within files.
        hours: UTC hours since 1970 that have rows.
        counts: Rows in each.
        spans: Nanoseconds of the waits below LONG_NS that start in each.
        squares: Sum of the squares of these waits, in (65,536 ns)^2.
        wait_start, wait_end: The kept waits: the rows before and after them, UNIX nanoseconds.

    """

    rows: int
    first_ns: int
    last_ns: int
    disordered: int
    hours: Int64s
    counts: Int64s
    spans: Int64s
    squares: Int64s
    wait_start: Int64s
    wait_end: Int64s

    @classmethod
    def of(cls, batches: Iterable[Int64s]) -> TickTimes:
        """Summarise times in UNIX nanoseconds, in one pass; each batch that is out of order is sorted by itself."""
        parts: list[TickTimes] = []
        disordered, previous = 0, None
        for batch in batches:
            for at in range(0, len(batch), _PIECE):
                piece = batch[at : at + _PIECE]
                waits = np.diff(piece)
                if len(waits) and waits.min() < 0:
                    disordered += int(np.count_nonzero(waits < 0))
                    ordered = np.sort(piece)
                    waits = np.diff(ordered)
                else:
                    ordered = piece
                disordered += int(previous is not None and piece[0] < previous)
                previous = piece[-1]
                parts.append(_of_ordered(ordered, waits))
                if len(parts) == _PARTS:
                    parts = [joined(parts)]
        return replace(joined(parts), disordered=disordered)

    def pack(self) -> bytes:
        """Return the summary as bytes: some 12 bytes an hour for its rows, 60 for its waits."""
        head = _HEAD.pack(
            _VERSION,
            self.rows,
            self.first_ns,
            self.last_ns,
            self.disordered,
            len(self.hours),
            len(self.wait_start),
        )
        columns = [_steps(self.hours), self.counts, self.spans, self.squares]
        columns += [_steps(self.wait_start), self.wait_end - self.wait_start]
        # Bytes of equal weight lie side by side: most of them are zero.
        body = b"".join(column.astype("<i8").view(np.uint8).reshape(-1, 8).T.tobytes() for column in columns)
        return head + zlib.compress(body, 6)

    @classmethod
    def unpack(cls, packed: bytes) -> TickTimes:
        """Return the summary that `pack` wrote; raises ValueError for other bytes."""
        try:
            version, rows, first, last, disordered, hours, waits = _HEAD.unpack_from(packed)
            body = np.frombuffer(zlib.decompress(packed[_HEAD.size :]), np.uint8)
        except (struct.error, zlib.error) as error:
            raise ValueError("These bytes are no summary of times.") from error
        if version != _VERSION or len(body) != 8 * (4 * hours + 2 * waits):
            raise ValueError("These bytes are no summary of times, or of another version.")
        columns = []
        for length in (hours, hours, hours, hours, waits, waits):
            columns.append(np.ascontiguousarray(body[: 8 * length].reshape(8, length).T).view("<i8").reshape(length))
            body = body[8 * length :]
        start = np.cumsum(columns[4])
        hours, (counts, spans, squares) = np.cumsum(columns[0]), columns[1:4]
        return cls(rows, first, last, disordered, hours, counts, spans, squares, start, start + columns[5])


def joined(parts: Sequence[TickTimes]) -> TickTimes:
    """Return the summary of all rows of some summaries, given in any order; parts may overlap."""
    parts = [part for part in parts if part.rows]
    if not parts:
        return TickTimes(0, 0, 0, 0, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE)
    if len(parts) == 1:
        return parts[0]
    start, end = _empty_stretches(parts)
    hours = np.concatenate([part.hours for part in parts])
    sums = [np.concatenate([getattr(part, name) for part in parts]) for name in ("counts", "spans", "squares")]
    bridges = _unknown(start, end, parts) & (end - start < LONG_NS)
    length = (end - start)[bridges]
    zero = np.zeros(len(length), np.int64)
    hours, (counts, spans, squares) = _summed(
        np.append(hours, start[bridges] // HOUR_NS),
        [np.append(sums[0], zero), np.append(sums[1], length), np.append(sums[2], (length >> SQUARE_SHIFT) ** 2)],
    )
    kept = _kept(start, end)
    return TickTimes(
        sum(part.rows for part in parts),
        min(part.first_ns for part in parts),
        max(part.last_ns for part in parts),
        sum(part.disordered for part in parts),
        hours,
        counts,
        spans,
        squares,
        start[kept],
        end[kept],
    )


def _steps(values: Int64s) -> Int64s:
    return np.diff(values, prepend=0)


def _of_ordered(ts: Int64s, waits: Int64s) -> TickTimes:
    """Summarise rows in order and the waits between them, which it overwrites."""
    begins = _hour_begins(ts)
    counts = np.diff(begins, append=len(ts))
    hours = ts[begins] // HOUR_NS
    long = np.flatnonzero(waits >= LONG_NS)
    # The last row has no wait; an hour that has only that one has none.
    slices = begins[begins < len(waits)]
    spans, squares = np.zeros(len(hours), np.int64), np.zeros(len(hours), np.int64)
    nothing = TickTimes(len(ts), int(ts[0]), int(ts[-1]), 0, hours, counts, spans, squares, _NONE, _NONE)
    if not len(slices):
        return nothing
    spans[: len(slices)] = ts[np.append(begins[1:], len(waits))[: len(slices)]] - ts[slices]
    np.subtract.at(spans, np.searchsorted(begins, long, side="right") - 1, waits[long])
    units = waits >> SQUARE_SHIFT
    units[long] = 0
    np.multiply(units, units, out=units)
    squares[: len(slices)] = np.add.reduceat(units, slices)
    rows = np.union1d(long, _longest(waits, slices))
    return TickTimes(
        len(ts), int(ts[0]), int(ts[-1]), 0, hours, counts, spans, squares, ts[rows].copy(), ts[rows + 1].copy()
    )


def _hour_begins(ts: Int64s) -> Int64s:
    """The first row of each hour that has rows."""
    first, last = int(ts[0]) // HOUR_NS, int(ts[-1]) // HOUR_NS
    if (last - first) * 16 < len(ts):
        found = np.searchsorted(ts, np.arange(first + 1, last + 1) * HOUR_NS)
        return np.unique(np.append(0, found)).astype(np.int64)
    hours = ts // HOUR_NS
    return np.append(0, np.flatnonzero(hours[1:] != hours[:-1]) + 1)


def _longest(waits: Int64s, slices: Int64s) -> Int64s:
    """The rows before the longest waits of each slice, without waits of no length; marks them in `waits`."""
    found: list[Int64s] = []
    ends = np.append(slices[1:], len(waits))
    for _ in range(LONGEST):
        if len(waits) >= _DENSE * len(slices):
            pairs = zip(slices.tolist(), ends.tolist(), strict=True)
            rows = np.array([start + int(waits[start:end].argmax()) for start, end in pairs], np.int64)
        else:
            most = np.repeat(np.maximum.reduceat(waits, slices), ends - slices)
            equal = np.flatnonzero(waits == most)
            rows = equal[np.searchsorted(equal, slices)]
        rows = rows[waits[rows] > 0]
        waits[rows] = 0
        found.append(rows)
    return np.concatenate(found)


def _empty_stretches(parts: Sequence[TickTimes]) -> tuple[Int64s, Int64s]:
    """Stretches between the first and the last row in which no part has rows."""
    starts = np.concatenate([np.append(part.first_ns, part.wait_end) for part in parts])
    ends = np.concatenate([np.append(part.wait_start, part.last_ns) for part in parts])
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(ends[order])
    apart = starts[1:] > reached[:-1]
    return reached[:-1][apart], starts[1:][apart]


def _unknown(start: Int64s, end: Int64s, parts: Sequence[TickTimes]) -> npt.NDArray[np.bool_]:
    """Tell which waits lie between parts: no part has them."""
    known_start = np.concatenate([part.wait_start for part in parts])
    known_end = np.concatenate([part.wait_end for part in parts])
    if not len(known_start):
        return np.ones(len(start), np.bool_)
    order = np.argsort(known_start, kind="stable")
    at = np.minimum(np.searchsorted(known_start, start, sorter=order), len(order) - 1)
    return np.asarray((known_start[order[at]] != start) | (known_end[order[at]] != end))


def _summed(hours: Int64s, columns: Sequence[Int64s]) -> tuple[Int64s, list[Int64s]]:
    """Add up the rows of columns that are of one hour."""
    order = np.argsort(hours, kind="stable")
    hours = hours[order]
    begins = np.append(0, np.flatnonzero(hours[1:] != hours[:-1]) + 1)
    return hours[begins], [np.add.reduceat(column[order], begins) for column in columns]


def _kept(start: Int64s, end: Int64s) -> Int64s:
    """Which waits a summary keeps: the long ones, and the longest of each hour; in order."""
    if not len(start):
        return _NONE
    length, hour = end - start, start // HOUR_NS
    order = np.lexsort((start, -length, hour))
    begins = np.append(True, hour[order][1:] != hour[order][:-1])
    place = np.arange(len(order))
    rank = place - np.maximum.accumulate(np.where(begins, place, 0))
    return np.sort(order[(rank < LONGEST) | (length[order] >= LONG_NS)])
