"""Keep gaps over rescans: the same hole stays the same row, and a filled one stays as history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap

# Rows kept per dataset; where more is missing, unexplained and long gaps come first and the rest is counted.
KEPT = 20_000
# Shorter pauses of quiet trading are counted and not kept one by one: thin instruments have thousands.
QUIET_NS = 600 * 10**9
CHUNK = 500

_MEASURED = ("start_ns", "end_ns", "missing", "lost_ns", "severity", "cause")
_COMPARED = (*_MEASURED, "filled_at")
_CHANGING = (*_COMPARED, "gap_start", "gap_end", "details", "expected_reason", "expected_by", "expected_at")


@dataclass(slots=True)
class Kept:
    """What became of a scan's gaps; `expected` are rows of its frame that a user marked as expected."""

    created: int = 0
    filled: int = 0
    removed: int = 0
    left_out: int = 0
    quiet: int = 0
    expected: set[int] = field(default_factory=set)

    def to_json(self) -> dict[str, int]:
        """Return the counts as JSON."""
        return {
            "newGaps": self.created,
            "filledGaps": self.filled,
            "withdrawnGaps": self.removed,
            "notKept": self.left_out,
            "shortQuietGaps": self.quiet,
        }


@dataclass(slots=True)
class _Found:
    """Gaps of one unit: where they stand in the scan's frame, their ends, and which of them a row stands for."""

    at: list[int]
    start: Int64s
    end: Int64s
    rows: list[dict[str, Any]]
    places: dict[tuple[int, int], int]
    taken: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, gaps: pl.DataFrame) -> _Found:
        """Take gaps of one unit, in order, with `at`."""
        rows, start, end = gaps.to_dicts(), gaps["start_ns"].to_numpy(), gaps["end_ns"].to_numpy()
        places = {(row["start_ns"], row["end_ns"]): index for index, row in enumerate(rows)}
        return cls(gaps["at"].to_list(), start, end, rows, places)

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
    (another calendar, or the range ends before it) the row is removed. Pauses of quiet trading below QUIET_NS are only
    counted; a gap of which nothing else is left is removed, not filled.

    Args:
        dataset: Whose gaps they are.
        gaps: Schema GAPS.
        covers: Whether something is expected between two times, within the range that was scanned.

    """
    kept = Kept()
    is_short = (pl.col("cause") == Gap.Cause.ILLIQUID) & (pl.col("lost_ns") < QUIET_NS)
    rows = gaps.with_row_index("at")
    short = rows.filter(is_short)
    kept.quiet = len(short)
    for unit in Gap.Unit.values:
        found, pauses = _Found.of(rows.filter(~is_short, unit=unit)), short.filter(unit=unit)

        def is_filled(gap: Gap, pauses: pl.DataFrame = pauses) -> bool:
            meets = (pl.col("start_ns") <= gap.end_ns) & (pl.col("end_ns") >= gap.start_ns)
            return covers(gap.start_ns, gap.end_ns) and pauses.filter(meets).is_empty()

        _bring_in_line(dataset, unit, found, is_filled, kept)
        _create(dataset, found, kept)
    return kept


def _bring_in_line(dataset: Dataset, unit: str, found: _Found, is_filled: Callable[[Gap], bool], kept: Kept) -> None:
    changed, rest = _match_exactly(dataset, unit, found, kept)
    now = timezone.now()
    removed: list[Gap] = []
    for gap in rest:
        index = found.overlapping(gap.start_ns, gap.end_ns)
        if index is not None:
            _move(gap, found, index, now, kept)
            changed.append(gap)
        elif is_filled(gap):
            gap.filled_at = now
            changed.append(gap)
            kept.filled += 1
        else:
            removed.append(gap)
    kept.removed += len(removed)
    Gap.objects.filter(pk__in=[gap.pk for gap in removed]).delete()
    Gap.objects.bulk_update(changed, _CHANGING, batch_size=CHUNK)


def _match_exactly(dataset: Dataset, unit: str, found: _Found, kept: Kept) -> tuple[list[Gap], list[Gap]]:
    """Return the rows that a gap with the same ends changes, and the open rows without such a gap.

    Most rows are as they were: those are compared as they come from the database, without making objects of them.
    """
    mine = Gap.objects.filter(dataset=dataset, unit=unit)
    differing: dict[UUID, int] = {}
    lost = []
    for key, expected_at, *before in mine.values_list("pk", "expected_at", *_COMPARED):
        start_ns, end_ns, *_, filled_at = before
        index = found.places.get((start_ns, end_ns))
        if index is None:
            if filled_at is None:
                lost.append(key)
            continue
        found.taken.add(index)
        if expected_at is not None:
            kept.expected.add(found.at[index])
        if before != [*(found.rows[index][name] for name in _COMPARED[:-1]), None]:
            differing[key] = index
    changed, rest = [], []
    for gap in Gap.objects.filter(pk__in=[*differing, *lost]).order_by("start_ns"):
        if gap.pk not in differing:
            rest.append(gap)
            continue
        if gap.filled_at is not None:
            gap.details = _with_history(gap, {"filledAt": gap.filled_at.isoformat()})
        _set(gap, found.rows[differing[gap.pk]])
        changed.append(gap)
    return changed, rest


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
