"""The broker, asked in a way that never makes a page or a beat wait for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from kombu import Connection

RUN_TASK = "catalog_app.tasks.run_job"
_QUICK = {"max_retries": 0, "socket_connect_timeout": 2.0, "socket_timeout": 5.0}


def send_run(job_id: str, queue: str) -> None:
    """Put the doorbell of a job into a queue. Any exception means that it may not have arrived."""
    send(RUN_TASK, [job_id], queue)


def send(task: str, args: list[Any], queue: str, times: int = 1) -> None:
    """Put doorbells of a task into a queue. Any exception means that some may not have arrived."""
    with _connected() as connection:
        for _ in range(times):
            current_app.send_task(task, args=args, queue=queue, connection=connection, retry=False)


def waiting(queue: str) -> int:
    """Count the doorbells that wait in a queue. Any exception means that the broker does not answer."""
    with _connected() as connection:
        # kombu's passive declare calls an empty Redis queue missing; its size is what it asks itself.
        return int(connection.default_channel._size(queue))  # type: ignore[attr-defined]


@contextmanager
def _connected() -> Iterator[Connection]:
    # Celery's own pool sleeps two seconds between tries, up to three times, when nothing answers.
    with current_app.connection_for_write() as connection:
        connection.transport_options = {**(connection.transport_options or {}), **_QUICK}
        connection.default_channel  # noqa: B018 - connects, or raises at once
        yield connection
