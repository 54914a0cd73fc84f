"""Runs jobs in processes that die on the way: `python -m tests.faults.mortal`, driven by `MortalRunner`.

Reads lines "job id, tab, fate"; for each, a child runs the job and meets its fate; prints the child's exit code.
Fates:
  live                       nothing happens
  step N                     kill -9 when the store's disk was changed for the N-th time
  before|after CALL [N]      kill -9 around the N-th call of `module:name` or `module:class.name`
  delay SECONDS              kill -9 after that time
  limit BYTES                no file may grow beyond this size, as on a full disk
Children are forked before any work was done, since starting Python for each of them takes seconds. The only threads
at that moment are the idle ones of the allocators, which a child does without.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

# What a job needs: imported here, so that the children need not.
IMPORTED_ONCE = (
    "catalog_app.services.exporting",
    "catalog_app.services.importing",
    "celery.app.amqp",
    "channels_redis.pubsub",
    "kombu.transport.redis",
    "nautilus_trader.model.instruments",
    "pandas",  # PyArrow would import it in every child
    "nautilus_trader.serialization.arrow.serializer",
    "pyarrow.dataset",
)


def die(*_: object) -> None:
    """End this process as `kill -9` does: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal may take a moment to arrive


def arm(fate: str) -> None:
    """Prepare the end that `fate` describes, in the process that shall meet it."""
    kind, *words = fate.split()
    if kind == "step":
        from catalog_app.store.commit import durable

        durable.on_step = countdown(int(words[0]))
    elif kind in {"before", "after"}:
        around(words[0], kind, int(words[1]) if len(words) > 1 else 1)
    elif kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(words[0]), int(words[0])))


def countdown(calls: int) -> Callable[[str], None]:
    """A function that ends the process when it is called so often."""
    left = [calls]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            die()

    return count


def around(call: str, when: str, calls: int) -> None:
    """End the process before or after a call of the named function."""
    module, _, path = call.partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    original, count = getattr(owner, name), countdown(calls)

    @functools.wraps(original)
    def mortal(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            count(name)
        answer = original(*args, **kwargs)
        if when == "after":
            count(name)
        return answer

    setattr(owner, name, mortal)


def run(job_id: str, fate: str) -> None:
    """Run a queued job in this process."""
    from catalog_app.services import jobs

    arm(fate)
    jobs.run_job(job_id)


def _busy_threads() -> set[str]:
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    return {name for name in names if not name.startswith(("python", "jemalloc_bg_thd", "polars-ooc-clea"))}


def main() -> None:
    """Fork a child for each line of stdin and print how it ended."""
    django.setup()
    for name in IMPORTED_ONCE:
        importlib.import_module(name)
    if busy := _busy_threads():
        sys.exit(f"There are threads already ({busy}): a forked child could hang.")
    for line in sys.stdin:
        job_id, fate = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(job_id, fate)
                code = 0
            finally:
                os._exit(code)
        if fate.startswith("delay "):
            time.sleep(float(fate.split()[1]))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
