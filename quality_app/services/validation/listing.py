"""Validation runs of all datasets, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from quality_app.models import CheckResult, ValidationRun
from quality_app.services.history.trends import moment_of
from quality_app.services.standing import Scope

# What counts as a finding: information does not.
FINDING = Q(violations__gt=0) & ~Q(severity="info")
FOUND: Mapping[str, str] = {
    "findings": "With findings",
    "critical": "With critical findings",
    "clean": "Without findings",
}


@dataclass(frozen=True, slots=True)
class RunFilters:
    """Which runs; empty means no restriction. `start` and `end` are UTC days."""

    scope: Scope = field(default_factory=Scope)
    q: str = ""
    found: str = ""
    start: str = ""
    end: str = ""
    problems: tuple[str, ...] = field(default=(), compare=False)

    def active(self) -> dict[str, str]:
        """The restrictions that are set, by parameter."""
        own = {name: value for name in ("q", "found", "start", "end") if (value := getattr(self, name))}
        return self.scope.params() | own


def read_filters(query: Mapping[str, str]) -> RunFilters:
    """Take the filters from an address; values that mean nothing are dropped and named in `problems`."""
    values = {name: query.get(name, "").strip()[:200].replace("\x00", "") for name in ("q", "found", "start", "end")}
    problems = []
    for name in ("start", "end"):
        if values[name] and moment_of(values[name]) is None:
            problems.append(f"{name}: {values[name]} is not a day such as 2024-01-31; it was left out.")
            values[name] = ""
    if values["found"] not in FOUND:
        values["found"] = ""
    return RunFilters(Scope.read(query), **values, problems=tuple(problems))


def runs(filters: RunFilters) -> QuerySet[ValidationRun]:
    """The runs that fit, newest first, without the files that they covered."""
    wanted = filters.scope.restriction("dataset__")
    for word in filters.q.split()[:8]:
        wanted &= Q(dataset__instrument_id__icontains=word) | Q(dataset__path__icontains=word)
    if start := moment_of(filters.start):
        wanted &= Q(finished_at__gte=start)
    if end := moment_of(filters.end, end=True):
        wanted &= Q(finished_at__lte=end)
    if filters.found:
        results = CheckResult.objects.filter(FINDING, run=OuterRef("pk"))
        results = results.filter(severity="critical") if filters.found == "critical" else results
        wanted &= ~Q(Exists(results)) if filters.found == "clean" else Q(Exists(results))
    found = ValidationRun.objects.filter(wanted).select_related("dataset__store", "job__user").defer("files")
    return found.order_by("-finished_at", "-pk")


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run and the sums of its results; findings leave information out."""

    run: ValidationRun
    checks: int
    failing: int
    critical: int
    violations: int

    @property
    def took(self) -> timedelta:
        """From start to end."""
        return self.run.finished_at - self.run.started_at


def lines(of: Iterable[ValidationRun]) -> list[RunLine]:
    """Runs with their sums, in one query."""
    shown = list(of)
    sums = CheckResult.objects.filter(run__in=shown).order_by().values_list("run_id").annotate(
        checks=Count("pk"),
        failing=Count("pk", filter=FINDING),
        critical=Count("pk", filter=FINDING & Q(severity="critical")),
        found=Sum("violations", filter=FINDING, default=0),
    )  # fmt: skip
    found: dict[UUID, tuple[int, int, int, int]] = {key: tuple(rest) for key, *rest in sums}
    return [RunLine(run, *found.get(run.pk, (0, 0, 0, 0))) for run in shown]
