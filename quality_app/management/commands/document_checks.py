"""Write docs/checks.md anew from the checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from quality_app.checks.handbook import handbook

PATH = Path(__file__).parents[3] / "docs" / "checks.md"


class Command(DeskCommand):
    """`document_checks` writes the handbook; with `--check` it only says whether that is up to date."""

    help = "Write docs/checks.md from the checks; --check: exit with 1 when it is outdated."
    takes_store = False

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what only this command takes."""
        parser.add_argument("--check", action="store_true", help="write nothing, tell whether it is outdated")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        text = handbook()
        is_current = PATH.exists() and PATH.read_text(encoding="utf-8") == text
        if not options["check"] and not is_current:
            PATH.write_text(text, encoding="utf-8")
        said = "is up to date" if is_current else "is outdated" if options["check"] else "was written anew"
        ok = is_current or not options["check"]
        self.finish({"path": str(PATH), "current": ok}, f"{PATH} {said}.", ok=ok, as_json=options["as_json"])
