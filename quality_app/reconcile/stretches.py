"""Rows in a row that have something in common, as stretches of time: the largest are kept, all are counted."""

from dataclasses import dataclass
from heapq import nlargest
from typing import Any

import numpy as np
import numpy.typing as npt

from quality_app.reconcile.align import Int64s


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows from the first to the last time (ns), inclusive; `peak` is the largest figure among them."""

    start_ns: int
    end_ns: int
    rows: int
    peak: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the stretch as JSON; nanoseconds as text, since they do not fit a JavaScript number."""
        return {"startNs": str(self.start_ns), "endNs": str(self.end_ns), "rows": self.rows, "peak": self.peak}


class Stretches:
    """Collects stretches of marked rows, fed in pieces in the order of time; a stretch may go on over pieces."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.count = 0
        self.rows = 0
        self._kept: list[Stretch] = []
        self._open: Stretch | None = None

    def feed(self, times: Int64s, marked: npt.NDArray[np.bool_], figures: Int64s | None = None) -> None:
        """Take the next rows: their times, which are marked, and a figure of which the largest is kept."""
        if not len(times):
            return
        steps = np.diff(marked.astype(np.int8), prepend=0, append=0)
        starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
        self.rows += int(np.count_nonzero(marked))
        begins_marked = bool(marked[0])
        if self._open is not None and not begins_marked:
            self._close(self._open)
        if not len(starts):
            self._open = None
            return
        lengths = ends - starts + 1
        peaks = np.zeros(len(starts), np.int64)
        if figures is not None:
            peaks = np.maximum.reduceat(np.where(marked, figures, np.iinfo(np.int64).min), starts)
        carried, self._open = self._open, None
        # Whole stretches inside the piece, by columns; the first and the last may belong to others.
        first = _joined(carried, times, starts, ends, peaks, 0) if begins_marked and carried else None
        last_open = bool(marked[-1])
        inner = slice(1 if first else 0, len(starts) - (1 if last_open else 0))
        self._close_many(times[starts[inner]], times[ends[inner]], lengths[inner], peaks[inner])
        if last_open:
            alone = len(starts) == 1 and first is not None
            self._open = first if alone else _joined(None, times, starts, ends, peaks, len(starts) - 1)
            if first is not None and not alone:
                self._close(first)
        elif first is not None:
            self._close(first)

    def finish(self) -> list[Stretch]:
        """Return the largest stretches in the order of time, after the last piece."""
        if self._open is not None:
            self._close(self._open)
            self._open = None
        return sorted(self._kept, key=lambda stretch: stretch.start_ns)

    def _close_many(self, starts: Int64s, ends: Int64s, rows: Int64s, peaks: Int64s) -> None:
        self.count += len(starts)
        largest = np.lexsort((starts, -rows))[: self.keep]
        columns = (starts[largest].tolist(), ends[largest].tolist(), rows[largest].tolist(), peaks[largest].tolist())
        self._keep([Stretch(*values) for values in zip(*columns, strict=True)])

    def _close(self, stretch: Stretch) -> None:
        self.count += 1
        self._keep([stretch])

    def _keep(self, more: list[Stretch]) -> None:
        self._kept = nlargest(self.keep, [*self._kept, *more], key=lambda stretch: (stretch.rows, -stretch.start_ns))


def _joined(before: Stretch | None, times: Int64s, starts: Int64s, ends: Int64s, peaks: Int64s, index: int) -> Stretch:
    start, rows, peak = int(times[starts[index]]), int(ends[index] - starts[index] + 1), int(peaks[index])
    if before is not None:
        start, rows, peak = before.start_ns, rows + before.rows, max(peak, before.peak)
    return Stretch(start, int(times[ends[index]]), rows, peak)
