"""The section on missing data."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, Count, Q, QuerySet, Sum, Value, When

from quality_app.models import Gap
from quality_app.services.reports.document import Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, of

_SEVERITIES: Final = ("high", "medium", "low")
_UNEXPLAINED: Final = ~Q(cause=Gap.Cause.ILLIQUID)


def gaps(facts: Facts) -> Section:
    """Missing data: found and filled in the period, and open at its end."""
    mine = Gap.objects.filter(dataset__in=facts.keys).order_by()
    new = Q(detected_at__gt=facts.start, detected_at__lte=facts.end)
    counts = mine.aggregate(
        open=Count("pk", filter=_open_at(facts.end) & _UNEXPLAINED),
        before=Count("pk", filter=_open_at(facts.start) & _UNEXPLAINED),
        missing=Sum("missing", filter=_open_at(facts.end) & _UNEXPLAINED, default=0),
        illiquid=Count("pk", filter=_open_at(facts.end) & ~_UNEXPLAINED),
        new=Count("pk", filter=new & _UNEXPLAINED),
        filled=Count("pk", filter=Q(filled_at__gt=facts.start, filled_at__lte=facts.end)),
    )
    scanned = sum(1 for dataset in facts.datasets if dataset.last_scanned)
    measured = of(scanned, len(facts.datasets), "datasets were scanned")
    is_known = bool(facts.history.at_start.get("completeness"))
    figures = [
        Figure(
            "open",
            "Open gaps",
            "count",
            counts["open"] if scanned else None,
            measured,
            counts["before"] if is_known else None,
            compared=True,
            better="down",
        ),
        Figure("missing", "Bars missing in them", "count", counts["missing"] if scanned else None, measured),
        Figure("new", "New gaps", "count", counts["new"] if scanned else None, "found in the period", better="down"),
        Figure("filled", "Filled", "count", counts["filled"] if scanned else None, "in the period", better="up"),
        Figure("illiquid", "Illiquid, open", "count", counts["illiquid"] if scanned else None, "hours without trade"),
    ]
    tables = [_by_cause(mine.filter(_open_at(facts.end))), _new_gaps(mine.filter(new & _UNEXPLAINED), counts["new"])]
    note = "Data that trading sessions expect and the files do not hold. Illiquid hours are counted apart."
    return Section("gaps", "Gaps", note, figures, (), tables)


def _open_at(moment: Any) -> Q:
    return Q(detected_at__lte=moment) & (Q(filled_at=None) | Q(filled_at__gt=moment))


def _by_cause(found: QuerySet[Gap]) -> Table:
    counted: Any = found.values("cause").annotate(
        n=Count("pk"),
        lost=Sum("missing"),
        **{severity: Count("pk", filter=Q(severity=severity)) for severity in _SEVERITIES},
    )
    labels = dict(Gap.Cause.choices)
    rows: list[Row] = [
        {
            "cause": str(labels.get(row["cause"], row["cause"])),
            "gaps": row["n"],
            "missing": row["lost"],
            **{severity: row[severity] for severity in _SEVERITIES},
        }
        for row in counted.order_by("-lost", "cause")
    ]
    columns = [
        Column("cause", "Cause"),
        Column("gaps", "Open gaps", "count"),
        Column("missing", "Bars missing", "count"),
        *(Column(severity, severity.capitalize(), "count") for severity in _SEVERITIES),
    ]
    return Table("causes", "Open gaps by cause", columns, rows, len(rows))


def _new_gaps(found: QuerySet[Gap], total: int) -> Table:
    rank = Case(*(When(severity=name, then=Value(at)) for at, name in enumerate(_SEVERITIES)), default=Value(9))
    worst = found.select_related("dataset__store").order_by(rank, "-missing", "pk")[:SHOWN]
    rows: list[Row] = [
        {
            "dataset": gap.dataset.title,
            "datasetId": str(gap.dataset_id),
            "store": gap.dataset.store.name,
            "from": gap.gap_start.isoformat(),
            "to": gap.gap_end.isoformat(),
            "missing": gap.missing,
            "severity": gap.severity,
            "cause": gap.get_cause_display(),
        }
        for gap in worst
    ]
    columns = [
        Column("dataset", "Dataset", "gaps"),
        Column("store", "Store"),
        Column("from", "First missing, UTC", "time"),
        Column("to", "Last missing, UTC", "time"),
        Column("missing", "Missing", "count"),
        Column("severity", "Severity", "state"),
        Column("cause", "Cause"),
    ]
    return Table("new", "New gaps, the worst first", columns, rows, total, "No gap was found in the period.")
