"""Delete old files of a store's trash."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from catalog_app.services.jobs import run_inline


class Command(DeskCommand):
    help = "Delete what operations replaced, for good: they can no longer be undone."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what to delete."""
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--older-than-days", type=int, help="age of the operations (default: TRASH_RETENTION_DAYS)")
        chosen.add_argument("--operation", action="append", default=[], help="an operation's id; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        """Purge; exit code 1 when it failed."""
        store = self.store(options)
        parameters: dict[str, Any] = {"storeId": store.pk}
        if options["operation"]:
            parameters["operationIds"] = [self._key(text) for text in options["operation"]]
        else:
            parameters["olderThanDays"] = self._days(options["older_than_days"])
        job = run_inline("purge", parameters, title=f"Purge trash of {store}")
        if job.error:
            self.message(job.error)
        result = {"operations": 0, "files": 0, "bytes": 0, **job.result, "error": job.error}
        text = f"{result['operations']} operations, {result['files']} files, {result['bytes']:,} bytes deleted"
        self.finish(result, "" if job.error else text, ok=not job.error, as_json=options["as_json"])

    def _days(self, given: int | None) -> int:
        days = settings.TRASH_RETENTION_DAYS if given is None else given
        if given is None and not days:
            self.usage_error("TRASH_RETENTION_DAYS is 0, which keeps everything: give --older-than-days.")
        if days < 0:
            self.usage_error(f"{days} days is no age.")
        return days

    def _key(self, text: str) -> str:
        try:
            return str(UUID(text))
        except ValueError:
            self.usage_error(f"{text!r} is no operation's id.")
