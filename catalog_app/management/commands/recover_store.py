"""End what a crash interrupted in a store."""

from __future__ import annotations

from typing import Any

from catalog_app.management.base import DeskCommand
from catalog_app.services.jobs import run_inline


class Command(DeskCommand):
    help = "Finish or take back interrupted operations, then read the store's files and journal into the index."

    def handle(self, *args: Any, **options: Any) -> None:
        """Recover; exit code 1 when it failed."""
        store = self.store(options)
        job = run_inline("recover", {"storeId": store.pk}, title=f"Recover {store}")
        if job.error:
            self.message(job.error)
        found = job.result.get("recovered", [])
        lines = [f"{item['outcome'].replace('_', ' ')}: {item['kind']} {item['directory']}".strip() for item in found]
        text = "\n".join(lines) or "nothing was interrupted"
        document = {"recovered": found, "error": job.error}
        self.finish(document, "" if job.error else text, ok=not job.error, as_json=options["as_json"])
