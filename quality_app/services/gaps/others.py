"""Other data of a gap's instrument that is there where the gap is."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services.preview import read, readable_files
from catalog_app.store import reader
from catalog_app.store.errors import StoreError

SHOWN = 20
# A page is waited for: files that reach into a gap are counted up to this many rows.
MOST_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class Other:
    """A dataset and its rows in a time: None where they were not counted, since they are too many or unreadable."""

    dataset: Dataset
    rows: int | None


def others_in(dataset: Dataset, span: tuple[int, int]) -> list[Other]:
    """Other datasets of the same instrument, in any store, that have rows in a time (ns UTC, inclusive).

    The same kind of data comes first. At most SHOWN are looked at.
    """
    same = (dataset.data_type, dataset.timeframe)
    found = sorted(_reaching(dataset, span)[: 2 * SHOWN], key=lambda one: (one.data_type, one.timeframe) != same)
    counted = [Other(one, _rows_in(one, span)) for one in found[:SHOWN]]
    return [one for one in counted if one.rows != 0]


def _reaching(dataset: Dataset, span: tuple[int, int]) -> QuerySet[Dataset]:
    """Datasets of the instrument with a file whose range meets the span."""
    files = DataFile.objects.filter(
        dataset__isnull=False, state=IndexState.OK, start_ns__lte=span[1], end_ns__gte=span[0], rows__gt=0
    )
    named = Dataset.objects.annotate(plain=Replace(F("instrument_id"), Value("/"), Value("")))
    mine = named.filter(plain=dataset.instrument_id.replace("/", "")).exclude(instrument_id="").exclude(pk=dataset.pk)
    held = mine.filter(start_ns__lte=span[1], end_ns__gte=span[0], pk__in=files.values("dataset"))
    return held.select_related("store").order_by("data_type", "timeframe", "store__name", "path")


def _rows_in(dataset: Dataset, span: tuple[int, int]) -> int | None:
    first, last = span
    meeting = [one for one in readable_files(dataset) if (one.start_ns or 0) <= last and (one.end_ns or 0) >= first]
    inner = [one for one in meeting if first <= (one.start_ns or 0) and (one.end_ns or 0) <= last]
    edge = [one for one in meeting if one not in inner]
    if sum(one.rows or 0 for one in edge) > MOST_ROWS:
        return None
    try:
        return sum(one.rows or 0 for one in inner) + sum(_count(dataset, one, span) for one in edge)
    except StoreError:
        return None


def _count(dataset: Dataset, file: DataFile, span: tuple[int, int]) -> int:
    rows = reader.scan(dataset.store.root, [file.path], dataset.data_type, start_ns=span[0], end_ns=span[1])
    return int(read(rows.select(pl.len()), file.path).item())
