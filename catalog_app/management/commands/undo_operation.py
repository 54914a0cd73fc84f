"""Take an operation on a store back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from catalog_app.models import StoreOperation
from catalog_app.services import operations
from catalog_app.services.jobs import run_inline


class Command(DeskCommand):
    help = "Bring the files back that an operation replaced; the operation's id is in the history or the journal."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add which operation."""
        parser.add_argument("operation", help="the operation's id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Undo; exit code 1 when it cannot be undone."""
        operation = self._operation(options)
        reason = operations.hindrance(operation)
        job = None if reason else run_inline("undo", {"operationId": str(operation.pk)}, title=f"Undo {operation}")
        error = reason or (job.error if job else "")
        if error:
            self.message(error)
        document = {"operationId": str(operation.pk), "error": error, **(job.result if job else {})}
        self.finish(document, "" if error else f"{operation} is undone", ok=not error, as_json=options["as_json"])

    def _operation(self, options: dict[str, Any]) -> StoreOperation:
        try:
            key = UUID(options["operation"])
        except ValueError:
            self.usage_error(f"{options['operation']!r} is no operation's id.")
        store = self.store(options)
        operations.adopt(store)
        # An id is enough where no store is named.
        rows = store.operations.all() if options["store"] else StoreOperation.objects.all()
        found = rows.select_related("store").filter(pk=key).first()
        if found is None:
            self.usage_error(f"{store} has no operation {key}.")
        return found
