"""An anomaly's row among its neighbours, read from the store as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from catalog_app.services.preview import RowPage, readable_files, row_page
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.checks.check import Check
from quality_app.checks.registry import CHECKS
from quality_app.models import Anomaly, CheckResult
from quality_app.services.context import require_unchanged
from quality_app.services.inputs import inputs_of

AROUND = 20
HALF_HOUR_NS = 1_800 * 10**9
CHANGED = (
    "The file was written anew, moved or removed since the row was found in it. Validate the dataset: an anomaly that "
    "is still there shows its new place, with everything that was decided about it."
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows before and after an anomaly's row; `at` is its place among them.

    `start_ns` and `end_ns` span some five times as much, for a chart. Where the row cannot be shown, `problem` says
    why, `page` is None, and the span is an hour around it.
    """

    page: RowPage | None = None
    at: int = 0
    start_ns: int = 0
    end_ns: int = 0
    problem: str = ""


def neighbours(anomaly: Anomaly) -> Neighbours:
    """Read up to AROUND rows on either side, over the ends of files too; nothing is read of files that changed."""
    dataset = anomaly.dataset
    files = readable_files(dataset)
    before = 0
    for file in files:
        if file.path == anomaly.file:
            break
        before += file.rows or 0
    else:
        return _without(anomaly, CHANGED)
    if (file.size_bytes, file.mtime_ns) != (anomaly.file_size, anomaly.file_mtime_ns):
        return _without(anomaly, CHANGED)
    position = before + anomaly.row
    first = max(position - AROUND, 0)
    try:
        require_unchanged(StoreRoot.at(dataset.store.root), file)
        page = row_page(dataset, first, position + AROUND + 1 - first)
    except ServiceError:
        return _without(anomaly, CHANGED)
    except StoreError as error:
        return _without(anomaly, str(error))
    return _among(page, position - page.position, anomaly)


def _without(anomaly: Anomaly, problem: str) -> Neighbours:
    at = anomaly.ts_init_ns
    return Neighbours(start_ns=max(at - HALF_HOUR_NS, 0), end_ns=at + HALF_HOUR_NS, problem=problem)


def _among(page: RowPage, at: int, anomaly: Anomaly) -> Neighbours:
    row = page.rows[at] if at < len(page.rows) else {}
    if (row.get("file"), row.get("row"), row.get("ts_init")) != (anomaly.file, anomaly.row, anomaly.ts_init_ns):
        return _without(anomaly, CHANGED)
    times = [int(str(one["ts_init"])) for one in page.rows]
    low, high = min(times), max(times)
    margin = 2 * max(high - low, 1)
    return Neighbours(page, at, max(low - margin, 0), high + margin)


@dataclass(frozen=True, slots=True)
class Found:
    """The check that found an anomaly: its rule (None when it was retired), and what it was run with."""

    rule: Check | None
    inputs: list[tuple[str, str]]


def found_by(anomaly: Anomaly) -> Found:
    """The check of an anomaly, with the parameters and facts of its latest result on the dataset."""
    rule = CHECKS.get(anomaly.check_id)
    results = CheckResult.objects.filter(run__dataset=anomaly.dataset_id, check_id=anomaly.check_id)
    params = results.order_by("-run__finished_at").values_list("params", flat=True).first() or {}
    return Found(rule, inputs_of(rule, params))


def sources_for(dataset: Dataset) -> list[Dataset]:
    """Datasets of the same instrument and kind in other stores: where a bad row's replacement may come from."""
    same = {name: getattr(dataset, name) for name in ("instrument_id", "data_type", "timeframe")}
    found = (
        Dataset.objects.filter(**same).exclude(store=dataset.store_id)
        if dataset.instrument_id
        else Dataset.objects.none()
    )
    return list(found.select_related("store").order_by("store__name", "path"))
