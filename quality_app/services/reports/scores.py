"""Sections on scores: how good it is, what changed, what is worst, which checks find most."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Sum

from catalog_app.models import Dataset
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult
from quality_app.scoring import band
from quality_app.services.reports.document import Chart, Column, Figure, Row, Section, Table
from quality_app.services.reports.facts import SHOWN, Facts, named, of, rate_text, score_text
from quality_app.services.reports.history import DIMENSIONS, SCORES, mean, rounded

BANDS: Final = ("excellent", "good", "fair", "poor", "unknown")
_LABELS: Final = {"overall": "Score"} | {name: name.capitalize() for name in DIMENSIONS}
_DATASET: Final = (Column("dataset", "Dataset", "dataset"), Column("store", "Store"))


def scores(facts: Facts) -> Section:
    """Mean scores with their trend, and how they are spread."""
    bands = [band(dataset.quality_score) for dataset in facts.datasets]
    spread = Chart("bands", "Datasets by score", "bars", "count", BANDS, [bands.count(name) for name in BANDS])
    return Section(
        "scores",
        "Scores",
        "Means over the datasets whose score is known; unknown counts nowhere.",
        [score_figure(facts, name) for name in SCORES],
        [*(_trend(facts, name) for name in SCORES), spread],
    )


def score_figure(facts: Facts, name: str) -> Figure:
    """Return the mean of a score at the period's end, beside that at its start."""
    field = "quality_score" if name == "overall" else name
    known = [value for dataset in facts.datasets if (value := getattr(dataset, field)) is not None]
    before = facts.history.at_start.get(name, {})
    return Figure(
        name,
        _LABELS[name],
        "score",
        score_text(mean(known)),
        of(len(known), len(facts.datasets), "datasets"),
        score_text(mean(before)),
        compared=True,
        better="up",
    )


def changes(facts: Facts) -> Section:
    """Whose score rose or fell since the period's start."""
    before = facts.history.at_start.get("overall", {})
    both = [
        (dataset, was, dataset.quality_score - was)
        for dataset in facts.datasets
        if dataset.quality_score is not None and (was := before.get(dataset.pk)) is not None
    ]
    moves = [move for move in both if move[2]]
    fell = sorted((move for move in moves if move[2] < 0), key=lambda move: move[2])
    rose = sorted((move for move in moves if move[2] > 0), key=lambda move: -move[2])
    first = sum(1 for one in facts.datasets if one.quality_score is not None and one.pk not in before)
    measured = of(len(both), len(facts.datasets), "datasets have both scores")
    figures = [
        Figure("fell", "Scores that fell", "count", len(fell), measured, better="down"),
        Figure("rose", "Scores that rose", "count", len(rose), measured, better="up"),
        Figure("same", "Unchanged", "count", len(both) - len(moves), measured),
        Figure("first", "Scored for the first time", "count", first, "known now, unknown at the start"),
    ]
    tables = [_moves("fell", "Fell most", fell), _moves("rose", "Rose most", rose)]
    return Section("changes", "What changed", _history_note(facts), figures, (), tables)


def worst(facts: Facts) -> Section:
    """The lowest scores, each with the check that costs it most."""
    known = [one for one in facts.datasets if one.quality_score is not None and one.quality_score < 1]
    lowest = sorted(known, key=lambda dataset: dataset.quality_score or 0)[:SHOWN]
    causes = _causes(facts, lowest)
    before = facts.history.at_start.get("overall", {})
    rows: list[Row] = [
        {
            **named(dataset),
            "score": score_text(dataset.quality_score),
            "before": score_text(before.get(dataset.pk)),
            **{name: score_text(getattr(dataset, name)) for name in DIMENSIONS},
            "cause": causes.get(dataset.pk) or _lowest_dimension(dataset),
        }
        for dataset in lowest
    ]
    columns = [
        *_DATASET,
        Column("score", "Score", "score"),
        Column("before", "At the start", "score"),
        *(Column(name, name.capitalize(), "score") for name in DIMENSIONS),
        Column("cause", "What costs most"),
    ]
    empty = "No known score is below 100 %."
    return Section("worst", "Lowest scores", tables=[Table("worst", "", columns, rows, len(known), empty)])


