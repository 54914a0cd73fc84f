"""kill -9 at every step: after recovery a store holds the old files or the new ones, never a mixture."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalog_app.store.errors import StoreError
from catalog_app.store.journal import Transaction, find_operation, operations
from catalog_app.store.recovery import recover, undo
from catalog_app.tests.store.trees import Tree, leftovers, put, tree
from catalog_app.tests.store.upstream import run_python

REPOSITORY = Path(__file__).resolve().parents[3]
A, B, C, D = (f"data/quote_tick/X.Y/{name}.parquet" for name in "abcd")
NEW = "data/bar/X.Y-1-DAY-LAST-EXTERNAL/n.parquet"

# Reads "operation root step argument" lines; for each, a child runs the operation and dies without any clean-up when
# the disk was changed for the n-th time. Forks before any thread exists, since starting Python for each step is slow.
_CRASHER = """
import os, sys
from pathlib import Path
from catalog_app.store import durable, journal, recovery

def change(root, step, _):
    tx = journal.Transaction(root, "test", "data/quote_tick/X.Y")
    tx.remove(A); tx.remove(B)
    tx.stage(A).write_text("A2"); tx.stage(C).write_text("C"); tx.stage(NEW).write_text("N")
    arm(step)
    tx.commit()

def undo(root, step, operation_id):
    arm(step)
    recovery.undo(root, operation_id)

def recover(root, step, _):
    arm(step)
    recovery.recover(root)

def arm(step):
    left = [int(step)]
    def crash(name):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
    durable.on_step = crash

for line in sys.stdin:
    operation, root, step, argument = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            globals()[operation](Path(root), step, argument)
            code = 0
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
NEVER = 10_000


