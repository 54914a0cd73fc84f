"""The section on missing data."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any, Final

from django.db.models import Case, Count, Q, QuerySet, Sum, Value, When

from quality_app.models import Gap
from quality_app.services.reports.document import Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, of

_SEVERITIES: Final = ("high", "medium", "low")
_COUNTS: Final = Q(cause__in=(Gap.Cause.UNEXPLAINED, Gap.Cause.OUTAGE))
_MINUTE_NS: Final = 60 * 10**9


def gaps(facts: Facts) -> Section:
    """Missing data: found and filled in the period, and open at its end."""
    mine = Gap.objects.filter(dataset__in=facts.keys).order_by()
    new = Q(detected_at__gt=facts.start, detected_at__lte=facts.end)
    counts = mine.aggregate(
        open=Count("pk", filter=_open_at(facts.end) & _COUNTS),
        before=Count("pk", filter=_open_at(facts.start) & _COUNTS),
        lost_ns=Sum("lost_ns", filter=_open_at(facts.end) & _COUNTS, default=0),
        illiquid=Count("pk", filter=_open_at(facts.end) & ~_COUNTS),
        new=Count("pk", filter=new & _COUNTS),
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
        Figure(
            "minutes",
            "Minutes of trading missing in them",
            "count",
            counts["lost_ns"] // _MINUTE_NS if scanned else None,
            measured,
        ),
        Figure("new", "New gaps", "count", counts["new"] if scanned else None, "found in the period", better="down"),
        Figure("filled", "Filled", "count", counts["filled"] if scanned else None, "in the period", better="up"),
        Figure("illiquid", "Illiquid or halted", "count", counts["illiquid"] if scanned else None, "counted apart"),
    ]
    tables = [_by_cause(mine.filter(_open_at(facts.end))), _new_gaps(mine.filter(new & _COUNTS), counts["new"])]
    note = "Data that trading sessions expect and the files do not hold. Illiquid hours and halts are counted apart."
    return Section("gaps", "Gaps", note, figures, (), tables)


def _open_at(moment: Any) -> Q:
    later = (Q(**{name: None}) | Q(**{f"{name}__gt": moment}) for name in ("filled_at", "expected_at"))
    return reduce(and_, later, Q(detected_at__lte=moment))


def _by_cause(found: QuerySet[Gap]) -> Table:
    counted: Any = found.values("cause").annotate(
        n=Count("pk"),
        lost=Sum("lost_ns"),
        **{severity: Count("pk", filter=Q(severity=severity)) for severity in _SEVERITIES},
    )
    labels = dict(Gap.Cause.choices)
    rows: list[Row] = [
        {
            "cause": str(labels.get(row["cause"], row["cause"])),
            "gaps": row["n"],
            "minutes": row["lost"] // _MINUTE_NS,
            **{severity: row[severity] for severity in _SEVERITIES},
        }
        for row in counted.order_by("-lost", "cause")
    ]
    columns = [
        Column("cause", "Cause"),
        Column("gaps", "Open gaps", "count"),
        Column("minutes", "Minutes of trading", "count"),
        *(Column(severity, severity.capitalize(), "count") for severity in _SEVERITIES),
    ]
    return Table("causes", "Open gaps by cause", columns, rows, len(rows))


def _new_gaps(found: QuerySet[Gap], total: int) -> Table:
    rank = Case(*(When(severity=name, then=Value(at)) for at, name in enumerate(_SEVERITIES)), default=Value(9))
    worst = found.select_related("dataset__store").order_by(rank, "-lost_ns", "pk")[:SHOWN]
    rows: list[Row] = [
        {
            "dataset": gap.dataset.title,
            "datasetId": str(gap.dataset_id),
            "store": gap.dataset.store.name,
            "from": gap.gap_start.isoformat(),
            "to": gap.gap_end.isoformat(),
            "missing": f"{gap.missing:,} {gap.get_unit_display()}",
            "severity": gap.severity,
            "cause": gap.get_cause_display(),
        }
        for gap in worst
    ]
    columns = [
        Column("dataset", "Dataset", "gaps"),
        Column("store", "Store"),
        Column("from", "From, UTC", "time"),
        Column("to", "To, UTC", "time"),
        Column("missing", "Missing"),
        Column("severity", "Severity", "state"),
        Column("cause", "Cause"),
    ]
    return Table("new", "New gaps, the worst first", columns, rows, total, "No gap was found in the period.")
