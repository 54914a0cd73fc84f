"""The process of one side, or of one input: told by lines on stdin, answering with lines of JSON.

Each side has a process of its own, so that its peak memory is its own and no side warms another's caches.
"""

import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from benchmarks.work import Sizes, Work, Workspace

# ru_maxrss counts KiB, on macOS bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_bytes() -> int:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


def resolve(entry: str) -> Any:
    """The function that "package.module:function" or "package.module:function:argument" names."""
    module, name, *arguments = entry.split(":")
    function = getattr(importlib.import_module(module), name)
    return partial(_called, function, arguments) if arguments else function


def _called(function: Any, arguments: list[str], workspace: Workspace) -> Any:
    return function(workspace, *arguments)


def main() -> None:
    """Make an input (`make`), or get a side ready and run a round for each line that comes (`side`)."""
    order = json.loads(sys.argv[1])
    answers = _take_stdout()
    workspace = Workspace(Path(order["root"]), Sizes(**order["sizes"]))
    if order["role"] == "make":
        resolve(order["entry"])(workspace)
        _answer(answers, {"made": True})
        return
    work: Work = resolve(order["entry"])(workspace)
    _answer(answers, {"idle_bytes": peak_bytes()})
    for _ in sys.stdin:
        _answer(answers, _round(work, workspace.root))


def _take_stdout() -> TextIO:
    """Keep stdout for answers: whatever a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def _round(work: Work, root: Path) -> dict[str, Any]:
    scratch = Path(tempfile.mkdtemp(prefix="round-", dir=root))
    try:
        work.before()
        begun, cpu_begun = time.perf_counter(), time.process_time()
        done = work.run(scratch)
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu_begun
    finally:
        shutil.rmtree(scratch)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "units": done.units,
        "size_bytes": done.size_bytes,
        "figures": done.figures,
        "peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    main()
