"""A first look at a source, over its times alone: how much there is, where, and how it can be cut."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from quality_app.reconcile.align import Int64s
from quality_app.reconcile.lag import LagSearch, lag_search

MARK_ROWS: Final = 50_000
STRIP: Final = 1000
_LONGEST_STEP: Final = 60_000_000_000
_STEPS: Final = tuple(10**power * step for power in range(3, 11) for step in (1, 2, 5))


@dataclass(slots=True)
class Survey:
    """Rows of one source in (start, end], fed in batches; `marks` are times after about MARK_ROWS further rows.

    `cover` counts rows in STRIP equal parts of the range; `usual_ns` is the usual step between rows of the first batch.
    """

    start_ns: int
    end_ns: int
    rows: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    usual_ns: int = 0
    phase_ns: int | None = None
    marks: list[tuple[int, int]] = field(default_factory=list)
    cover: Int64s = field(default_factory=lambda: np.zeros(STRIP, np.int64))

    def feed(self, times: Int64s, interval_ns: int | None) -> None:
        """Take the next times; `interval_ns` is the length of the source's bars."""
        times = np.sort(times[(times > self.start_ns) & (times <= self.end_ns)])
        if not len(times):
            return
        if not self.rows and interval_ns:
            phases, counts = np.unique(times % interval_ns, return_counts=True)
            self.phase_ns = int(phases[counts.argmax()])
        if not self.rows and len(times) > 1:
            self.usual_ns = int(np.median(np.diff(times)))
        self.rows += len(times)
        first, last = int(times[0]), int(times[-1])
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)
        ends = np.append(np.arange(MARK_ROWS, len(times), MARK_ROWS), len(times))
        self.marks += zip(times[ends - 1].tolist(), np.diff(ends, prepend=0).tolist(), strict=True)
        width = max(-(-(self.end_ns - self.start_ns) // STRIP), 1)
        self.cover += np.bincount((times - self.start_ns - 1) // width, minlength=STRIP)

    @property
    def segments(self) -> list[tuple[int, int]]:
        """Parts of the range in a row that hold rows, as (first, number), in STRIP parts."""
        steps = np.diff((self.cover > 0).astype(np.int8), prepend=0, append=0)
        starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
        return list(zip(starts.tolist(), (ends - starts).tolist(), strict=True))


def search_of(surveys: list[Survey], interval_ns: int | None, origin_ns: int) -> LagSearch:
    """Return what lead and lag are searched on: the bars' grid, or steps of twice the slowest source's usual one."""
    if interval_ns is not None:
        return lag_search(interval_ns, origin_ns, hours=True)
    wanted = 2 * max(survey.usual_ns for survey in surveys)
    step = next((step for step in _STEPS if step >= wanted), _LONGEST_STEP)
    return lag_search(min(step, _LONGEST_STEP), 0, hours=False)
