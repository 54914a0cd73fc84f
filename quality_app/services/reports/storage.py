"""Sections on how much there is and what changed it: growth of storage, operations on the stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, Sum

from catalog_app.models import Dataset, StoreOperation
from quality_app.models import QualityReport
from quality_app.services.reports.document import Chart, Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, grouped, named, of
from quality_app.services.reports.history import AMOUNTS

_LABELS: Final = {"rows": "Rows", "size_bytes": "Size"}
_FIELDS: Final = {"rows": "record_count", "size_bytes": "size_bytes"}
_UNITS: Final = {"rows": "count", "size_bytes": "bytes"}


def storage(facts: Facts) -> Section:
    """Rows and bytes now, and how they grew since the period's start."""
    parts = {"venue": "venue", "instrument_id": "instrument"}
    by = "instrument_id" if facts.scope.kind in {QualityReport.Scope.VENUE, QualityReport.Scope.INSTRUMENT} else "venue"
    figures = [figure for name in AMOUNTS for figure in _amounts(facts, name)]
    charts = [_trend(facts, name) for name in AMOUNTS]
    note = "Growth is over datasets whose amount at the period's start is known; others are counted in neither."
    tables = [_by_part(facts, by, parts[by]), _grown(facts)]
    return Section("storage", "Storage", note, figures, charts, tables)


def _amounts(facts: Facts, name: str) -> list[Figure]:
    known = {one.pk: value for one in facts.datasets if (value := getattr(one, _FIELDS[name])) is not None}
    before = facts.history.at_start.get(name, {})
    both = known.keys() & before.keys()
    grown = sum(known[key] for key in both) - int(sum((before[key] for key in both), Decimal(0)))
    amounts = of(len(known), len(facts.datasets), "datasets")
    return [
        Figure(name, _LABELS[name], _UNITS[name], sum(known.values()) if known else None, amounts),
        Figure(
            f"{name}_growth",
            f"{_LABELS[name]}, growth",
            f"{_UNITS[name]}_change",
            grown if both else None,
            of(len(both), len(facts.datasets), "datasets"),
        ),
    ]


def _by_part(facts: Facts, field: str, noun: str) -> Table:
    before = facts.history.at_start
    rows: list[Row] = []
    for part, mine in grouped(facts.datasets, lambda one: getattr(one, field)):
        rows.append(
            {
                "part": part or "(none)",
                "datasets": len(mine),
                "rows": sum(one.record_count or 0 for one in mine),
                "bytes": sum(one.size_bytes for one in mine),
                "rowsGrowth": _growth(mine, "record_count", before.get("rows", {})),
                "bytesGrowth": _growth(mine, "size_bytes", before.get("size_bytes", {})),
            }
        )
    rows.sort(key=lambda row: -int(row["bytes"] or 0))
    columns = [
        Column("part", noun.capitalize(), noun if noun == "venue" else "text"),
        Column("datasets", "Datasets", "count"),
        Column("rows", "Rows", "count"),
        Column("rowsGrowth", "Growth", "count_change"),
        Column("bytes", "Size", "bytes"),
        Column("bytesGrowth", "Growth", "bytes_change"),
    ]
    return Table("parts", f"By {noun}, the largest first", columns, rows[:SHOWN], len(rows))


def _grown(facts: Facts) -> Table:
    before = facts.history.at_start.get("size_bytes", {})
    changed = [(one, one.size_bytes - int(before[one.pk])) for one in facts.datasets if one.pk in before]
    moved = sorted((pair for pair in changed if pair[1]), key=lambda pair: -abs(pair[1]))
    rows: list[Row] = [{**named(one), "bytes": one.size_bytes, "growth": change} for one, change in moved[:SHOWN]]
    columns = [
        Column("dataset", "Dataset", "dataset"),
        Column("store", "Store"),
        Column("bytes", "Size", "bytes"),
        Column("growth", "Growth", "bytes_change"),
    ]
    empty = "No size changed." if before else "No size is known of the period's start."
    return Table("grown", "Datasets that grew or shrank most", columns, rows, len(moved), empty)


def operations(facts: Facts) -> Section:
    """What the desk changed in the stores during the period."""
    mine = facts.scope.datasets().filter(store=OuterRef("store"), path=OuterRef("path"))
    found = StoreOperation.objects.filter(Exists(mine), created_at__gt=facts.start, created_at__lte=facts.end)
    counted = found.order_by().values("kind").annotate(
        n=Count("pk"),
        undone=Count("pk", filter=Q(state=StoreOperation.State.UNDONE)),
        left=Sum("file_count_before"),
        came=Sum("file_count_after"),
        out=Sum("bytes_before"),
        into=Sum("bytes_after"),
    )  # fmt: skip
    rows: list[Row] = [
        {
            "kind": row["kind"].replace("_", " ").capitalize(),
            "operations": row["n"],
            "undone": row["undone"],
            "left": row["left"],
            "came": row["came"],
            "bytes": row["into"] - row["out"],
        }
        for row in counted.order_by("-n", "kind")
    ]
    columns = [
        Column("kind", "Operation"),
        Column("operations", "Number", "count"),
        Column("undone", "Of these undone", "count"),
        Column("left", "Files that left", "count"),
        Column("came", "Files that came", "count"),
        Column("bytes", "Bytes", "bytes_change"),
    ]
    table = Table("operations", "", columns, rows, len(rows), "The desk changed no file of these datasets.")
    return Section("operations", "Operations on the stores", "Committed in the period.", tables=[table])


def _trend(facts: Facts, name: str) -> Chart:
    trend = facts.history.trends[name]
    values = [int(total) if number else None for total, number in zip(trend.sums, trend.measured, strict=True)]
    labels = [tick.isoformat().replace("+00:00", "Z") for tick in facts.history.ticks]
    last = trend.measured[-1] if trend.measured else 0
    measured = f"{last:,} datasets at the end"
    return Chart(name, f"{_LABELS[name]} over time", "line", _UNITS[name], labels, values, measured)


def _growth(datasets: Sequence[Dataset], field: str, before: Mapping[UUID, Decimal]) -> int | None:
    pairs = [
        (value, before[one.pk]) for one in datasets if one.pk in before and (value := getattr(one, field)) is not None
    ]
    return sum(now - int(was) for now, was in pairs) if pairs else None
