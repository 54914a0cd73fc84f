"""NautilusTrader 2 as judge: its wheel in a virtual environment of its own, run as a process.

The environment is `.venv-v2` in the repository, made once and kept (`make clean` removes it). Where it cannot be made
(no package index, Python before 3.13) the tests that need it are skipped and say why; with CI=true they fail.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from catalog_app.tests.store.upstream import Answer, Query, answers

# 2.0.0 is not released: the last pre-release is pinned, for each one so far has written another dialect.
REQUIREMENTS = ("nautilus_trader==2.0.0rc7", "pyarrow==26.0.1")
OLDEST_PYTHON = (3, 13)

_READ = """
from nautilus_trader.model import NautilusDataType
from nautilus_trader.persistence import ParquetDataCatalog

def code(member):
    return member.value if member else 0

TYPES = {
    "quote": "QuoteTick", "trade": "TradeTick", "bar": "Bar", "delta": "OrderBookDelta", "depth10": "OrderBookDepth",
    "mark_price": "MarkPriceUpdate", "index_price": "IndexPriceUpdate", "funding_rate": "FundingRateUpdate",
    "status": "InstrumentStatus", "close": "InstrumentClose", "greeks": "OptionGreeks",
}

def query(root, kind, identifiers):
    return ParquetDataCatalog(root).query(getattr(NautilusDataType, TYPES[kind]), identifiers=identifiers or None)
"""

_REPOSITORY = Path(__file__).resolve().parents[3]
_HOME = _REPOSITORY / ".venv-v2"


@pytest.fixture(scope="session")
def requires_v2() -> None:
    """Skip a test where NautilusTrader 2 cannot be had (in CI: fail); `run_v2` does it too."""
    v2_python()


def run_v2(script: str, *arguments: str | Path, timeout: int = 120) -> Any:
    """Run a script under NautilusTrader 2: the JSON value that it printed as its last line.

    Arguments arrive as sys.argv[1:]; a script that fails is an AssertionError with the end of its output.
    """
    done = run_v2_process(script, *arguments, timeout=timeout)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def records_v2(root: Path, data_type: str, *identifiers: str) -> list[Any]:
    """The records that the catalog of NautilusTrader 2 returns, in the form of `upstream.records`."""
    [answer] = answers_v2([(root, data_type, *identifiers)])
    assert isinstance(answer, list), answer
    return answer


def answers_v2(queries: Sequence[Query]) -> list[Answer]:
    """What the catalog of NautilusTrader 2 returns to each query, as `upstream.answers` has it."""
    return answers(queries, run_v2_process, _READ)


def run_v2_process(script: str, *arguments: str | Path, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    """Run a script under NautilusTrader 2, which may abort: for tests of what it refuses."""
    command = [str(v2_python()), "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=_REPOSITORY, check=False)


@cache
def v2_python() -> Path:
    """The interpreter of the environment, which is made where it is missing."""
    if sys.version_info < OLDEST_PYTHON:
        pytest.skip(f"NautilusTrader 2 needs Python {'.'.join(map(str, OLDEST_PYTHON))} or later")
    python = _HOME / "env" / "bin" / "python"
    stamp = _HOME / "env" / "installed.json"
    # The base interpreter goes into the stamp: an environment does not outlive it.
    wanted = json.dumps([*REQUIREMENTS, _base_python()])
    with _locked(_HOME):
        if not (stamp.is_file() and stamp.read_text() == wanted):
            _make(python.parents[1])
            stamp.write_text(wanted)
    return python


def _make(environment: Path) -> None:
    """By uv, which takes seconds, or where that does not work by pip."""
    python = str(environment / "bin" / "python")
    pip = (
        [_base_python(), "-m", "venv", str(environment)],
        [python, "-m", "pip", "install", "--quiet", *REQUIREMENTS],
    )
    uv = _find_uv()
    by_uv = uv and (
        [uv, "venv", "--quiet", "--python", _base_python(), str(environment)],
        [uv, "pip", "install", "--quiet", "--python", python, *REQUIREMENTS],
    )
    failures = []
    for commands in filter(None, (by_uv, pip)):
        shutil.rmtree(environment, ignore_errors=True)
        failure = next(filter(None, map(_failure, commands)), None)
        if failure is None:
            return
        failures.append(failure)
    _give_up("; ".join(failures))


def _failure(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr[-1000:] if done.returncode else None


def _give_up(reason: str) -> None:
    message = f"cannot install {' '.join(REQUIREMENTS)}: {reason}"
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _find_uv() -> str | None:
    candidates = (str(Path(sys.executable).parent / "uv"), shutil.which("uv"), str(_REPOSITORY / ".uv" / "bin" / "uv"))
    return next((uv for uv in candidates if uv and _failure([uv, "--version"]) is None), None)


def _base_python() -> str:
    return getattr(sys, "_base_executable", sys.executable)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock: test processes side by side make the environment once."""
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
