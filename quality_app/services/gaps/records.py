"""Keep gaps over rescans: the same hole stays the same row, and a filled one stays as history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Any

import numpy as np
import polars as pl
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.gaps.bars import GapScan
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap

# Rows kept per dataset; where more is missing, unexplained and long gaps come first and the rest is counted.
KEPT = 20_000
CHUNK = 500

_CHANGING = ("start_ns", "end_ns", "gap_start", "gap_end", "missing", "severity", "cause", "filled_at", "details")


@dataclass(slots=True)
class _Found:
    """Gaps of a scan as columns, and which of them a row stands for."""

    start: Int64s
    end: Int64s
    missing: list[int]
    cause: list[str]
    severity: list[str]
    taken: set[int]

    def at(self, start_ns: int, end_ns: int) -> int | None:
        """Return the gap with exactly these ends."""
        index = int(np.searchsorted(self.start, start_ns))
        if index < len(self.start) and (self.start[index], self.end[index]) == (start_ns, end_ns):
            return index
        return None

    def overlapping(self, start_ns: int, end_ns: int) -> int | None:
        """Return the free gap that overlaps the most; None when none does."""
        first = int(np.searchsorted(self.end, start_ns))
        last = int(np.searchsorted(self.start, end_ns, side="right"))
        free = [index for index in range(first, last) if index not in self.taken]
        return max(free, key=lambda i: min(int(self.end[i]), end_ns) - max(int(self.start[i]), start_ns), default=None)


def record_gaps(dataset: Dataset, scan: GapScan) -> dict[str, int]:
    """Bring a dataset's rows in line with a whole scan; call it inside a transaction.

    A gap with the same ends keeps its row. One that was filled in part, or grew, keeps its row with new ends and its
    old ones in `details.history`. One that is gone gets `filled_at` where its bars are there now; where none is
    expected any more (another calendar, or the range ends before it) the row is removed.

    Returns:
        How many were new, filled, removed, and not kept.

    """
    gaps = scan.gaps
    found = _Found(
        gaps["start_ns"].to_numpy(),
        gaps["end_ns"].to_numpy(),
        gaps["missing"].to_list(),
        gaps["cause"].to_list(),
        gaps["severity"].to_list(),
        set(),
    )
    changed, rest = _match_exactly(dataset, found)
    now = timezone.now()
    removed: list[Gap] = []
    filled = 0
    for gap in rest:
        index = found.overlapping(gap.start_ns, gap.end_ns)
        if index is not None:
            _move(gap, found, index, now)
            changed.append(gap)
        elif scan.covers(gap.start_ns, gap.end_ns):
            gap.filled_at = now
            changed.append(gap)
            filled += 1
        else:
            removed.append(gap)
    Gap.objects.filter(pk__in=[gap.pk for gap in removed]).delete()
    Gap.objects.bulk_update(changed, _CHANGING, batch_size=CHUNK)
    created, left_out = _create(dataset, found, gaps)
    return {"newGaps": created, "filledGaps": filled, "withdrawnGaps": len(removed), "notKept": left_out}


def _match_exactly(dataset: Dataset, found: _Found) -> tuple[list[Gap], list[Gap]]:
    """Return the rows that a gap with the same ends changes, and the open rows without such a gap."""
    changed, rest = [], []
    for gap in Gap.objects.filter(dataset=dataset):
        index = found.at(gap.start_ns, gap.end_ns)
        if index is None:
            if gap.filled_at is None:
                rest.append(gap)
            continue
        found.taken.add(index)
        before = (gap.missing, gap.severity, gap.cause, gap.filled_at)
        if gap.filled_at is not None:
            gap.details = _with_history(gap, {"filledAt": gap.filled_at.isoformat()})
        _set(gap, found, index)
        if before != (gap.missing, gap.severity, gap.cause, None):
            changed.append(gap)
    return changed, rest


def _move(gap: Gap, found: _Found, index: int, now: datetime) -> None:
    found.taken.add(index)
    gap.details = _with_history(
        gap,
        {
            "startNs": str(gap.start_ns),
            "endNs": str(gap.end_ns),
            "missing": gap.missing,
            "until": now.isoformat(),
        },
    )
    _set(gap, found, index)


def _with_history(gap: Gap, entry: dict[str, Any]) -> dict[str, Any]:
    return {**gap.details, "history": [*gap.details.get("history", []), entry]}


def _set(gap: Gap, found: _Found, index: int) -> None:
    gap.start_ns, gap.end_ns = int(found.start[index]), int(found.end[index])
    gap.gap_start, gap.gap_end = _moment(gap.start_ns), _moment(gap.end_ns)
    gap.missing, gap.cause, gap.severity = found.missing[index], found.cause[index], found.severity[index]
    gap.filled_at = None


def _create(dataset: Dataset, found: _Found, gaps: pl.DataFrame) -> tuple[int, int]:
    room = max(KEPT - len(found.taken), 0)
    fresh = (
        gaps.with_row_index("at")
        .filter(~pl.col("at").is_in(sorted(found.taken)))
        .sort(pl.col("cause") == "illiquid", "missing", descending=[False, True])
    )
    wanted = fresh.head(room)["at"].to_list()
    for chunk in batched(_rows(dataset, found, wanted), CHUNK):
        Gap.objects.bulk_create(chunk)
    return len(wanted), len(fresh) - len(wanted)


def _rows(dataset: Dataset, found: _Found, wanted: Iterable[int]) -> Iterable[Gap]:
    for index in wanted:
        gap = Gap(
            dataset=dataset,
            instrument_id=dataset.instrument_id,
            data_type=dataset.data_type,
            timeframe=dataset.timeframe,
        )
        _set(gap, found, index)
        yield gap


def _moment(ns: int) -> datetime:
    """Return UTC to the microsecond; exact nanoseconds stand beside it."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