class Crasher:
    """Runs operations on stores and kills them at a step."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def crash_at(self, root: Path, operation: str, step: int, argument: str = "") -> bool:
        """Whether the operation died at the step; False when it has fewer steps and ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{operation}\t{root}\t{step}\t{argument}\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        assert code in {0, 9}
        return code == 9


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    names = "\n".join(f"{name} = {value!r}" for name, value in {"A": A, "B": B, "C": C, "NEW": NEW}.items())
    command = [sys.executable, "-c", f"{names}\n{_CRASHER}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        yield Crasher(process)
        assert process.stdin is not None
        process.stdin.close()


def fresh(root: Path) -> Tree:
    """A store with three files."""
    for path, text in {A: "A1", B: "B", D: "D"}.items():
        put(root, path, text)
    return tree(root)


def changed(root: Path, crasher: Crasher) -> Tree:
    """The same store after the operation, made without a crash."""
    fresh(root)
    assert not crasher.crash_at(root, "change", NEVER)
    return tree(root)


def interrupted(root: Path, crasher: Crasher) -> Tree:
    """A store whose operation was killed right after its decision: its record stands in journal/pending."""
    for step in range(1, 60):
        attempt = root / str(step)
        old = fresh(attempt)
        assert crasher.crash_at(attempt, "change", step)
        if any((attempt / ".datacatalog" / "journal" / "pending").glob("*.json")):
            for entry in attempt.iterdir():
                entry.rename(root / entry.name)
            return old
    raise AssertionError("the operation never decides")


def every_step(operation: Callable[[int], bool]) -> int:
    """Crash at the first step, the second, … until the operation ends by itself; the number of steps."""
    step = 1
    while operation(step):
        step += 1
    return step - 1


def test_a_commit_killed_at_any_step_ends_in_the_old_or_the_new_files(tmp_path: Path, crasher: Crasher) -> None:
    new = changed(tmp_path / "reference", crasher)
    outcomes: list[str] = []

    def one(step: int) -> bool:
        root = tmp_path / str(step)
        old = fresh(root)
        died = crasher.crash_at(root, "change", step)
        recovered = recover(root)
        now = tree(root)
        assert now in (old, new), f"a mixture after step {step}"
        assert leftovers(root) == []
        outcomes.append("new" if now == new else "old")
        if now == new and died:
            done = find_operation(root, next(iter(operations(root))).operation_id)
            assert done is not None
            assert not recovered or recovered[0].outcome == "rolled_forward"
            undo(root, done.operation_id)
            assert tree(root) == old
        return died

    steps = every_step(one)
    assert steps > 20
    assert outcomes == sorted(outcomes, reverse=True), "once decided, an operation never goes back"
    assert set(outcomes) == {"old", "new"}


def test_an_undo_killed_at_any_step_ends_before_or_after_it(tmp_path: Path, crasher: Crasher) -> None:
    def one(step: int) -> bool:
        root = tmp_path / str(step)
        old = fresh(root)
        assert not crasher.crash_at(root, "change", NEVER)
        new = tree(root)
        [record] = operations(root)
        died = crasher.crash_at(root, "undo", step, record.operation_id)
        recover(root)
        assert tree(root) in (old, new), f"a mixture after step {step}"
        assert leftovers(root) == []
        state = {one.operation_id: one.state for one in operations(root)}[record.operation_id]
        assert state == ("undone" if tree(root) == old else "committed")
        if state == "committed":
            undo(root, record.operation_id)
            assert tree(root) == old
        return died

    assert every_step(one) > 20


def test_a_recovery_killed_at_any_step_is_finished_by_the_next(tmp_path: Path, crasher: Crasher) -> None:
    new = changed(tmp_path / "reference", crasher)

    def one(step: int) -> bool:
        root = tmp_path / str(step)
        interrupted(root, crasher)
        died = crasher.crash_at(root, "recover", step)
        recover(root)
        assert tree(root) == new
        assert leftovers(root) == []
        return died

    assert every_step(one) > 10


def test_a_recovery_that_meets_a_foreign_file_goes_back(tmp_path: Path, crasher: Crasher) -> None:
    root = tmp_path / "store"
    old = interrupted(root, crasher)
    put(root, C, "theirs")
    [recovered] = recover(root)
    assert recovered.outcome == "rolled_back"
    assert tree(root) == old | {C: tree(root)[C]}
    assert (root / C).read_text() == "theirs"
    assert leftovers(root) == []


_HOLD = """
import sys, time
from pathlib import Path
from catalog_app.store.journal import Transaction

tx = Transaction(Path(sys.argv[1]), "import", "d")
tx.stage("data/bar/X/a.parquet").write_text("half")
print("staged", flush=True)
time.sleep(60)
"""


def test_staging_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "staged\n"
        assert recover(tmp_path) == []
        assert len(leftovers(tmp_path)) == 1
        holder.kill()
        holder.wait()
        deadline = time.monotonic() + 10
        while not (recovered := recover(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert [one.outcome for one in recovered] == ["discarded"]
    assert leftovers(tmp_path) == []


def test_staging_of_a_thread_of_this_process_is_left_alone(tmp_path: Path) -> None:
    with Transaction(tmp_path, "import", "d") as tx:
        tx.stage(A).write_text("x")
        assert recover(tmp_path) == []
        tx.commit()
    assert set(tree(tmp_path)) == {A}


_FULL = """
import resource, signal, sys
from pathlib import Path
import polars as pl
from catalog_app.store.errors import StoreError
from catalog_app.store.journal import Transaction
from catalog_app.store.schema import CANONICAL
from catalog_app.store.writer import DatasetWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
time = pl.int_range(0, 200_000, eager=True)
raw = (time * 7919 % 1_000_003).cast(pl.Int128)
frame = pl.DataFrame([raw.alias(n) if t == pl.Int128 else time.alias(n) for n, t in CANONICAL["quote"].items()])
try:
    with Transaction(Path(sys.argv[1]), "import", "d") as tx:
        writer = DatasetWriter(tx, "quote", "X.Y", price_precision=16, size_precision=16)
        writer.write(frame)
        writer.finish()
        tx.commit()
except StoreError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_is_explained_and_nothing_changes(tmp_path: Path) -> None:
    old = fresh(tmp_path)
    done = run_python(_FULL, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "cannot write data/quote_tick/X.Y" in done.stdout
    assert tree(tmp_path) == old
    assert leftovers(tmp_path) == []


_READ_ONLY = """
import os, sys
from pathlib import Path
from catalog_app.store.errors import StoreError
from catalog_app.store.journal import Transaction

if os.geteuid() == 0:
    os.setuid(65534)
try:
    Transaction(Path(sys.argv[1]), "import", "d")
except StoreError as error:
    print(error)
"""


def test_a_store_without_write_permission_is_explained() -> None:
    # Not below tmp_path, whose parents only root may enter.
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        old = fresh(root)
        root.chmod(0o555)
        done = run_python(_READ_ONLY, directory)
        assert done.returncode == 0, done.stderr
        assert "permission denied" in done.stdout
        assert tree(root) == old
        assert [entry.name for entry in root.iterdir()] == ["data"]
        root.chmod(0o700)
        done = run_python(_READ_ONLY, directory)
        if os.geteuid() == 0:
            assert "permission denied" in done.stdout


def test_recover_explains_a_damaged_record(tmp_path: Path) -> None:
    pending = tmp_path / ".datacatalog" / "journal" / "pending"
    put(tmp_path, ".datacatalog/staging/none", "")
    pending.mkdir(parents=True)
    (pending / "00000000-0000-4000-8000-000000000000.json").write_text("{}")
    with pytest.raises(StoreError, match="damaged"):
        recover(tmp_path)
