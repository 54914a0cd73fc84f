"""One streaming pass of checks over consecutive rows, of which some are only context."""

from collections.abc import Collection
from typing import Final

import numpy as np
import polars as pl

from quality_app.checks.check import Check, CheckContext
from quality_app.checks.ends import FileEnds
from quality_app.checks.halo import Halo
from quality_app.checks.judging import judge
from quality_app.checks.partial import SAMPLE_LIMIT, Finding, Stretch
from quality_app.checks.prepare import prepare

# Rows of one ts_init that are kept as context; more would not be bounded.
CONTEXT_ROWS: Final = 200_000
# Rows that are looked at first for the beginning of a run; most are short.
_LOOK: Final = 1_024


class StretchRunner:
    """Feeds batches to checks: counts exactly, keeps the first violating rows, holds no batch.

    Batches carry canonical columns plus `file` and `row`, in order. The first `lead` and the last `trail` rows of
    the stretch are context: looked at and not judged. `open_start` and `open_end` say that rows which are not fed
    lie before or after it: those whose marks depend on them are left to a seam.
    """

    def __init__(
        self,
        context: CheckContext,
        checks: Collection[Check],
        halo: Halo,
        *,
        lead: int = 0,
        trail: int = 0,
        open_start: bool = False,
        open_end: bool = False,
        sample_limit: int = SAMPLE_LIMIT,
    ) -> None:
        self._context, self._halo = context, halo
        self._checks = [check for check in checks if check.rule is not None and check.carry is None]
        self._needs = frozenset(name for check in self._checks for name in check.needs)
        self._trail = halo.after if open_end else trail
        self._sample_limit = sample_limit
        # Positions count from the first row that is fed.
        self._fed = 0
        self._first = self._judged = lead
        self._in_first_run = open_start
        self._window: pl.DataFrame | None = None
        self._window_from = 0
        self._head: pl.DataFrame | None = None
        self._result = Stretch(findings={check.id: Finding() for check in self._checks})

    def feed(self, batch: pl.DataFrame) -> None:
        """Judge the rows whose surroundings are complete now."""
        if batch.is_empty():
            return
        rows = _in_one_piece(batch if self._window is None else pl.concat([self._window, batch]))
        frame = prepare(rows, self._needs, self._context)
        if self._fed == 0:
            self._result.first_ns = batch["ts_init"][0]
            self._head = _copied(batch, 0, self._halo.before + self._halo.after)
        self._result.last_ns = batch["ts_init"][-1]
        self._fed += len(batch)
        if self._in_first_run:
            self._skip_first_run(frame)
        self._result.disordered = self._result.disordered or not frame["ts_init"].is_sorted()
        self._judge(frame, self._fed - max(self._halo.after, self._trail))
        self._keep(rows)

    def finish(self) -> Stretch:
        """Judge what is left and return what was found."""
        if self._window is not None:
            self._judge(prepare(self._window, self._needs, self._context), self._fed - self._trail)
            self._keep(self._window)
        result = self._result
        result.rows, result.tail_from = self._fed, self._window_from
        result.first, result.last = (self._first, self._judged) if self._judged > self._first else (0, 0)
        return result

    @property
    def ends(self) -> FileEnds | None:
        """The first and the last rows, when all were fed: what seams on either side look at; None without any."""
        if self._head is None or self._window is None:
            return None
        return FileEnds(self._head, self._window_from, self._window)

    def _skip_first_run(self, frame: pl.DataFrame) -> None:
        """Leave to the seam what may repeat a row of the file before: the rows that share the first ts_init."""
        others = frame["ts_init"] != frame["ts_init"][0]
        self._in_first_run = not others.any() and self._fed < CONTEXT_ROWS
        run = len(frame) if not others.any() else others.arg_max() or 0
        self._first = self._judged = max(self._halo.before, run)

    def _judge(self, frame: pl.DataFrame, until: int) -> None:
        """Count marks of the rows from the first unjudged one to `until`; the frame begins at the window."""
        if self._in_first_run or until <= self._judged:
            return
        start, length = self._judged - self._window_from, until - self._judged
        self._judged = until
        for check in self._checks:
            finding = self._result.findings[check.id]
            judge(check, frame, self._context, (start, start + length), finding, self._sample_limit)

    def _keep(self, frame: pl.DataFrame) -> None:
        """Keep what the next row to be judged looks back at: the halo, and the rows that share its ts_init."""
        ts = frame["ts_init"]
        following = min(self._judged - self._window_from, len(frame) - 1)
        run = _run_before(ts, following)
        self._result.cut = self._result.cut or run > CONTEXT_ROWS
        start = min(self._judged - self._window_from - self._halo.before, following - min(run, CONTEXT_ROWS))
        start = max(start, 0)
        self._window = _copied(frame, start, len(frame))
        self._window_from += start


def _copied(frame: pl.DataFrame, start: int, stop: int) -> pl.DataFrame:
    """Return rows [start, stop) as a copy, so that the batch can be freed: a slice would hold all of it."""
    return frame[np.arange(start, min(stop, len(frame)))]


def _in_one_piece(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with times in one piece each: else every rule would copy them to have them as an array."""
    return frame.with_columns(frame[name].rechunk() for name in ("ts_event", "ts_init"))


def _run_before(ts: pl.Series, row: int) -> int:
    """How many rows right before a row share its ts_init."""
    looked = _LOOK
    while True:
        earlier = ts.slice(max(row - looked, 0), min(looked, row)) != ts[row]
        if earlier.any():
            return int(earlier.reverse().arg_max() or 0)
        if looked >= row:
            return row
        looked *= 16
