"""What the pages show of a dataset's checks and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from catalog_app.models import Dataset
from quality_app.checks.check import Check
from quality_app.checks.registry import CHECKS
from quality_app.models import CheckResult, Gap, Suppression, ValidationRun
from quality_app.services.anomalies.counts import CheckAnomalies, anomalies_by_check
from quality_app.services.anomalies.recording import explained as explained_rows
from quality_app.services.context import data_files, identities, interval_of
from quality_app.services.gaps.filters import EXPECTED, FILLED, OPEN, STATE
from quality_app.services.gaps.freshness import Bases, kept_basis
from quality_app.services.inputs import inputs_of
from quality_app.services.rules.suppressions import active
from quality_app.services.samples import SampleTable, sample_table
from quality_app.services.scores import GAP_SCAN, SCORE
from quality_app.services.validation.run import latest_run

_OPEN = STATE[OPEN]
_COUNTS = Q(cause__in=(Gap.Cause.UNEXPLAINED, Gap.Cause.OUTAGE))
# Which gaps a list shows, by the word in its address.
SHOWN: dict[str, tuple[str, Q]] = {
    "open": ("Open", _OPEN),
    "unexplained": ("Unexplained", _OPEN & _COUNTS),
    "explained": ("Illiquid or halted", _OPEN & ~_COUNTS),
    "expected": ("Expected", STATE[EXPECTED]),
    "filled": ("Filled", STATE[FILLED]),
}
# Violating rows that a page shows of each check.
SHOWN_SAMPLES = 50
_RANK = {"critical": 0, "major": 1, "info": 3, "suppressed": 4, "passed": 5}
# Gaps that a chart shades: the largest.
SHADED = 500


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check's result beside its rule; `rule` is None for a check that was retired since.

    `explained` rows do not count: somebody saw that they are real, or ignores them.
    """

    result: CheckResult
    rule: Check | None
    data_type: str
    suppression: Suppression | None = None
    explained: int = 0
    anomalies: CheckAnomalies | None = None

    @property
    def rate(self) -> float | None:
        """Share of violating rows; None when nothing was looked at."""
        return self.result.violations / self.result.rows if self.result.rows else None

    @property
    def limit(self) -> str:
        """Share at which the data is worthless, in percent."""
        return "–" if self.rule is None or self.rule.limit is None else f"{float(self.rule.limit * 100):g} %"

    @property
    def state(self) -> str:
        """`passed`, or the severity of what was found."""
        if self.result.violations and self.suppression:
            return "suppressed"
        return self.result.severity if self.result.violations else "passed"

    @property
    def remark(self) -> str:
        """What the check tells beside its counts."""
        return self.result.message.partition(". ")[2]

    @property
    def table(self) -> SampleTable | None:
        """The violating rows that a page shows."""
        return sample_table(self.result, self.data_type, SHOWN_SAMPLES)

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """Parameters with label and unit, then the other facts that the result depends on."""
        return inputs_of(self.rule, self.result.params)


@dataclass(frozen=True, slots=True)
class CheckPanel:
    """The latest run of a dataset's checks, and the sum that led to the score."""

    run: ValidationRun | None
    lines: list[CheckLine]
    is_stale: bool
    score: dict[str, Any]

    @property
    def findings(self) -> list[CheckLine]:
        """Checks that found something, the worst first."""
        return [line for line in self.lines if line.result.violations or line.suppression]

    @property
    def passed(self) -> list[CheckLine]:
        """Checks that found nothing."""
        return [line for line in self.lines if not (line.result.violations or line.suppression)]

    @property
    def open_anomalies(self) -> int:
        """Anomalies of the dataset that wait for a decision."""
        return sum(line.anomalies.open for line in self.lines if line.anomalies)


def check_panel(dataset: Dataset) -> CheckPanel:
    """Return what is known; findings come first."""
    run = latest_run(dataset)
    suppressed, explained = active(dataset, timezone.now()), explained_rows(dataset)
    anomalies = anomalies_by_check(dataset)
    lines = [
        CheckLine(
            result,
            CHECKS.get(name),
            dataset.data_type,
            suppressed.get(name),
            explained.get(name, 0),
            anomalies.get(name),
        )
        for result in (run.results.all() if run else ())
        for name in (result.check_id,)
    ]
    lines.sort(key=lambda line: (_RANK.get(line.state, 1), line.result.check_id))
    is_stale = run is not None and run.files != identities(data_files(dataset))
    return CheckPanel(run, lines, is_stale, dataset.metadata.get(SCORE, {}))


@dataclass(frozen=True, slots=True)
class GapPanel:
    """A dataset's last gap scan and the gaps that were asked for, each with `span_ns`, closed hours included."""

    summary: dict[str, Any]
    is_stale: bool
    facets: list[tuple[str, str, int]]
    gaps: QuerySet[Gap]


def gap_panel(dataset: Dataset, shown: str) -> GapPanel:
    """Return the scan's summary, the number of gaps of each kind, and those of the kind `shown` (a key of SHOWN)."""
    summary = dataset.metadata.get(GAP_SCAN, {})
    mine = Gap.objects.filter(dataset=dataset)
    counts = mine.aggregate(**{name: Count("pk", filter=query) for name, (_, query) in SHOWN.items()})
    facets = [(name, label, counts[name]) for name, (label, _) in SHOWN.items()]
    is_stale = bool(summary) and kept_basis(dataset.metadata) != Bases([dataset]).of(dataset)
    span = F("end_ns") - F("start_ns") + (interval_of(dataset) or 0)
    return GapPanel(summary, is_stale, facets, mine.filter(SHOWN[shown][1]).annotate(span_ns=span))


def gap_intervals(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the largest open gaps that trading does not explain, for a chart; nanoseconds as text."""
    largest = Gap.objects.filter(dataset=dataset).unexplained().order_by("-lost_ns", "-missing")[:SHADED]
    return [
        {
            "startNs": str(gap.start_ns),
            "endNs": str(gap.end_ns),
            "missing": gap.missing,
            "cause": gap.cause,
            "severity": gap.severity,
        }
        for gap in sorted(largest, key=lambda gap: gap.start_ns)
    ]
