"""Find what is missing in datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Sum

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset, JobLine
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from catalog_app.templatetags.desk import utc
from quality_app.management.chosen import DatasetCommand
from quality_app.models import Gap
from quality_app.services.gaps.scan import kept_summary

# Gaps that the text names of each dataset: the longest.
NAMED = 5
_MISSING = (Gap.Cause.UNEXPLAINED, Gap.Cause.OUTAGE)
_UNITS = dict(Gap.Unit.choices)


class Command(DatasetCommand):
    help = (
        "Scan datasets for gaps inside trading sessions: bars, and other rows by their usual waits and their numbers. "
        "Exit code 1 when something is missing without explanation, or a dataset failed."
    )

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add the range and the timeframe."""
        super().add_own_arguments(parser)
        parser.add_argument("--timeframe", default="", help="1-MINUTE-BID")
        parser.add_argument("--start", default="", help="report from this time on, UTC: 2024-01-31T09:30:00Z")
        parser.add_argument("--end", default="", help="report to this time, UTC, inclusive; a date means its whole day")
        parser.add_argument("--force", action="store_true", help="read also files that have not changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Scan, then print a summary of each dataset; with a range the result is not kept."""
        start, end = self._range(options)
        datasets = self.chosen(options)
        keys = [str(row.pk) for row in datasets]
        parameters = {"datasetIds": keys, "startNs": start, "endNs": end, "force": options["force"]}
        job = run_inline("scan_gaps", parameters, title=f"Scan {len(datasets)} datasets for gaps")
        for line in job.lines.exclude(level=JobLine.Level.INFO):
            self.message(line.text)
        ranged = start is not None or end is not None
        summaries = job.result.get("datasets", []) if ranged else list(_kept(datasets))
        ok = job.state == JobState.SUCCEEDED and not any(map(_lacks, summaries))
        self.finish(summaries, "\n".join(map(_text, summaries)), ok=ok, as_json=options["as_json"])

    def _range(self, options: dict[str, Any]) -> tuple[int | None, int | None]:
        try:
            start = parse_moment(options["start"]) if options["start"] else None
            end = parse_moment(options["end"], end=True) if options["end"] else None
        except ValueError as error:
            self.usage_error(str(error))
        if start is not None and end is not None and start > end:
            self.usage_error("--start is after --end.")
        return start, end


def _kept(datasets: list[Dataset]) -> Iterator[dict[str, Any]]:
    """Summaries of what is kept now, in the order of the datasets."""
    now = Dataset.objects.in_bulk([row.pk for row in datasets])
    open_rows = Gap.objects.filter(dataset__in=now, unit=Gap.Unit.ROWS).unexplained().order_by()
    lost = dict(open_rows.values_list("dataset").annotate(Sum("missing")))
    for row in datasets:
        if row.pk in now:
            yield {**kept_summary(now[row.pk]), "missingRows": lost.get(row.pk, 0)}


def _lacks(summary: dict[str, Any]) -> bool:
    """Whether something is missing without explanation."""
    return _unexplained(summary) > 0 or _rows(summary) > 0


def _unexplained(summary: dict[str, Any]) -> int:
    return int(summary.get("missing", 0)) - int(summary.get("explained", 0))


def _rows(summary: dict[str, Any]) -> int:
    """Rows that jumps of their numbers show to be missing."""
    told = (gap["missing"] for gap in summary["gaps"] if gap["unit"] == Gap.Unit.ROWS and gap["cause"] in _MISSING)
    return int(summary["missingRows"]) if "missingRows" in summary else sum(told)


def _text(summary: dict[str, Any]) -> str:
    name = f"{summary['instrumentId']} {summary['dataType']} {summary['timeframe']}".strip()
    if summary.get("completeness") is None:
        line = f"{name}: completeness unknown. {summary.get('reason', '')}"
    else:
        line = (
            f"{name}: {_unexplained(summary):,} of {summary['expected']:,} expected {_UNITS[summary['unit']]} missing "
            f"without explanation, {summary['explained']:,} explained ({summary['calendar']})"
        )
    if rows := _rows(summary):
        line += f"; {rows:,} rows missing by their numbers"
    found = [gap for gap in summary["gaps"] if gap["cause"] in _MISSING]
    longest = sorted(found, key=lambda gap: (-gap["lostSeconds"], -gap["missing"]))[:NAMED]
    listed = [f"  {_gap(gap)}" for gap in sorted(longest, key=lambda gap: int(gap["startNs"]))]
    rest = [f"  and {len(found) - NAMED:,} more; --json lists them"] if len(found) > NAMED else []
    return "\n".join([line, *listed, *rest])


def _gap(gap: dict[str, Any]) -> str:
    times = f"{utc(int(gap['startNs']))} to {utc(int(gap['endNs']))}"
    return f"{times}: {gap['missing']:,} {_UNITS[gap['unit']]}, {gap['cause']}, {gap['severity']}"
