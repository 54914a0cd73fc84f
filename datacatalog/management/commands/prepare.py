"""Bring a home and a database to where the desk can serve."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from datacatalog.prepare import prepare


class Command(BaseCommand):
    help = "Migrate the database, collect static files and register the first store, each only when needed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options of the command."""
        parser.add_argument("--demo-users", action="store_true", help="make three users when there is none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the desk."""
        prepare(self.stdout.write, demo_users=options["demo_users"])
