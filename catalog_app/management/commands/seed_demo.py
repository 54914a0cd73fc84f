"""Seed the demo store."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog_app.demo.place import NotADemoStore
from catalog_app.management.base import DeskCommand
from catalog_app.services.demo import demo_root, seed_demo
from catalog_app.services.errors import JobFailed
from catalog_app.store.errors import StoreError


class Command(DeskCommand):
    help = "Build, register and index the demo store of synthetic data. Doing it again changes nothing."
    takes_store = False

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add the option to build anew."""
        parser.add_argument("--force", action="store_true", help="build a demo store that is there anew")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed; exit code 2 when the place holds other data, 1 when the disk refuses."""
        self.message(f"Demo store: {demo_root()}")
        try:
            report = seed_demo(force=options["force"])
        except NotADemoStore as error:
            self.usage_error(str(error))
        except (StoreError, JobFailed) as error:
            self.message(str(error))
            self.finish({"error": str(error)}, "", ok=False, as_json=options["as_json"])
            return
        text = (
            f"{'Built' if report.built else 'Found'} {report.store.name}: {report.instruments} instruments, "
            f"{report.datasets} datasets, {report.rows:,} rows, {report.size_bytes / 1e6:.0f} MB "
            f"in {report.seconds:.1f} s"
        )
        self.finish(report.to_json(), text, as_json=options["as_json"])
