"""Worker processes of the tests' own, on the tests' database and broker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from catalog_app.models import Job
from catalog_app.services.jobs import reap

PATIENCE = 60


def database_url() -> str:
    """The address of the tests' database, for another process."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    login = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}"
    return f"postgres://{login}@{given['HOST'] or 'localhost'}:{given['PORT'] or 5432}/{given['NAME']}"


class Workers:
    """Worker processes on the tests' database and broker; each logs into a file."""

    def __init__(self, broker_url: str, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen] = []
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "datacatalog.settings",
            "DATACATALOG_HOME": str(settings.DATACATALOG_HOME),
            "DATABASE_URL": database_url(),
            "REDIS_URL": broker_url,
        }

    def start(self, app: str = "catalog_app.tests.jobs.worker", threads: int = 2) -> subprocess.Popen:
        number = len(self.processes)
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "--pool=threads"]
        command += [f"--concurrency={threads}", "--queues=interactive,heavy", "--without-mingle", "--without-gossip"]
        with (self.directory / f"worker-{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, f"--hostname=w{number}@test"],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something has happened, reaping meanwhile as beat does.

        Gives up when it takes too long or no worker is left.
        """
        deadline = time.monotonic() + PATIENCE
        while not condition():
            nobody_left = all(process.poll() is not None for process in self.processes)
            if nobody_left or time.monotonic() > deadline:
                logs = "\n".join(log.read_text()[-3000:] for log in self.directory.glob("worker-*.log"))
                pytest.fail(f"Waited in vain. {list(Job.objects.values())}\n{logs}")
            reap()
            time.sleep(0.1)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
