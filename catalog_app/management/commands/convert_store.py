"""Convert a store, or some of its datasets, into a new store."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from catalog_app.services.errors import ServiceError
from catalog_app.services.jobs import run_inline
from catalog_app.services.maintenance.conversion import conversion_parameters
from catalog_app.services.stores import UnknownStore, find_store


class Command(DeskCommand):
    help = "Write a store anew for another version of NautilusTrader, definitions included; the source stays as it is."
    takes_store = False

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add from, to, and how."""
        parser.add_argument("source", help="name or root of the store to convert")
        parser.add_argument("target", help="root of the new store")
        parser.add_argument("--to", choices=("v1", "v2"), required=True, help="the format to write")
        parser.add_argument("--dataset", action="append", default=[], help="directory below the root; may be repeated")
        parser.add_argument(
            "--verify",
            action=BooleanOptionalAction,
            default=True,
            help="read everything back and compare it with the source",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be converted, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Convert; exit code 1 when it failed or files were skipped."""
        try:
            source = find_store(options["source"])
            parameters = conversion_parameters(
                source, options["target"], options["to"], options["dataset"], dry_run=options["dry_run"]
            )
            parameters["verify"] = options["verify"]
        except (UnknownStore, ServiceError) as error:
            self.usage_error(str(error))
        job = run_inline("convert", parameters, title=f"Convert {source} to {options['to']}")
        if job.error:
            self.message(job.error)
        result = job.result
        for item in result.get("skipped", []):
            self.message(f"skipped: {item['path']}: {item['reason']}")
        files, rows, skipped = (result.get(name, 0) for name in ("files", "rows", "skippedCount"))
        text = f"{files:,} files, {rows:,} rows, {skipped:,} skipped"
        document = {"files": 0, "rows": 0, "skipped": [], "verified": False, **result, "error": job.error}
        ok = not job.error and not skipped
        self.finish(document, "" if job.error else text, ok=ok, as_json=options["as_json"])
