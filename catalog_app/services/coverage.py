"""Where datasets have files, as strips over a common range of time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, Q, When

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState

WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Strip:
    """One dataset's files as (left, width) in units of the common range / WIDTH."""

    dataset: Dataset
    segments: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Strips and the range they stand in, ns UTC."""

    start_ns: int
    end_ns: int
    strips: list[Strip]


def coverage(datasets: Sequence[Dataset]) -> Coverage | None:
    """Strips of the datasets that have rows, in one query; None when none has.

    A strip shows files by the ts_init of their rows, by their names while they were not read. Holes inside a
    file are not seen here: the gap scan finds them.
    """
    known = [d for d in datasets if d.start_ns is not None and d.end_ns is not None]
    if not known:
        return None
    start = min(d.start_ns or 0 for d in known)
    end = max(d.end_ns or 0 for d in known)
    intervals: dict[object, list[tuple[int, int]]] = defaultdict(list)
    listed = Q(state=IndexState.LISTED)
    first = Case(When(listed, then=F("name_start_ns")), default=F("start_ns"))
    last = Case(When(listed, then=F("name_end_ns")), default=F("end_ns"))
    files = DataFile.objects.filter(dataset__in=known).annotate(first=first, last=last)
    found = files.filter(first__isnull=False, last__isnull=False).order_by("first")
    for dataset_id, left, right in found.values_list("dataset_id", "first", "last"):
        intervals[dataset_id].append((left, right))
    return Coverage(start, end, [Strip(d, segments(intervals[d.pk], start, end)) for d in known])


def segments(intervals: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[float, float]]:
    """Scale sorted closed intervals to (left, width), joining those closer than half a unit.

    At most 2 x WIDTH segments come out, each at least one unit wide so that it can be seen.
    """
    span = max(end - start, 1)
    joined: list[list[float]] = []
    for first, last in intervals:
        left, right = (first - start) * WIDTH / span, (last - start) * WIDTH / span
        if joined and left - joined[-1][1] < 0.5:
            joined[-1][1] = max(joined[-1][1], right)
        else:
            joined.append([left, right])
    return [(round(min(left, WIDTH - 1), 2), round(max(right - left, 1), 2)) for left, right in joined]
