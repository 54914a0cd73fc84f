"""The section on sources that were held against each other."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery, Sum

from quality_app.models import ReconciliationRun, ReconciliationShare
from quality_app.services.reports.document import Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, rate_text


def reconciliation(facts: Facts) -> Section:
    """The latest comparison of each reconciliation, as far as it is about these datasets."""
    by_the_end = ReconciliationRun.objects.filter(finished_at__lte=facts.end)
    latest = by_the_end.filter(reconciliation=OuterRef("run__reconciliation")).order_by("-finished_at")
    shares = ReconciliationShare.objects.filter(dataset__in=facts.keys, run=Subquery(latest.values("pk")[:1]))
    sums = shares.order_by().values("run__reconciliation__name", "run__finished_at").annotate(
        matched=Sum("rows"), beyond=Sum("violations")
    )  # fmt: skip
    found = sorted(sums, key=lambda one: (-one["beyond"], one["run__reconciliation__name"]))
    in_period = sum(1 for one in found if one["run__finished_at"] > facts.start)
    rows: list[Row] = [
        {
            "name": one["run__reconciliation__name"],
            "at": one["run__finished_at"].isoformat(),
            "matched": one["matched"],
            "beyond": one["beyond"],
            "rate": rate_text(one["beyond"], one["matched"]),
        }
        for one in found[:SHOWN]
    ]
    columns = [
        Column("name", "Reconciliation"),
        Column("at", "Compared, UTC", "time"),
        Column("matched", "Matched points", "count"),
        Column("beyond", "Beyond the limit", "count"),
        Column("rate", "Share", "rate"),
    ]
    beyond = sum(one["beyond"] for one in found) if found else None
    figures = [
        Figure("compared", "Reconciliations compared", "count", in_period, "in the period"),
        Figure("beyond", "Points beyond the limit", "count", beyond, "in the latest comparison of each", better="down"),
    ]
    table = Table("reconciliations", "", columns, rows, len(found), "No source of these datasets was compared yet.")
    return Section("reconciliation", "Reconciliation of sources", figures=figures, tables=[table])
