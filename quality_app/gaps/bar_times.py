"""When a file has bars: an exact summary that is small and enough to find gaps. Pure: no Django.

Closes that follow each other at exactly the interval are one stretch: its first close and how many there are. What
is irregular are stretches of one. Closes are a set: repeats and the order of rows leave no trace but their number.
So a year of complete one-minute bars is one stretch per week or day, and bars that were recorded a little late cost
some bytes each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
import pyarrow as pa

from quality_app.gaps.grid import DAY_NS, Int64s

_VERSION: Final = 1
# Version, stride, rows, stretches, first start.
_HEAD: Final = struct.Struct("<BqqQq")
_CHUNK: Final = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class BarTimes:
    """The distinct closes of a file, or of several.

    Attributes:
        stride_ns: Distance of the closes in a stretch.
        rows: Rows that were read, repeats included.
        starts: First close of each stretch, UNIX nanoseconds, increasing. Stretches share no close, and those of
            the same remainder by the stride do not touch, so equal sets have equal stretches. Stretches of different
            remainders may interleave.
        counts: Closes of each stretch.

    """

    stride_ns: int
    rows: int
    starts: Int64s
    counts: Int64s

    @classmethod
    def of(cls, batches: Iterable[Int64s], interval_ns: int | None) -> Self:
        """Summarise closes (UNIX nanoseconds, any order, repeats allowed) in one pass.

        Args:
            batches: Closes, a piece at a time; memory is bounded by a piece and by the stretches.
            interval_ns: Length of a bar; None for months and years.

        """
        stride_ns = interval_ns or DAY_NS
        rows, starts, counts = 0, [], []
        for batch in batches:
            rows += len(batch)
            start, count = _stretches(batch, stride_ns)
            starts.append(start)
            counts.append(count)
        return cls(stride_ns, rows, *_canonical(_joined(starts), _joined(counts), stride_ns))

    @classmethod
    def union(cls, times: Sequence[Self]) -> Self:
        """Return the closes of all; raises ValueError where their strides differ or there is none."""
        if len(times) == 1:
            return times[0]
        (stride_ns,) = {one.stride_ns for one in times}
        starts, counts = _joined([one.starts for one in times]), _joined([one.counts for one in times])
        return cls(stride_ns, sum(one.rows for one in times), *_canonical(starts, counts, stride_ns))

    @property
    def closes(self) -> int:
        """How many distinct closes there are."""
        return int(self.counts.sum())

    @property
    def lasts(self) -> Int64s:
        """Last close of each stretch."""
        return self.starts + (self.counts - 1) * self.stride_ns

    def moved(self, by_ns: int) -> BarTimes:
        """Return the same with all closes later by some ns."""
        return BarTimes(self.stride_ns, self.rows, self.starts + by_ns, self.counts) if by_ns else self

    def batches(self, apart_ns: int) -> Iterator[Int64s]:
        """Yield closes of each stretch, with its first and last, at most some ns apart; about a million at a time.

        All of them where `apart_ns` is the stride.
        """
        every = max(apart_ns // self.stride_ns, 1)
        rows = -(-(self.counts - 1) // every) + 1
        done = np.append(0, np.cumsum(rows))
        for low in range(0, int(done[-1]), _CHUNK):
            number = np.arange(low, min(low + _CHUNK, int(done[-1])))
            at = np.searchsorted(done, number, side="right") - 1
            step = np.minimum((number - done[at]) * every, self.counts[at] - 1)
            yield self.starts[at] + step * self.stride_ns

    def pack(self) -> bytes:
        """Return bytes from which `unpack` makes an equal summary."""
        first = int(self.starts[0]) if len(self.starts) else 0
        head = _HEAD.pack(_VERSION, self.stride_ns, self.rows, len(self.starts), first)
        apart = self.starts[1:] - (self.starts + self.counts * self.stride_ns)[:-1]
        numbers = np.concatenate([self.counts, apart // self.stride_ns, apart % self.stride_ns]).astype("<i8")
        # Bytes of the same weight side by side: most are zero.
        planes = np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 8).T)
        return head + bytes(pa.Codec("zstd").compress(planes.tobytes(), asbytes=True))

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """Return what was packed; raises ValueError where the bytes are of another version or damaged."""
        if len(content) < _HEAD.size or content[0] != _VERSION:
            raise ValueError("the summary of a file's bars is of another version or cut short")
        _, stride_ns, rows, count, first = _HEAD.unpack_from(content)
        length = count + 2 * max(count - 1, 0)
        try:
            planes = pa.Codec("zstd").decompress(content[_HEAD.size :], 8 * length, asbytes=True)
        except (OSError, OverflowError, MemoryError) as error:
            raise ValueError(f"the summary of a file's bars is damaged: {error}") from error
        numbers = np.ascontiguousarray(np.frombuffer(planes, np.uint8).reshape(8, length).T).view("<i8").ravel()
        counts, apart, rest = np.split(numbers.astype(np.int64), [count, count + max(count - 1, 0)])
        starts = np.cumsum(np.append(first, counts[:-1] * stride_ns + apart * stride_ns + rest))[:count]
        return cls(stride_ns, rows, starts, counts)


def _stretches(ts: Int64s, stride_ns: int) -> tuple[Int64s, Int64s]:
    """First closes and lengths of runs of rows at exactly the stride."""
    if not len(ts):
        return ts, ts
    steps = np.diff(ts)
    breaks = np.flatnonzero(steps != stride_ns)
    if np.any(steps[breaks] <= 0):
        return _stretches(np.unique(ts), stride_ns)
    return ts[np.append(0, breaks + 1)], np.diff(np.concatenate([[-1], breaks, [len(ts) - 1]]))


def _canonical(starts: Int64s, counts: Int64s, stride_ns: int) -> tuple[Int64s, Int64s]:
    """Join stretches that touch or overlap, whatever their order."""
    ends = starts + counts * stride_ns
    if np.all(starts[1:] > ends[:-1]) and _one_rest(starts, stride_ns):
        return starts, counts
    begins = pl.col("end").cum_max().shift(1).over("rest") < pl.col("start")
    found = (
        pl.DataFrame({"start": starts, "end": ends, "rest": starts % stride_ns})
        .sort("rest", "start")
        .with_columns(begins.fill_null(value=True).cum_sum().alias("stretch"))
        .group_by("stretch")
        .agg(pl.col("start").min(), pl.col("end").max())
        .sort("start")
    )
    first = found["start"].to_numpy()
    return first, (found["end"].to_numpy() - first) // stride_ns


def _one_rest(starts: Int64s, stride_ns: int) -> bool:
    """Whether all stretches have the same remainder by the stride."""
    return bool(np.all((starts - starts[:1]) % stride_ns == 0)) if len(starts) else True


def _joined(parts: Sequence[Int64s]) -> Int64s:
    return np.concatenate([np.array([], np.int64), *parts])
