"""Bring the index in line with a store's files."""

from __future__ import annotations

from typing import Any

from catalog_app.management.base import DeskCommand
from catalog_app.services.errors import JobFailed
from catalog_app.services.sync import sync_store


class Command(DeskCommand):
    help = "Read what is new or changed in a store's files into the index."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sync one store; exit code 1 when files cannot be read."""
        store = self.store(options)
        try:
            report = sync_store(store)
        except JobFailed as error:
            self.message(str(error))
            self.finish({"error": str(error)}, "", ok=False, as_json=options["as_json"])
            return
        for item in report.unreadable:
            self.message(f"unreadable: {item['path']}: {item['reason']}")
        text = (
            f"{store.name}: {report.datasets} datasets, {report.files} files ({report.added} added, {report.changed} "
            f"changed, {report.removed} removed), {len(report.unreadable)} unreadable, in {report.seconds} s"
        )
        self.finish(report.to_json(), text, ok=not report.unreadable, as_json=options["as_json"])
