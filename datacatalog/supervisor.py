"""`make run`: prepares the desk, runs the processes of the Procfile, and ends them together.

Exit code 0 after Ctrl-C or a termination signal, 1 when something died or cannot start,
2 when the environment is wrong. This process stays small and single-threaded: the work
is done by its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from datacatalog.demo_users import passwords_file, read_demo_users
from datacatalog.embedded_redis import choose_address, wait_until_it_answers
from datacatalog.env import BASE_DIR, Environment, read_environment
from datacatalog.processes import Child, read_procfile

GRACE_SECONDS = 10.0
WEB_TIMEOUT_SECONDS = 90.0
# Its start says nothing that a user needs; the log file and a death's last lines have it.
ONLY_IN_LOG = {"redis"}


class StopRequestedError(Exception):
    """Ctrl-C, or a signal to end."""


class StartError(Exception):
    """The desk cannot start or go on; the text says why and what to do."""


class Supervisor:
    """The running desk."""

    def __init__(self, environment: Environment, started: float) -> None:
        self._environment = environment
        self._started = started
        self._logs = environment.home / "logs"
        self._children: list[Child] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._commands = read_procfile(BASE_DIR / "Procfile")
        self._width = max(len(name) for name in (*self._commands, "prepare"))
        self._child_environment = {
            **os.environ,
            "DATACATALOG_HOME": str(environment.home),
            "DJANGO_SETTINGS_MODULE": "datacatalog.settings",
            "HOST": environment.host,
            "PORT": str(environment.port),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
        }

    async def run(self) -> int:
        """Start everything, then wait for a signal or a death; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        self._logs.mkdir(mode=0o750, exist_ok=True)
        try:
            await self._unless_troubled(self._start())
            await self._trouble
        except StopRequestedError:
            say("Stopping.")
            return 0
        except StartError as error:
            say(str(error))
            return 1
        finally:
            await self._stop()
            say("Everything is stopped.")
        return 0

    async def _start(self) -> None:
        if self._environment.embedded_redis:
            address = choose_address()
            self._child_environment["REDIS_URL"] = address
            await self._spawn("redis", self._commands["redis"])
            await wait_until_it_answers(address)
        await self._prepare()
        # The page first: the others would compete with its start.
        await self._spawn("web", self._commands["web"])
        status = await self._web_answers()
        for name, command in self._commands.items():
            if name not in {"redis", "web"}:
                await self._spawn(name, command)
        say(self._welcome(status))

    async def _prepare(self) -> None:
        child = self._new_child("prepare")
        await child.start("python manage.py prepare --demo-users", self._child_environment, BASE_DIR)
        self._children.append(child)
        if code := await child.ended():
            raise StartError(f"The desk could not be prepared: {child.describe_end(code)}")
        self._children.remove(child)

    async def _spawn(self, name: str, command: str) -> None:
        child = self._new_child(name)
        await child.start(command, self._child_environment, BASE_DIR)
        self._children.append(child)
        watcher = asyncio.create_task(self._watch(child))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    def _new_child(self, name: str) -> Child:
        def write(line: str) -> None:
            if name not in ONLY_IN_LOG:
                say(f"{name:<{self._width}} | {line}")

        return Child(name, self._logs / f"{name}.log", write)

    async def _watch(self, child: Child) -> None:
        code = await child.ended()
        if not self._trouble.done():
            self._trouble.set_exception(StartError(f"{child.describe_end(code)}\nThe desk ends with it."))

    def _on_signal(self) -> None:
        if not self._trouble.done():
            self._trouble.set_exception(StopRequestedError())
        else:  # asked twice: no more patience
            for child in self._children:
                child.kill_group()

    async def _unless_troubled(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        await asyncio.wait({task, self._trouble}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._trouble.result()
        task.result()

    async def _web_answers(self) -> int:
        """Wait for the login page; its HTTP status."""
        deadline = time.monotonic() + WEB_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, asyncio.TimeoutError, ValueError, IndexError):
                return await asyncio.wait_for(self._ask_for_login(), timeout=20)
            await asyncio.sleep(0.1)
        raise StartError(
            f"The web process did not answer within {WEB_TIMEOUT_SECONDS:.0f} s. See {self._logs / 'web.log'}."
        )

    async def _ask_for_login(self) -> int:
        host = self._environment.host
        reader, writer = await asyncio.open_connection(
            "127.0.0.1" if host == "0.0.0.0" else host,  # noqa: S104
            self._environment.port,
        )
        name = self._environment.allowed_hosts[0].lstrip(".").replace("*", "localhost")
        writer.write(f"GET /login/ HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
        return status

    def _welcome(self, status: int) -> str:
        seconds = time.monotonic() - self._started
        lines = [
            "",
            f"  NautilusTrader data desk: http://{self._environment.host}:{self._environment.port}/",
            f"  Ready after {seconds:.1f} s. Logs: {self._logs}. Ctrl-C ends it.",
        ]
        if status != 200:
            lines.append(f"  The login page answers with HTTP {status}: see {self._logs / 'web.log'}.")
        if users := read_demo_users(self._environment.home):
            lines.append(f"  Users with their first passwords (kept in {passwords_file(self._environment.home)}):")
            lines += [f"    {name:<10} {password}" for name, password in users.items()]
        return "\n".join([*lines, ""])

    async def _stop(self) -> None:
        """End the children, Redis last, so that the others can say goodbye to it."""
        if not self._trouble.done():
            self._trouble.cancel()  # from here on, a child that ends is no news
        redis = [child for child in self._children if child.name == "redis"]
        others = [child for child in self._children if child.name != "redis"]
        for group in (others, redis):
            for child in group:
                child.signal(signal.SIGTERM)
            if group:
                await asyncio.wait([asyncio.create_task(child.ended()) for child in group], timeout=GRACE_SECONDS)
            for child in group:
                child.kill_group()
                await child.ended()


def say(text: str) -> None:
    """Write to the console at once; a console that has gone away stops nothing."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def check_port(host: str, port: int) -> None:
    """Refuse a port that another program holds.

    Raises:
        StartError: with what to do.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartError(
                f"Cannot listen on {host} port {port}: {error.strerror}. "
                f"Stop the program that uses it, or choose another port: PORT={port + 1} make run"
            ) from error


def lock_home(home: Path) -> IO[str]:
    """Keep a second desk off the same home; the lock lasts as long as the returned file.

    Raises:
        StartError: when another one holds it.

    """
    path = home / "supervisor.lock"
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        raise StartError(
            f"Another desk (process {holder}) already runs on {home}. "
            "Stop it, or give this one a home of its own: DATACATALOG_HOME=… make run"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def main() -> int:
    """Run the desk; the exit code."""
    started = time.monotonic()
    try:
        environment = read_environment()
    except ImproperlyConfigured as error:
        say(str(error))
        return 2
    try:
        check_port(environment.host, environment.port)
        with lock_home(environment.home):
            return asyncio.run(_run(environment, started))
    except StartError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0


async def _run(environment: Environment, started: float) -> int:
    return await Supervisor(environment, started).run()


if __name__ == "__main__":
    sys.exit(main())
