"""The section on single rows that look wrong, and what people decided about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from quality_app.models import Anomaly
from quality_app.services.reports.document import Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, of

_SEVERITIES: Final = (Anomaly.Severity.CRITICAL, Anomaly.Severity.MAJOR, Anomaly.Severity.INFO)


def anomalies(facts: Facts) -> Section:
    """Found, decided and gone in the period, and what waits for a decision at its end."""
    mine = Anomaly.objects.filter(dataset__in=facts.keys).order_by()
    new = Q(first_seen_at__gt=facts.start, first_seen_at__lte=facts.end)
    counts = mine.aggregate(
        open=Count("pk", filter=_open_at(facts.end)),
        before=Count("pk", filter=_open_at(facts.start)),
        new=Count("pk", filter=new),
        decided=Count("pk", filter=Q(decided_at__gt=facts.start, decided_at__lte=facts.end)),
        gone=Count("pk", filter=Q(resolved_at__gt=facts.start, resolved_at__lte=facts.end)),
    )
    validated = len(facts.runs)
    measured = of(validated, len(facts.datasets), "datasets were validated")
    before = counts["before"] if facts.history.at_start.get("overall") else None

    def known(name: str) -> int | None:
        return counts[name] if validated else None

    figures = [
        Figure("new", "New", "count", known("new"), f"first seen in the period; {measured}", better="down"),
        Figure("open", "Open", "count", known("open"), "no decision yet", before, compared=True, better="down"),
        Figure("decided", "Decided", "count", known("decided"), "in the period"),
        Figure("gone", "Gone", "count", known("gone"), "no longer found since the period's start", better="up"),
    ]
    note = "At most the first 200 rows of each check become anomalies; checks count all rows exactly."
    tables = [_by_check(mine, facts, new), _worst_new(mine.filter(new), counts["new"])]
    return Section("anomalies", "Anomalies", note, figures, (), tables)


def _open_at(moment: datetime) -> Q:
    """Seen by then, not gone, and without a decision that held then."""
    there = Q(first_seen_at__lte=moment) & (Q(resolved_at=None) | Q(resolved_at__gt=moment))
    undecided = Q(state=Anomaly.State.OPEN) | Q(decided_at__gt=moment)
    return there & (undecided | Q(state=Anomaly.State.IGNORED, expires_at__lte=moment))


def _by_check(mine: QuerySet[Anomaly], facts: Facts, new: Q) -> Table:
    there = Q(first_seen_at__lte=facts.end) & (Q(resolved_at=None) | Q(resolved_at__gt=facts.end))
    counted: Any = mine.filter(there | new).values("check_id", "severity").annotate(
        new=Count("pk", filter=new),
        open=Count("pk", filter=_open_at(facts.end)),
        **{name: Count("pk", filter=there & Q(state=name)) for name in _DECIDED},
    )  # fmt: skip
    rows: list[Row] = [
        {
            "check": row["check_id"],
            "severity": row["severity"],
            **{name: row[name] for name in ("new", "open", *_DECIDED)},
        }
        for row in counted.order_by("-open", "-new", "check_id")
    ]
    columns = [
        Column("check", "Check", "name"),
        Column("severity", "Severity", "state"),
        Column("new", "New", "count"),
        Column("open", "Open", "count"),
        *(Column(name, str(label), "count") for name, label in _DECIDED.items()),
    ]
    return Table("checks", "By check", columns, rows, len(rows))


_DECIDED: Final = {value: label for value, label in Anomaly.State.choices if value != Anomaly.State.OPEN}


def _worst_new(found: QuerySet[Anomaly], total: int) -> Table:
    rank = Case(*(When(severity=name, then=Value(at)) for at, name in enumerate(_SEVERITIES)), default=Value(9))
    shown = found.select_related("dataset__store").order_by(rank, F("ts_init_ns").desc(), "pk")[:SHOWN]
    rows: list[Row] = [
        {
            "dataset": one.dataset.title,
            "datasetId": str(one.dataset_id),
            "anomalyId": str(one.pk),
            "store": one.dataset.store.name,
            "at": one.timestamp.isoformat(),
            "check": one.check_id,
            "severity": one.severity,
            "value": one.value or None,
            "expected": one.expected or None,
            "state": one.get_state_display(),
        }
        for one in shown
    ]
    columns = [
        Column("dataset", "Dataset", "dataset"),
        Column("at", "ts_init, UTC", "anomaly"),
        Column("check", "Check", "name"),
        Column("severity", "Severity", "state"),
        Column("value", "Value", "decimal"),
        Column("expected", "Expected", "decimal"),
        Column("state", "Decision"),
    ]
    return Table("new", "New anomalies, the most severe first", columns, rows, total, "None was found in the period.")
