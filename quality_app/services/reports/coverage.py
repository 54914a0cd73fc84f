"""The section on how much was validated."""

from __future__ import annotations

from django.db.models import Count, Sum

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType, IndexState
from quality_app.models import ValidationRun
from quality_app.services.reports.document import Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import Facts, grouped, of, share_text


def coverage(facts: Facts) -> Section:
    """How much was validated at all, and in the period."""
    able = [one for one in facts.datasets if one.state != IndexState.UNSUPPORTED]
    validated = [one for one in able if one.pk in facts.runs]
    current = [one for one in validated if facts.runs[one.pk].rows == one.record_count]
    rows, covered = (sum(one.record_count or 0 for one in some) for some in (able, current))
    measured = of(len(validated), len(able), "datasets")
    figures = [
        Figure("share", "Validated", "share", share_text(len(validated), len(able)), measured, better="up"),
        Figure("rows", "Rows validated", "share", share_text(covered, rows), of(covered, rows, "rows"), better="up"),
        Figure("outdated", "Outdated", "count", len(validated) - len(current), "other rows since", better="down"),
        Figure("never", "Never validated", "count", len(able) - len(validated), measured, better="down"),
        Figure("unsupported", "Not supported", "count", len(facts.datasets) - len(able), "cannot be validated"),
        _runs(facts),
    ]
    return Section("coverage", "Coverage of validation", "", figures, (), [_by_type(facts, able)])


def _runs(facts: Facts) -> Figure:
    mine = ValidationRun.objects.filter(dataset__in=facts.keys)
    within = mine.filter(finished_at__gt=facts.start, finished_at__lte=facts.end)
    runs = within.aggregate(n=Count("pk"), datasets=Count("dataset", distinct=True), looked=Sum("rows", default=0))
    measured = f"in the period; {runs['datasets']:,} datasets, {runs['looked']:,} rows"
    return Figure("runs", "Runs", "count", runs["n"], measured)


def _by_type(facts: Facts, datasets: list[Dataset]) -> Table:
    labels = dict(DataType.choices)
    rows: list[Row] = []
    for name, mine in grouped(datasets, lambda one: one.data_type):
        validated = sum(one.pk in facts.runs for one in mine)
        scanned = sum(1 for one in mine if one.last_scanned) if name == DataType.BAR else None
        rows.append(
            {
                "type": str(labels.get(name, name)),
                "datasets": len(mine),
                "validated": validated,
                "share": share_text(validated, len(mine)),
                "scanned": scanned,
            }
        )
    columns = [
        Column("type", "Data type"),
        Column("datasets", "Datasets", "count"),
        Column("validated", "Validated", "count"),
        Column("share", "Share", "share"),
        Column("scanned", "Scanned for gaps", "scanned"),
    ]
    return Table("types", "By data type", columns, rows, len(rows))
