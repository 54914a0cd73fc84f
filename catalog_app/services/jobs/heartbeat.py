"""Keeps a running job's claim and leases alive while its handler is busy."""

import logging
import threading
from types import TracebackType

from django.db import DatabaseError, connection, connections

from catalog_app.services import leases
from catalog_app.services.errors import JobLost
from catalog_app.services.jobs.progress import Progress

logger = logging.getLogger(__name__)

INTERVAL = 3.0


class Heartbeat:
    """A thread that writes the job's figures and renews its leases, on a connection of its own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        # Inside a caller's transaction nobody else can see the row, nor could the thread.
        if connection.in_atomic_block:
            return
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{self._progress.job_id}", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(INTERVAL):
                try:
                    self._progress.write()
                    leases.renew(self._progress.claim)
                except JobLost:
                    return
                except DatabaseError as error:
                    logger.warning("Heartbeat of job %s missed: %s", self._progress.job_id, error)
                    connection.close()
        finally:
            connections.close_all()