def checks(facts: Facts) -> Section:
    """Which checks find something, over the latest run of each dataset."""
    validated = len(facts.runs)
    found: Any = CheckResult.objects.filter(run__in=facts.latest_runs, violations__gt=0).order_by()
    sums = {"n": Count("pk"), "found": Sum("violations"), "looked": Sum("rows")}
    totals = found.values("check_id", "severity").annotate(**sums).order_by("-found", "check_id")
    rows: list[Row] = [
        {
            "check": row["check_id"],
            "severity": row["severity"],
            "datasets": row["n"],
            "violations": row["found"],
            "rows": row["looked"],
            "rate": rate_text(row["found"], row["looked"]),
        }
        for row in totals
    ]
    columns = [
        Column("check", "Check", "name"),
        Column("severity", "Severity", "state"),
        Column("datasets", "Datasets", "count"),
        Column("violations", "Violations", "count"),
        Column("rows", "Looked at", "count"),
        Column("rate", "Rate", "rate"),
    ]
    note = f"The latest run of each of {validated:,} validated datasets by the period's end."
    table = Table(
        "checks",
        "",
        columns,
        rows,
        len(rows),
        "No check found anything." if validated else "Nothing was validated yet.",
    )
    return Section("checks", "What checks find", note, tables=[table])


def _lowest_dimension(dataset: Dataset) -> str:
    known = {name: value for name in DIMENSIONS if (value := getattr(dataset, name)) is not None}
    return f"{min(known, key=lambda name: known[name])}; no check found anything" if known else "nothing is known"


def _moves(ident: str, title: str, moves: list[tuple[Dataset, Decimal, Decimal]]) -> Table:
    columns = [
        *_DATASET,
        Column("before", "At the start", "score"),
        Column("score", "Score", "score"),
        Column("change", "Change", "change"),
    ]
    rows: list[Row] = [
        {
            **named(dataset),
            "before": score_text(was),
            "score": score_text(dataset.quality_score),
            "change": f"{change:+.4f}",
        }
        for dataset, was, change in moves[:SHOWN]
    ]
    return Table(ident, title, columns, rows, len(moves), "No score did.")


def _causes(facts: Facts, datasets: list[Dataset]) -> dict[Any, str]:
    """What costs each dataset most in its latest run, in words; one query."""
    runs = [facts.runs[dataset.pk].key for dataset in datasets if dataset.pk in facts.runs]
    found = CheckResult.objects.filter(run__in=runs, violations__gt=0).exclude(severity="info").select_related("run")
    mildest_first = sorted(found, key=lambda one: (one.severity == "critical", -(one.score or 0), one.violations))
    return {
        one.run.dataset_id: f"{one.check_id}: {one.violations:,} of {one.rows:,} {_unit(one.check_id)}"
        for one in mildest_first
    }


def _unit(check_id: str) -> str:
    check = CHECKS.get(check_id)
    return check.unit if check else "rows"


def _trend(facts: Facts, name: str) -> Chart:
    trend = facts.history.trends[name]
    values = [score_text(rounded(total, number)) for total, number in zip(trend.sums, trend.measured, strict=True)]
    labels = [tick.isoformat().replace("+00:00", "Z") for tick in facts.history.ticks]
    last = trend.measured[-1] if trend.measured else 0
    return Chart(name, f"{_LABELS[name]} over time", "line", "score", labels, values, f"{last:,} datasets at the end")


def _history_note(facts: Facts) -> str:
    if facts.history.since is None:
        return "Nothing was ever measured here: there is no earlier state to compare with."
    if facts.reaches_start:
        return "Compared with what was measured last by the period's start."
    since = f"{facts.history.since:%Y-%m-%d %H:%M} UTC"
    return f"Measurements begin at {since}, after the period's start: the state at the start is unknown."
