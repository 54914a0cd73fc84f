"""The process that runs live feeds."""

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the configured live feeds until a termination signal."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait for the signal: this release has no kind of feed source to configure."""
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("No feed sources are configured yet: idle until SIGTERM.")
        stop.wait()
        self.stdout.write("Stopped.")
