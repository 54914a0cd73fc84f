"""Counting rows between cuts on the time axis, without reading more than ts_init where statistics do not suffice.

A cut at c parts rows with ts_init < c from those with ts_init ≥ c: rows of one ts_init are never parted.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import Root
from catalog_app.store.maintenance.reading import Times, time_batches, times_of_files
from catalog_app.store.maintenance.sources import Source

_SAMPLES: Final = 4_000_000
_TOGETHER_ROWS: Final = 8_000_000

# Called with a number of rows that were looked at; may raise to stop.
type Seen = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows between two neighbouring cuts: how many, the first and the last ts_init."""

    rows: int
    start_ns: int
    end_ns: int

    def __add__(self, other: "Cell") -> "Cell":
        return Cell(self.rows + other.rows, min(self.start_ns, other.start_ns), max(self.end_ns, other.end_ns))


@dataclass(frozen=True, slots=True)
class Timed:
    """A source whose ts_init were all looked at; `source` has their true bounds."""

    source: Source
    in_order: bool
    has_repeats: bool  # whether a ts_init comes twice, as far as neighbouring rows show it


def look_at_times(root: Root, sources: Sequence[Source], seen: Seen) -> Iterator[Timed | UnreadableFile]:
    """Whether the rows of each file are in order, and their true bounds, file by file.

    UnreadableFile stands for a file that cannot be read, or has times outside 1970 to 2262.
    """
    for together in _batches(sources):
        times = times_of_files(root, together) if len(together) > 1 else None
        for at, source in enumerate(together):
            parts = time_batches(root, source) if times is None else iter([times[at]])
            try:
                yield _timed(source, parts, seen)
            except UnreadableFile as problem:
                yield problem


def _batches(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Files whose times are held in memory together."""
    batch: list[Source] = []
    rows = 0
    for source in sources:
        if batch and rows + source.rows > _TOGETHER_ROWS:
            yield batch
            batch, rows = [], 0
        batch.append(source)
        rows += source.rows
    if batch:
        yield batch


def _timed(source: Source, parts: Iterable[Times], seen: Seen) -> Timed:
    low, high, rows, in_order, repeats = None, None, 0, True, False
    last: int | None = None
    for times in parts:
        if not times.size:
            continue
        steps = np.diff(times)
        least_step = int(steps.min(initial=1)) if last is None else min(int(steps.min(initial=1)), int(times[0]) - last)
        in_order = in_order and least_step >= 0
        repeats = repeats or least_step == 0
        batch_low, batch_high = (int(times[0]), int(times[-1])) if in_order else (int(times.min()), int(times.max()))
        low = batch_low if low is None else min(low, batch_low)
        high = batch_high if high is None else max(high, batch_high)
        last = int(times[-1])
        rows += times.size
        seen(times.size)
    if rows != source.rows or low is None or high is None or low < 0:
        raise UnreadableFile(source.path, "its ts_init column is not as its footer says, or not after 1970")
    return Timed(replace(source, start_ns=low, end_ns=high), in_order, repeats or not in_order)


def tally(root: Root, sources: Sequence[Source], cuts: Sequence[int]) -> dict[int, Cell]:
    """Rows of files by cell, empty ones left out: cell 0 is before the first cut, cell k from the k-th to the next."""
    cells: dict[int, Cell] = {}
    for source in sources:
        for at, cell in _cells(root, source, cuts):
            cells[at] = cells[at] + cell if at in cells else cell
    return dict(sorted(cells.items()))


def quantile_cuts(root: Root, sources: Sequence[Source], parts: int) -> list[int]:
    """Cuts that part the rows of files into about so many equal parts, by a sample of their ts_init (up to 4 M)."""
    if parts < 2:
        return []
    stride = -(-sum(source.rows for source in sources) // _SAMPLES)
    sample = np.sort(np.concatenate([times[::stride] for source in sources for times in time_batches(root, source)]))
    cuts = np.unique(sample[[sample.size * part // parts for part in range(1, parts)]])
    return [int(cut) for cut in cuts if cut > sample[0]]


def _cells(root: Root, source: Source, cuts: Sequence[int]) -> Iterator[tuple[int, Cell]]:
    if (at := _one_cell(source.start_ns, source.end_ns, cuts)) is not None:
        yield at, Cell(source.rows, source.start_ns, source.end_ns)
        return
    to_read: list[int] = []
    for number, group in enumerate(source.groups):
        if group.low is None or group.high is None or (at := _one_cell(group.low, group.high, cuts)) is None:
            to_read.append(number)
        elif group.rows:
            yield at, Cell(group.rows, group.low, group.high)
    for times in time_batches(root, source, groups=to_read):
        yield from cells_of(np.sort(times), cuts)


def cells_of(times: Times, cuts: Sequence[int]) -> Iterator[tuple[int, Cell]]:
    """(cell, its rows) of sorted times; see `tally`."""
    if not times.size:
        return
    first, last = bisect_right(cuts, int(times[0])), bisect_right(cuts, int(times[-1]))
    edges = [0, *np.searchsorted(times, np.array(cuts[first:last], np.int64)).tolist(), times.size]
    for offset, (low, high) in enumerate(pairwise(edges)):
        if low < high:
            yield first + offset, Cell(high - low, int(times[low]), int(times[high - 1]))


def _one_cell(low: int, high: int, cuts: Sequence[int]) -> int | None:
    at = bisect_right(cuts, low)
    return at if at == bisect_right(cuts, high) else None
