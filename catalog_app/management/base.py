"""What every command of the desk shares: `--json`, `--store`, exit codes."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from catalog_app.models import Store
from catalog_app.services.stores import UnknownStore, find_store


class DeskCommand(BaseCommand):
    """A command with `--json` and `--store`.

    Exit code 0: ok; 1: findings or failure; 2: wrong usage. With `--json` standard output
    carries exactly one JSON document; messages go to standard error.
    """

    takes_store = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the shared arguments, then the command's own."""
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
        if self.takes_store:
            parser.add_argument("--store", default="", help="name or directory of a store (default: the first one)")
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what only this command takes."""

    def store(self, options: dict[str, Any]) -> Store:
        """Return the store that `--store` means; unknown ones end the command with exit code 2."""
        try:
            return find_store(options["store"])
        except UnknownStore as error:
            self.usage_error(str(error))

    def usage_error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        raise CommandError(message, returncode=2)

    def message(self, text: str) -> None:
        """Say something to a person, never on the channel that carries JSON."""
        self.stderr.write(text)

    def finish(self, document: Any, text: str, *, ok: bool = True, as_json: bool) -> None:
        """Print the result; exit with 1 when there are findings or failures."""
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder, indent=2) if as_json else text)
        if not ok:
            sys.exit(1)
