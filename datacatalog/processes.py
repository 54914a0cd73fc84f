"""Child processes of the supervisor: the Procfile, starting, output, ending.

A child leads a session of its own, so that Ctrl-C on the terminal reaches the
supervisor alone, and so that whatever the child leaves behind can be ended with it.
On Linux the kernel kills it when the supervisor dies, however that happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

TAIL_LINES = 15
LOG_BYTES = 10 * 1024**2
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")


def read_procfile(path: Path) -> dict[str, str]:
    """Commands by process name, in the order of the file.

    Raises:
        ValueError: a line that is neither blank, a comment nor `name: command`.

    """
    commands: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not (match := _LINE.match(line)):
            raise ValueError(f"{path.name}, line {number}: expected `name: command`")
        commands[match[1]] = match[2]
    return commands


class Child:
    """One running process whose lines go to the console and to its log file."""

    def __init__(self, name: str, log: Path, write: Callable[[str], None]) -> None:
        self.name = name
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._write = write
        self._log = _log_handler(log)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, command: str, environment: Mapping[str, str], directory: Path) -> None:
        """Start the shell command; the shell replaces itself by it, so that signals reach the program."""
        self._process = await asyncio.create_subprocess_shell(
            f"exec {command}",
            cwd=directory,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )
        self._reading = asyncio.create_task(self._read())

    async def ended(self) -> int:
        """Wait for the end; negative is the signal that ended it."""
        assert self._process is not None and self._reading is not None  # noqa: S101
        code = await self._process.wait()
        # A grandchild may hold the pipe open: what is written by now is enough.
        await asyncio.wait({self._reading}, timeout=1)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def kill_group(self) -> None:
        """End the process and all that it started, at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def describe_end(self, code: int) -> str:
        """How it ended, with its last lines."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = "".join(f"\n    {line}" for line in self.tail) or " It wrote nothing."
        return f"{self.name} {how}.{' Its last lines:' if self.tail else ''}{lines}"

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None  # noqa: S101
        async for line in _lines(self._process.stdout):
            self.tail.append(line)
            self._log.emit(logging.makeLogRecord({"msg": line}))
            self._write(line)
        self._log.close()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length; readline() would raise on a very long one."""
    rest = b""
    while chunk := await stream.read(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")


def _log_handler(path: Path) -> RotatingFileHandler:
    handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    if path.stat().st_size:
        handler.doRollover()  # each start begins a file; the one before is kept
    return handler


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a child runs before it becomes its program: ask the kernel to kill it with its parent."""
    if _LIBC is None:
        return None
    libc = _LIBC

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask
