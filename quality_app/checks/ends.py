"""The first and last rows of files that were read, so that seams need not read them again."""

from collections import OrderedDict
from typing import Final, NamedTuple

import polars as pl

# What the ends of so many files take that a few of them are small beside the rows under work.
_MOST_BYTES: Final = 64 * 2**20


class FileEnds(NamedTuple):
    """The first rows of a file, and the last ones from position `tail_from` on."""

    head: pl.DataFrame
    tail_from: int
    tail: pl.DataFrame

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return int(self.head.estimated_size() + self.tail.estimated_size())


class Ends:
    """The ends of the files that were read last, as many as fit."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: OrderedDict[str, FileEnds] = OrderedDict()
        self._bytes, self._most = 0, most_bytes

    def keep(self, path: str, ends: FileEnds) -> None:
        """Keep a file's ends, and forget the oldest ones beyond the limit."""
        self.drop(path)
        self._kept[path] = ends
        self._bytes += ends.size
        while self._bytes > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, path: str) -> None:
        """Forget a file's ends."""
        old = self._kept.pop(path, None)
        self._bytes -= 0 if old is None else old.size

    def rows(self, path: str, start: int, stop: int) -> pl.DataFrame | None:
        """Return rows [start, stop) of a file; None where they are not kept."""
        ends = self._kept.get(path)
        if ends is None:
            return None
        if stop <= len(ends.head):
            return ends.head.slice(start, stop - start)
        return ends.tail.slice(start - ends.tail_from, stop - start) if start >= ends.tail_from else None
