"""One validation run, and what changed against the run of the same dataset before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from quality_app.checks.check import Check
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult, ValidationRun
from quality_app.services.samples import SampleTable, sample_table

SAMPLES_SHOWN = 20
# Kinds of change in the order in which they are told.
KINDS: Mapping[str, str] = {
    "new": "New",
    "worse": "Worse",
    "better": "Better",
    "fixed": "Fixed",
    "added": "Ran for the first time",
    "dropped": "Did not run again",
    "same": "Unchanged",
}


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A check in this run and in the one before; None where it did not run. `change` is a key of KINDS."""

    check_id: str
    rule: Check | None
    result: CheckResult | None
    before: CheckResult | None
    change: str
    data_type: str

    @property
    def label(self) -> str:
        """The change in words."""
        return KINDS[self.change]

    @property
    def difference(self) -> int:
        """Violations more than before."""
        return (self.result.violations if self.result else 0) - (self.before.violations if self.before else 0)

    @property
    def state(self) -> str:
        """`passed`, or the severity of what was found."""
        if self.result is None:
            return "not run"
        return self.result.severity if self.result.violations else "passed"

    @property
    def rate(self) -> float | None:
        """Share of violating rows; None when nothing was looked at."""
        return self.result.violations / self.result.rows if self.result and self.result.rows else None

    @property
    def table(self) -> SampleTable | None:
        """The first violating rows."""
        return sample_table(self.result, self.data_type, SAMPLES_SHOWN)


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that this run saw and the one before did not, the other way round, or whose identity changed."""

    path: str
    change: str
    size: int


@dataclass(frozen=True, slots=True)
class RunChanges:
    """A run beside the one before it; `before` is None for the first. `following` is the next one."""

    run: ValidationRun
    before: ValidationRun | None
    following: ValidationRun | None
    lines: list[ResultLine]
    counts: dict[str, int]
    files: list[FileChange]


def run_changes(run: ValidationRun) -> RunChanges:
    """Compare a run with its predecessor; its dataset must be selected with it."""
    mine = ValidationRun.objects.filter(dataset=run.dataset_id).exclude(pk=run.pk).prefetch_related("results")
    earlier = Q(finished_at__lt=run.finished_at) | Q(finished_at=run.finished_at, pk__lt=run.pk)
    before = mine.filter(earlier).order_by("-finished_at", "-pk").first()
    following = (
        mine.prefetch_related(None).exclude(earlier).order_by("finished_at", "pk").defer("files", "not_run").first()
    )
    lines = _lines(run, before)
    counts = {kind: number for kind in KINDS if (number := sum(line.change == kind for line in lines))}
    return RunChanges(run, before, following, lines, counts, _files(run, before) if before else [])


def _lines(run: ValidationRun, before: ValidationRun | None) -> list[ResultLine]:
    now = {result.check_id: result for result in run.results.all()}
    then = {result.check_id: result for result in before.results.all()} if before else {}
    lines = [
        ResultLine(check_id, CHECKS.get(check_id), now.get(check_id), then.get(check_id), change, run.dataset.data_type)
        for check_id in sorted(now | then)
        if (change := _change(now.get(check_id), then.get(check_id), first=before is None))
    ]
    order = list(KINDS)
    return sorted(lines, key=lambda line: (line.state in {"passed", "info", "not run"}, order.index(line.change)))


def _change(now: CheckResult | None, then: CheckResult | None, *, first: bool) -> str:
    if now is None:
        return "dropped"
    if then is None:
        return "same" if first else "new" if now.violations else "added"
    if bool(now.violations) != bool(then.violations):
        return "new" if now.violations else "fixed"
    if now.violations == then.violations:
        return "same"
    return "worse" if now.violations > then.violations else "better"


def _files(run: ValidationRun, before: ValidationRun) -> list[FileChange]:
    now = {file["path"]: file for file in run.files}
    then = {file["path"]: file for file in before.files}
    changed = [path for path in sorted(now | then) if now.get(path) != then.get(path)]
    return [
        FileChange(
            path,
            "added" if path not in then else "removed" if path not in now else "changed",
            (now.get(path) or then[path])["size"],
        )
        for path in changed
    ]
