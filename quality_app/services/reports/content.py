"""Builds the content of a report: a constant number of queries, however many datasets it covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from quality_app.models import QualityReport
from quality_app.services.reports import anomalies as report_anomalies
from quality_app.services.reports import coverage as report_coverage
from quality_app.services.reports import gaps as report_gaps
from quality_app.services.reports import reconciliation as report_reconciliation
from quality_app.services.reports import scores as report_scores
from quality_app.services.reports import storage as report_storage
from quality_app.services.reports.document import VERSION, Document, Figure, Section
from quality_app.services.reports.facts import Facts, collect
from quality_app.services.reports.scope import Scope


def build(scope: Scope, period: str, start: datetime, end: datetime, now: datetime) -> Document:
    """Return the report on a scope for (start, end], beside the kept one before it."""
    facts = collect(scope, period, start, end, now)
    sections = [
        report_scores.scores(facts),
        report_scores.changes(facts),
        report_scores.worst(facts),
        report_scores.checks(facts),
        report_anomalies.anomalies(facts),
        report_gaps.gaps(facts),
        report_reconciliation.reconciliation(facts),
        report_coverage.coverage(facts),
        report_storage.storage(facts),
        report_storage.operations(facts),
    ]
    document = Document({}, [_summary(facts, sections), *sections])
    before = previous_of(scope.kind, scope.key, period, end)
    head = _head(facts, now, before)
    if before is None or before.version != VERSION:
        return Document(head, document.sections)
    return Document(head, [_beside(section, Document.from_json(before.content)) for section in document.sections])


def previous_of(scope: str, key: str, period: str, end: datetime) -> QualityReport | None:
    """Return the last kept report of the same scope and period that ended before `end`."""
    same = QualityReport.objects.filter(scope=scope, key=key, period=period, end__lt=end)
    return same.order_by("-end", "-created_at").first()


def _head(facts: Facts, now: datetime, before: QualityReport | None) -> dict[str, Any]:
    return {
        "scope": {"kind": facts.scope.kind, "key": facts.scope.key, "label": facts.scope.label},
        "period": {"kind": facts.period, "start": _iso(facts.start), "end": _iso(facts.end)},
        "createdAt": _iso(now),
        "datasets": len(facts.datasets),
        "history": {
            "since": _iso(facts.history.since) if facts.history.since else None,
            "reachesStart": facts.reaches_start,
        },
        "previous": None
        if before is None
        else {"reportId": str(before.pk), "start": _iso(before.start), "end": _iso(before.end)},
    }


# What the summary repeats: section and figure.
_SUMMARY = (
    ("scores", "overall"),
    ("coverage", "share"),
    ("anomalies", "new"),
    ("gaps", "new"),
    ("storage", "size_bytes"),
    ("storage", "size_bytes_growth"),
)
_LABELS = {("coverage", "share"): "Validated", ("anomalies", "new"): "New anomalies"}


def _summary(facts: Facts, sections: list[Section]) -> Section:
    body = Document({}, sections)
    figures = [Figure("datasets", "Datasets", "count", len(facts.datasets), "in the catalog now")]
    for section, ident in _SUMMARY:
        figure = body.figure(section, ident)
        if figure is not None:
            label = _LABELS.get((section, ident), figure.label)
            figures.append(replace(figure, ident=f"{section}.{ident}", label=label))
    return Section("summary", "Summary", "", figures)


def _beside(section: Section, before: Document) -> Section:
    """Set each figure beside its value in the previous report."""
    known = {figure.ident: figure.value for figure in found.figures} if (found := before.section(section.ident)) else {}
    return replace(section, figures=[replace(one, previous=known.get(one.ident)) for one in section.figures])


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
