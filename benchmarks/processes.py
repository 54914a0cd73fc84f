"""Starting the processes of sides and inputs, and talking to them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

from benchmarks.measurement import PROJECT
from benchmarks.work import Workspace

_SHOWN = 3000


class Failed(Exception):
    """A process of a measurement ended with an error; the message holds what it said."""


class Process:
    """A context manager over one process; leaving it ends the process."""

    def __init__(self, role: str, entry: str, workspace: Workspace, python: str = sys.executable) -> None:
        order = {"role": role, "entry": entry, "root": str(workspace.root), "sizes": asdict(workspace.sizes)}
        self.entry = entry
        self._said = TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", json.dumps(order)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
        # Closes stdin, which ends a side that waits for its next round.
        self._process.communicate()
        self._said.close()

    def answer(self) -> dict[str, Any]:
        """The next line; raises Failed when the process ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")[-_SHOWN:].strip()
            raise Failed(f"{self.entry} ended with exit code {code}:\n{said}")
        return dict(json.loads(line))

    def round(self) -> dict[str, Any]:
        """Run one round."""
        assert self._process.stdin is not None
        self._process.stdin.write("round\n")
        self._process.stdin.flush()
        return self.answer()
