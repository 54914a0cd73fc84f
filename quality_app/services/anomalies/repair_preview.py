"""What a repair will do, row by row: what leaves, and what comes in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from catalog_app.models import Dataset
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.services.maintenance import summaries
from catalog_app.services.preview import readable_files
from catalog_app.services.row_text import as_text, kind_of
from catalog_app.store.errors import StoreError
from catalog_app.store.maintenance import Pinned, Repair, RowRepair, plan
from catalog_app.store.maintenance.repair import require_pinned
from catalog_app.store.maintenance.repairing import rows_at
from catalog_app.store.maintenance.replacements import Wanted, find_replacements
from quality_app.models import Anomaly

ROWS_SHOWN = 200
SAME = "The other store has the very same values, so this row is no fault of one source."

type Place = tuple[str, int]  # file, row in it


@dataclass(slots=True)
class _Draft:
    """A repair in the making: bad rows by place, each with the anomalies that several checks made of it."""

    dataset: Dataset
    found: dict[Place, list[Anomaly]]
    fresh: dict[Place, Place] = field(default_factory=dict)
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, place: Place, reason: str) -> None:
        """Leave a row out, for a reason; JobFailed when it was the last one."""
        self.refused += [{"anomalyId": str(row.pk), "reason": reason} for row in self.found.pop(place)]
        self.fresh.pop(place, None)
        if not self.found:
            reasons = dict.fromkeys(one["reason"] for one in self.refused)
            raise JobFailed(f"None of the rows can be repaired. {' '.join(list(reasons)[:3])}")

    def rows(self) -> pl.DataFrame:
        """The bad rows as the store has them."""
        return rows_at(self.dataset.store.root, self.dataset.data_type, list(self.found))

    def pinned(self) -> tuple[Pinned, ...]:
        """The files as they were when their rows were judged."""
        files = {row.file: row for rows in self.found.values() for row in rows}
        return tuple(Pinned(path, row.file_size, row.file_mtime_ns) for path, row in sorted(files.items()))


def preview_repair(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Read the rows as they are, find what would replace them, and plan the operation; changes nothing.

    Raises:
        JobFailed: when no row is left that can be repaired.

    """
    datasets = Dataset.objects.select_related("store")
    dataset = datasets.filter(pk=parameters["datasetId"]).first()
    source = datasets.filter(pk=parameters["sourceId"]).first() if parameters["sourceId"] else None
    if dataset is None or (parameters["sourceId"] and source is None):
        raise JobFailed("The dataset is no longer in the index.")
    draft = _Draft(dataset, {})
    for row in Anomaly.objects.filter(pk__in=parameters["anomalyIds"]).order_by("file", "row", "check_id"):
        draft.found.setdefault((row.file, row.row), []).append(row)
    if not draft.found:
        raise JobFailed("These anomalies are no longer known.")
    try:
        progress.stage("Reading the rows")
        _leave_changed(draft)
        if source is not None:
            _find_replacing(draft, source, parameters["toleranceNs"], progress)
        request = _request(draft, source)
        progress.stage("Planning")
        made = plan(dataset.store.root, dataset.path, request, lambda *_: progress.check())
        return _result(draft, source, request, summaries.summary(made, dataset, summaries.FILES_LISTED))
    except StoreError as error:
        raise JobFailed(str(error)) from error


def _leave_changed(draft: _Draft) -> None:
    """Leave out rows of files that are not as they were, and rows that have another ts_init."""
    for file in draft.pinned():
        try:
            require_pinned(draft.dataset.store.root, [file])
        except StoreError as error:
            for place in [place for place in draft.found if place[0] == file.path]:
                draft.refuse(place, f"{error}.")
    for place, ts_init in zip(list(draft.found), draft.rows()["ts_init"], strict=True):
        if ts_init != draft.found[place][0].ts_init_ns:
            draft.refuse(place, f"{place[0]}: row {place[1]} is another one by now. Validate the dataset again.")


def _find_replacing(draft: _Draft, source: Dataset, tolerance_ns: int, progress: Progress) -> None:
    """Find the row of the source for each bad row; leave out those that have none, or have the same values there."""
    bad, places, files = draft.rows(), list(draft.found), readable_files(source)
    ids = bad["trade_id"] if "trade_id" in bad.columns else [None] * bad.height
    wanted = [Wanted(*row) for row in zip(bad["ts_event"], bad["ts_init"], ids, strict=True)]
    progress.stage(f"Looking for them in {source.store}", total=sum(file.rows or 0 for file in files))
    paths = [file.path for file in files]
    matches = find_replacements(source.store.root, paths, source.data_type, wanted, tolerance_ns, _counting(progress))
    draft.fresh = {
        place: (match.file, match.row) for place, match in zip(places, matches, strict=True) if not match.reason
    }
    for place, match in zip(places, matches, strict=True):
        if match.reason:
            draft.refuse(place, match.reason)
    values = [name for name in bad.columns if name not in {"ts_event", "ts_init"}]
    pairs = zip(
        list(draft.found), draft.rows().rows(named=True), _fresh_rows(draft, source).rows(named=True), strict=True
    )
    for place, before, after in list(pairs):
        if all(before[name] == after[name] for name in values):
            draft.refuse(place, SAME)


def _fresh_rows(draft: _Draft, source: Dataset) -> pl.DataFrame:
    """The replacing rows in the order of the bad ones, at the ts_init of these."""
    rows = rows_at(source.store.root, source.data_type, [draft.fresh[place] for place in draft.found])
    return rows.with_columns(pl.Series("ts_init", [rows[0].ts_init_ns for rows in draft.found.values()], pl.Int64))


def _request(draft: _Draft, source: Dataset | None) -> Repair:
    rows = tuple(
        RowRepair(*place, rows[0].ts_init_ns, *draft.fresh.get(place, ())) for place, rows in draft.found.items()
    )
    used = {file for file, _ in draft.fresh.values()}
    files = source.files.filter(path__in=used).order_by("path") if source is not None else ()
    pinned = tuple(Pinned(file.path, file.size_bytes, file.mtime_ns) for file in files)
    return Repair(rows, draft.pinned(), source.store.root if source is not None else None, pinned)


def _result(draft: _Draft, source: Dataset | None, request: Repair, plan_: dict[str, Any]) -> dict[str, Any]:
    bad = draft.rows()
    before = as_text(bad.head(ROWS_SHOWN), draft.dataset)
    after = as_text(_fresh_rows(draft, source).head(ROWS_SHOWN), draft.dataset) if source is not None else None
    found = list(draft.found.items())[:ROWS_SHOWN]
    rows = [
        {
            "file": place[0],
            "row": place[1],
            "anomalyIds": [str(one.pk) for one in anomalies],
            "checks": [one.check_id for one in anomalies],
            "before": before[at],
            "after": after[at] if after is not None else None,
        }
        for at, (place, anomalies) in enumerate(found)
    ]
    return {
        "plans": [plan_],
        "totals": summaries.totals([plan_]),
        "request": request.to_json(),
        "anomalyIds": [str(one.pk) for rows in draft.found.values() for one in rows],
        "kinds": {name: kind_of(name, kind, draft.dataset.data_type) for name, kind in bad.schema.items()},
        "rows": rows,
        "number": len(draft.found),
        "refused": draft.refused,
        "datasetIds": [],
    }


def _counting(progress: Progress) -> Callable[[int], None]:
    def seen(rows: int) -> None:
        progress.advance(rows)
        progress.check()

    return seen
