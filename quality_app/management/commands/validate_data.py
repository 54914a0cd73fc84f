"""Check the rows of datasets."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog_app.models import JobLine
from catalog_app.models.job import JobState
from catalog_app.services.jobs import run_inline
from quality_app.checks.registry import CHECKS
from quality_app.management.chosen import DatasetCommand
from quality_app.services.quality_report import has_findings, quality_report


class Command(DatasetCommand):
    help = "Run checks over datasets. Exit code 1 when a check found something or a dataset failed."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add which checks to run, and how."""
        super().add_own_arguments(parser)
        parser.add_argument("--checks", nargs="+", action="extend", metavar="ID", help=f"of {', '.join(CHECKS)}")
        parser.add_argument("--force", action="store_true", help="run also what has not changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Validate, then print what is known of each dataset."""
        unknown = sorted(set(options["checks"] or ()) - set(CHECKS))
        if unknown:
            self.usage_error(f"No such check: {', '.join(unknown)}. There are {', '.join(CHECKS)}.")
        datasets = self.chosen(options)
        parameters = {
            "datasetIds": [str(row.pk) for row in datasets],
            "checks": options["checks"],
            "force": options["force"],
        }
        job = run_inline("validate", parameters, title=f"Validate {len(datasets)} datasets")
        for line in job.lines.exclude(level=JobLine.Level.INFO):
            self.message(line.text)
        for row in datasets:
            row.refresh_from_db()
        reports = [quality_report(row) for row in datasets]
        ok = job.state == JobState.SUCCEEDED and not any(map(has_findings, reports))
        self.finish(reports, "\n".join(map(_line, reports)), ok=ok, as_json=options["as_json"])


def _line(report: dict[str, Any]) -> str:
    name = f"{report['instrumentId']} {report['dataType']} {report['timeframe']}".strip()
    overall = report["metrics"]["overall"]
    found = [
        f"{result['checkName']}: {result['message']}{_aside(result)}"
        for result in report["validationResults"]
        if not result["passed"]
    ]
    if report["anomalies"]:
        found.append(f"{len(report['anomalies'])} open anomalies; the newest are in --json")
    found += [f"not run: {entry['check']}: {entry['reason']}" for entry in report["notRun"]]
    score = "unknown" if overall is None else f"{overall:.4f}"
    return "\n  ".join([f"{name}: score {score}, {report['rows'] or 0:,} rows", *found])


def _aside(result: dict[str, Any]) -> str:
    """Why a finding does not count, where it does not."""
    if result["suppressed"] is not None:
        return f" Suppressed: {result['suppressed']}"
    return f" Explained: {result['explained']:,}." if result["explained"] else ""
