"""Changes of a store that die on the way: `python -m tests.faults.store_crashes`, driven by `StoreCrasher`.

OPERATIONS holds each by name: how to make the store that it starts from, and how it runs. The process reads JSON lines
{operation, root, fate, at}; for each, a child runs the operation and meets its fate; the answer is a JSON line
{exit code, steps}. Fates:
  live           nothing happens
  step N         kill -9 when the store's disk was changed for the N-th time
  named TEXT     kill -9 at the first such change whose name starts so
  delay SECONDS  kill -9 after that time
Children are forked before Polars or Arrow started any thread, since starting Python for each takes seconds.
"""

import contextlib
import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.commit import durable, swap
from catalog_app.store.commit.journal import Transaction, operations
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.commit.retention import purge
from catalog_app.store.conversion.convert import convert
from catalog_app.store.errors import ConcurrentChange
from catalog_app.store.maintenance import Consolidate, Deduplicate, DeleteRange, Request, execute, plan
from catalog_app.tests.store.frames import frame, write

REPOSITORY = Path(__file__).resolve().parents[2]
QUOTES = "data/quote_tick/EURUSD.SIM"
OPERATION_ID = UUID("11111111-1111-4111-8111-111111111111")


@dataclass(frozen=True)
class Operation:
    """`run` changes the store at `root / store`, which `prepare` made, in one commit, or in one for each directory.

    `otherwise` is the operation that it amounts to where a kill prevents what makes it special. `agrees` tells whether
    the journal agrees with the rows, which are the new ones or not.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    store: str = "."
    by_directory: bool = False
    otherwise: str = ""
    agrees: Callable[[Path, bool], bool] | None = None


@dataclass(frozen=True)
class Seen:
    """What a directory of a store holds: names of files, and the multiset of their rows."""

    files: frozenset[str]
    rows: Counter[str]


def look(store: Path) -> dict[str, Seen]:
    """All directories of a store that hold data, read from the disk."""
    found: dict[str, Seen] = {}
    for directory in sorted({path.parent for path in store.glob("data/**/*.parquet")}):
        files = sorted(directory.iterdir())
        rows = Counter(str(row) for path in files for row in pq.read_table(path).to_pylist())
        name = directory.relative_to(store).as_posix()
        found[name] = Seen(frozenset(path.name for path in files), rows)
    return found


def three_files(root: Path) -> None:
    """Three files of quotes and one of trades, with repeated rows."""
    write(root, "quote", frame("quote", [10, 20, 20, 30]))
    write(root, "quote", frame("quote", [40, 50, 50]))
    write(root, "quote", frame("quote", [60, 70, 80]))
    write(root, "trade", frame("trade", [15, 25]))


def _quote_paths(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in (root / QUOTES).iterdir())


def _write(root: Path) -> None:
    write(root, "quote", frame("quote", [100, 110]))


def _replace(root: Path) -> None:
    """Two directories in one commit; one name is taken over."""
    paths = _quote_paths(root)
    with Transaction(root, "test", QUOTES) as tx:
        for path in paths[:2]:
            tx.remove(path)
        for path, times in {paths[0]: [10, 20, 30], "data/quote_tick/NEW.SIM/a.parquet": [1], paths[1]: [40]}.items():
            pq.write_table(pa.table({"ts_init": times}), tx.stage(path))
        tx.stage("data/quote_tick/NEW.SIM/b.parquet").write_bytes((root / paths[2]).read_bytes())
        tx.commit()


def _replace_by_renames(root: Path) -> None:
    """On a file system without an exchange of directories."""

    def refuse(first: Path, second: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(first), None, str(second))

    swap.exchange = refuse
    _replace(root)


def _replace_refused(root: Path) -> None:
    """Somebody else takes a name in the last moment, so that everything goes back."""
    real = swap.exchange

    def intrude(first: Path, second: Path) -> None:
        swap.exchange = real
        changed = root / _quote_paths(root)[1]
        os.utime(changed, ns=(1, 1))
        real(first, second)

    swap.exchange = intrude
    with contextlib.suppress(ConcurrentChange):
        _replace(root)


def _delete(root: Path) -> None:
    with Transaction(root, "delete", QUOTES) as tx:
        for path in _quote_paths(root)[:2]:
            tx.remove(path)
        tx.commit()


def _last(root: Path) -> str:
    return list(operations(root))[-1].operation_id


def _replaced(root: Path) -> None:
    three_files(root)
    _replace(root)


def _undone(root: Path) -> None:
    _replaced(root)
    undo(root, _last(root))


def _undo_last(root: Path) -> None:
    undo(root, _last(root))


def _purge(root: Path) -> None:
    purge(root, operation_ids=[record.operation_id for record in operations(root)])


def _undone_if_new(root: Path, is_new: bool) -> bool:
    undone = [record for record in operations(root) if record.state == "undone"]
    return bool(undone) == is_new


def _purged_or_not(root: Path, _: bool) -> bool:
    marks = {record.purged_at is not None for record in operations(root) if record.files_before}
    trash = any(path.is_file() for path in (root / ".datacatalog" / "trash").rglob("*"))
    return marks == {not trash}


def _recover(root: Path) -> None:
    recover(root)


def _maintain(request: Request) -> Callable[[Path], None]:
    def run(root: Path) -> None:
        execute(
            root,
            plan(root, QUOTES, request),
            operation_id=OPERATION_ID,
            on_progress=lambda done, total: None,
            before_commit=lambda: None,
        )

    return run


def _convertible(root: Path) -> None:
    for name in ("source", "target"):
        (root / name).mkdir()
    three_files(root / "source")


def _convert(root: Path) -> None:
    convert(root / "source", root / "target", "v2")


OPERATIONS = {
    "write": Operation(three_files, _write),
    "replace": Operation(three_files, _replace),
    "replace by renames": Operation(three_files, _replace_by_renames),
    "replace refused": Operation(three_files, _replace_refused, otherwise="replace"),
    "delete": Operation(three_files, _delete),
    "undo": Operation(_replaced, _undo_last, agrees=_undone_if_new),
    "redo": Operation(_undone, _undo_last),
    "purge": Operation(_undone, _purge, agrees=_purged_or_not),
    "recover": Operation(three_files, _recover),
    "consolidate": Operation(three_files, _maintain(Consolidate(target_rows=1_000))),
    "deduplicate": Operation(three_files, _maintain(Deduplicate())),
    "delete range": Operation(three_files, _maintain(DeleteRange(20, 45))),
    "convert": Operation(_convertible, _convert, store="target", by_directory=True),
}


class StoreCrasher:
    """Runs operations in a process that they may kill."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, operation: str, root: Path, fate: str = "live", at: str | float = 0) -> tuple[bool, list[str]]:
        """Whether the operation died, and the changes of the disk that it made."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([operation, str(root), fate, at]) + "\n")
        self._process.stdin.flush()
        code, steps = json.loads(self._process.stdout.readline())
        assert code in {0, -signal.SIGKILL}, f"{operation} failed"
        return code != 0, steps


@contextlib.contextmanager
def store_crasher() -> Iterator[StoreCrasher]:
    """A process that forks; it ends with its input."""
    command = [sys.executable, "-m", "tests.faults.store_crashes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        yield StoreCrasher(process)
        assert process.stdin is not None
        process.stdin.close()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _hook(fate: str, at: Any, report: int) -> Callable[[str], None]:
    count = [0]

    def step(name: str) -> None:
        count[0] += 1
        os.write(report, name.encode() + b"\n")
        if (fate == "step" and count[0] == at) or (fate == "named" and name.startswith(at)):
            _die()

    return step


def _run_child(operation: str, root: str, fate: str, at: Any) -> tuple[int, list[str]]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            durable.on_step = _hook(fate, at, writing)
            OPERATIONS[operation].run(Path(root))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    if fate == "delay":
        time.sleep(at)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as report:
        steps = report.read().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), steps


def main() -> None:
    """Fork a child for each line of stdin and print how it ended."""
    importlib.import_module("pandas")  # PyArrow loads it at its first Python values: here once, not in each child
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    if busy := {name for name in names if not name.startswith(("python", "jemalloc_bg_thd", "polars-ooc-clea"))}:
        sys.exit(f"There are threads already ({busy}): a forked child could hang.")
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run_child(*json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
