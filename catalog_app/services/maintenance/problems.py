"""What the index knows to be wrong with a dataset's files, and which operation mends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet, RowRange, Window

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState

SMALL_BYTES = 8 * 1024**2
MANY_SMALL = 8

_MISNAMED = Q(start_ns__isnull=False) & (
    Q(name_start_ns__isnull=True) | ~Q(name_start_ns=F("start_ns")) | ~Q(name_end_ns=F("end_ns"))
)
_UNREADABLE = Q(state=IndexState.UNREADABLE)
_SMALL = Q(size_bytes__lt=SMALL_BYTES)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a dataset: how many files have it, and the kind of operation that mends it, where one does."""

    name: str
    text: str
    mended_by: str


# Name in an address -> label of the filter.
PROBLEMS = {
    "overlaps": "Overlapping files",
    "names": "Wrong file names",
    "small": "Many small files",
    "unreadable": "Unreadable files",
}


def problems_of(datasets: Iterable[Dataset]) -> dict[UUID, list[Problem]]:
    """The problems of these datasets by key, from two queries."""
    files = DataFile.objects.filter(role=DataFile.Role.DATA, dataset__in=[dataset.pk for dataset in datasets])
    overlaps = _overlap_counts(files)
    rows = files.values("dataset").annotate(
        names=Count("pk", filter=_MISNAMED),
        small=Count("pk", filter=_SMALL),
        unreadable=Count("pk", filter=_UNREADABLE),
    )
    return {row["dataset"]: _problems(row, overlaps.get(row["dataset"], 0)) for row in rows}


def having(name: str) -> QuerySet[Dataset]:
    """The datasets with a problem of PROBLEMS; none for another name."""
    files = DataFile.objects.filter(role=DataFile.Role.DATA, dataset__isnull=False)
    wanted: dict[str, Any] = {
        "overlaps": lambda: _overlap_counts(files),
        "names": lambda: files.filter(_MISNAMED).values("dataset"),
        "small": lambda: (
            files.filter(_SMALL).values("dataset").annotate(number=Count("pk")).filter(number__gte=MANY_SMALL)
        ).values("dataset"),
        "unreadable": lambda: files.filter(_UNREADABLE).values("dataset"),
    }
    return Dataset.objects.filter(pk__in=wanted[name]()) if name in wanted else Dataset.objects.none()


def _overlap_counts(files: QuerySet[DataFile]) -> dict[UUID, int]:
    """By dataset, how many files begin before an earlier one has ended (NautilusTrader's intervals are closed)."""
    before = Window(
        Max("end_ns"),
        partition_by=F("dataset"),
        order_by=(F("start_ns").asc(), F("end_ns").asc(), F("pk").asc()),
        frame=RowRange(None, -1),
    )
    found = files.filter(start_ns__isnull=False).annotate(ended=before).filter(ended__gte=F("start_ns"))
    counts: dict[UUID, int] = {}
    for key in found.values_list("dataset", flat=True):
        counts[key] = counts.get(key, 0) + 1
    return counts


def _problems(row: Mapping[str, Any], overlaps: int) -> list[Problem]:
    found = []
    if row["unreadable"]:
        found.append(Problem("unreadable", f"{row['unreadable']:,} unreadable", ""))
    if overlaps:
        found.append(Problem("overlaps", f"{overlaps:,} overlapping", "split_overlaps"))
    if row["names"]:
        found.append(Problem("names", f"{row['names']:,} misnamed", "rename_files"))
    if row["small"] >= MANY_SMALL:
        found.append(Problem("small", f"{row['small']:,} small", "consolidate"))
    return found
