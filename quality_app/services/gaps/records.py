"""Keep gaps over rescans: the same hole stays the same row, and a filled one stays as history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from typing import Any

import numpy as np
import polars as pl
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap

# Rows kept per dataset; where more is missing, unexplained and long gaps come first and the rest is counted.
KEPT = 20_000
CHUNK = 500

_MEASURED = ("start_ns", "end_ns", "gap_start", "gap_end", "missing", "lost_ns", "severity", "cause")
_CHANGING = (*_MEASURED, "filled_at", "details", "expected_reason", "expected_by", "expected_at")


@dataclass(slots=True)
class Kept:
    """What became of a scan's gaps; `expected` are rows of its frame that a user marked as expected."""

    created: int = 0
    filled: int = 0
    removed: int = 0
    left_out: int = 0
    expected: set[int] = field(default_factory=set)

    def to_json(self) -> dict[str, int]:
        """Return the counts as JSON."""
        return {
            "newGaps": self.created,
            "filledGaps": self.filled,
            "withdrawnGaps": self.removed,
            "notKept": self.left_out,
        }


@dataclass(slots=True)
class _Found:
    """Gaps of one unit as columns, where they stand in the scan's frame, and which of them a row stands for."""

    at: list[int]
    start: Int64s
    end: Int64s
    rows: list[dict[str, Any]]
    taken: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, gaps: pl.DataFrame) -> _Found:
        """Take gaps of one unit, in order, with `at`."""
        return cls(gaps["at"].to_list(), gaps["start_ns"].to_numpy(), gaps["end_ns"].to_numpy(), gaps.to_dicts())

    def exactly(self, start_ns: int, end_ns: int) -> int | None:
        """Return the gap with exactly these ends."""
        first, last = np.searchsorted(self.start, [start_ns, start_ns + 1])
        return next((index for index in range(int(first), int(last)) if self.end[index] == end_ns), None)

    def overlapping(self, start_ns: int, end_ns: int) -> int | None:
        """Return the free gap that overlaps the most; None when none does."""
        first = int(np.searchsorted(self.end, start_ns))
        last = int(np.searchsorted(self.start, end_ns, side="right"))
        free = [index for index in range(first, last) if index not in self.taken]
        return max(free, key=lambda i: min(int(self.end[i]), end_ns) - max(int(self.start[i]), start_ns), default=None)


def record_gaps(dataset: Dataset, gaps: pl.DataFrame, covers: Callable[[int, int], bool]) -> Kept:
    """Bring a dataset's rows in line with a whole scan; call it inside a transaction.

    A gap with the same ends keeps its row. One that was filled in part, or grew, keeps its row with new ends and its
    old ones in `details.history`; a mark as expected holds for what is left of it, and no longer when it grew. One
    that is gone gets `filled_at` where something is expected, and so there, now; where nothing is expected any more
    (another calendar, or the range ends before it) the row is removed.

    Args:
        dataset: Whose gaps they are.
        gaps: Schema GAPS.
        covers: Whether something is expected between two times, within the range that was scanned.

    """
    kept = Kept()
    rows = gaps.with_row_index("at")
    for unit in Gap.Unit.values:
        found = _Found.of(rows.filter(unit=unit))
        _bring_in_line(dataset, unit, found, covers, kept)
        _create(dataset, found, kept)
    return kept


def _bring_in_line(dataset: Dataset, unit: str, found: _Found, covers: Callable[[int, int], bool], kept: Kept) -> None:
    changed, rest = _match_exactly(dataset, unit, found, kept)
    now = timezone.now()
    removed: list[Gap] = []
    for gap in rest:
        index = found.overlapping(gap.start_ns, gap.end_ns)
        if index is not None:
            _move(gap, found, index, now, kept)
            changed.append(gap)
        elif covers(gap.start_ns, gap.end_ns):
            gap.filled_at = now
            changed.append(gap)
            kept.filled += 1
        else:
            removed.append(gap)
    kept.removed += len(removed)
    Gap.objects.filter(pk__in=[gap.pk for gap in removed]).delete()
    Gap.objects.bulk_update(changed, _CHANGING, batch_size=CHUNK)


def _match_exactly(dataset: Dataset, unit: str, found: _Found, kept: Kept) -> tuple[list[Gap], list[Gap]]:
    """Return the rows that a gap with the same ends changes, and the open rows without such a gap."""
    changed, rest = [], []
    for gap in Gap.objects.filter(dataset=dataset, unit=unit):
        index = found.exactly(gap.start_ns, gap.end_ns)
        if index is None:
            if gap.filled_at is None:
                rest.append(gap)
            continue
        found.taken.add(index)
        before = _measured(gap)
        if gap.filled_at is not None:
            gap.details = _with_history(gap, {"filledAt": gap.filled_at.isoformat()})
        _set(gap, found.rows[index])
        if gap.expected_at is not None:
            kept.expected.add(found.at[index])
        if before != _measured(gap):
            changed.append(gap)
    return changed, rest


def _measured(gap: Gap) -> tuple[object, ...]:
    return (*(getattr(gap, name) for name in _MEASURED), gap.filled_at)


def _move(gap: Gap, found: _Found, index: int, now: datetime, kept: Kept) -> None:
    found.taken.add(index)
    new = found.rows[index]
    entry = {
        "startNs": str(gap.start_ns),
        "endNs": str(gap.end_ns),
        "missing": gap.missing,
        "until": now.isoformat(),
    }
    if gap.expected_at is not None and gap.start_ns <= new["start_ns"] and new["end_ns"] <= gap.end_ns:
        kept.expected.add(found.at[index])
    elif gap.expected_at is not None:
        entry["expectedReason"] = gap.expected_reason
        gap.expected_reason, gap.expected_by, gap.expected_at = "", None, None
    gap.details = _with_history(gap, entry)
    _set(gap, new)


def _with_history(gap: Gap, entry: dict[str, Any]) -> dict[str, Any]:
    return {**gap.details, "history": [*gap.details.get("history", []), entry]}


def _set(gap: Gap, row: dict[str, Any]) -> None:
    gap.start_ns, gap.end_ns = row["start_ns"], row["end_ns"]
    gap.gap_start, gap.gap_end = _moment(gap.start_ns), _moment(gap.end_ns)
    gap.missing, gap.lost_ns, gap.cause, gap.severity = row["missing"], row["lost_ns"], row["cause"], row["severity"]
    gap.filled_at = None


def _create(dataset: Dataset, found: _Found, kept: Kept) -> None:
    room = max(KEPT - len(found.taken), 0)
    fresh = [row for index, row in enumerate(found.rows) if index not in found.taken]
    fresh.sort(key=lambda row: (row["cause"] == Gap.Cause.ILLIQUID, -row["missing"]))
    for chunk in batched(_rows(dataset, fresh[:room]), CHUNK):
        Gap.objects.bulk_create(chunk)
    kept.created += min(len(fresh), room)
    kept.left_out += max(len(fresh) - room, 0)


def _rows(dataset: Dataset, wanted: Iterable[dict[str, Any]]) -> Iterable[Gap]:
    for row in wanted:
        gap = Gap(
            dataset=dataset,
            instrument_id=dataset.instrument_id,
            data_type=dataset.data_type,
            timeframe=dataset.timeframe,
            unit=row["unit"],
        )
        _set(gap, row)
        yield gap


def _moment(ns: int) -> datetime:
    """Return UTC to the microsecond; exact nanoseconds stand beside it."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
