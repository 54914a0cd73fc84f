"""Find what is missing in datasets."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset, JobLine
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from quality_app.management.chosen import DatasetCommand
from quality_app.services.gaps.scan import kept_summary


class Command(DatasetCommand):
    help = "Scan bars for gaps inside trading sessions. Exit code 1 when bars are missing without explanation."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add the range and the timeframe."""
        super().add_own_arguments(parser)
        parser.add_argument("--timeframe", default="", help="1-MINUTE-BID")
        parser.add_argument("--start", default="", help="report from this time on, UTC: 2024-01-31T09:30:00Z")
        parser.add_argument("--end", default="", help="report to this time, UTC, inclusive; a date means its whole day")

    def handle(self, *args: Any, **options: Any) -> None:
        """Scan, then print a summary of each dataset; with a range the result is not kept."""
        try:
            start = parse_moment(options["start"]) if options["start"] else None
            end = parse_moment(options["end"], end=True) if options["end"] else None
        except ValueError as error:
            self.usage_error(str(error))
        if start is not None and end is not None and start > end:
            self.usage_error("--start is after --end.")
        datasets = self.chosen(options)
        parameters = {"datasetIds": [str(row.pk) for row in datasets], "startNs": start, "endNs": end}
        job = run_inline("scan_gaps", parameters, title=f"Scan {len(datasets)} datasets for gaps")
        for line in job.lines.exclude(level=JobLine.Level.INFO):
            self.message(line.text)
        ranged = start is not None or end is not None
        summaries = job.result.get("datasets", []) if ranged else [_kept(row) for row in datasets]
        ok = job.state == JobState.SUCCEEDED and not any(map(_unexplained, summaries))
        self.finish(summaries, "\n".join(map(_line, summaries)), ok=ok, as_json=options["as_json"])


def _kept(dataset: Dataset) -> dict[str, Any]:
    dataset.refresh_from_db()
    return kept_summary(dataset)


def _unexplained(summary: dict[str, Any]) -> int:
    return int(summary.get("missing", 0)) - int(summary.get("illiquid", 0))


def _line(summary: dict[str, Any]) -> str:
    name = f"{summary['instrumentId']} {summary['dataType']} {summary['timeframe']}".strip()
    if summary.get("completeness") is None:
        return f"{name}: completeness unknown. {summary.get('reason', '')}"
    return (
        f"{name}: {_unexplained(summary):,} of {summary['expected']:,} expected bars missing without explanation, "
        f"{summary['illiquid']:,} quiet ones ({summary['calendar']})"
    )
