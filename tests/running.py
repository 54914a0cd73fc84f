"""A desk that really runs: the supervisor with all its processes, on a free port, in a home of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from datacatalog.demo_users import read_demo_users
from datacatalog.env import BASE_DIR

# What the surroundings of a test run may set and what a desk under test must not see;
# the last one the Makefile unsets too.
FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "NAUTILUS_PATH",
    "PORT",
    "HOST",
    "DJANGO_SETTINGS_MODULE",
    "SECRET_KEY",
    "PYTHONDONTWRITEBYTECODE",
)
START_SECONDS = 120.0


def free_port() -> int:
    """A TCP port that nothing uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: object, seconds: float, what: str) -> None:
    """Wait until the callable is true; fail with `what` when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"{what} took more than {seconds} s"
        time.sleep(0.05)


def descendants(pid: int) -> set[int]:
    """Process ids below a process, at any depth (Linux)."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def cpu_seconds(pid: int) -> float:
    """Processor time that a process, its ended children and its running descendants have used (Linux)."""
    ticks = 0
    for one in (pid, *descendants(pid)):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Desk:
    """One running desk; `start()` and `stop()` may alternate on the same home."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the desk, without the last slash."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def catalog(self) -> Path:
        """Root of the first store, when NAUTILUS_PATH was given."""
        return Path(self.environment["NAUTILUS_PATH"]) / "catalog"

    @property
    def console(self) -> str:
        """What the supervisor wrote so far."""
        path = self.home.with_suffix(".console")
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def users(self) -> dict[str, str]:
        """Passwords by user name: trader, analyst, admin."""
        return read_demo_users(self.home)

    def log(self, name: str) -> str:
        """The log of one process of the Procfile."""
        return (self.home / "logs" / f"{name}.log").read_text(errors="replace")

    def variables(self) -> dict[str, str]:
        """The environment of the desk's processes."""
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        own = {"DATACATALOG_HOME": str(self.home), "PORT": str(self.port), "ENV_FILE": "", "PYTHONUNBUFFERED": "1"}
        return {**kept, **own, **self.environment}

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the supervisor and return at once."""
        with self.home.with_suffix(".console").open("wb") as console:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "datacatalog.supervisor"],
                cwd=BASE_DIR,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def start(self) -> None:
        """Start the desk and wait until it says that it is ready."""
        process = self.launch()
        wait_for(
            lambda: "Ready after" in self.console or process.poll() is not None, START_SECONDS, "the start of the desk"
        )
        assert process.poll() is None, self.console

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End the desk as Ctrl-C does; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=40)

    def process_of(self, name: str) -> int:
        """Process id of one process of the Procfile, found by its command line."""
        assert self.process is not None
        words = {"web": "datacatalog.server", "worker-heavy": "heavy@%h", "worker-interactive": "interactive@%h"}
        word = words.get(name, name)
        for pid in descendants(self.process.pid):
            if word in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                return pid
        raise AssertionError(f"{name} does not run")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command in the desk's environment."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
