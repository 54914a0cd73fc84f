"""What recovery finds: interrupted operations, foreign files, staging of the living and the dead, disks that refuse."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from catalog_app.store.commit.journal import Transaction, find_operation
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.errors import StoreError
from catalog_app.tests.store.trees import Tree, leftovers, put, tree
from catalog_app.tests.store.upstream import run_python

REPOSITORY = Path(__file__).resolve().parents[3]
A, B, C, D = (f"data/quote_tick/X.Y/{name}.parquet" for name in "abcd")
NEW = "data/bar/X.Y-1-DAY-LAST-EXTERNAL/n.parquet"


def fresh(root: Path) -> Tree:
    """A store with three files."""
    for path, text in {A: "A1", B: "B", D: "D"}.items():
        put(root, path, text)
    return tree(root)


_DIES = """
import os, sys
from pathlib import Path
from catalog_app.store.commit import durable, journal

tx = journal.Transaction(Path(sys.argv[1]), "test", "data/quote_tick/X.Y")
for path in sys.argv[2:4]:
    tx.remove(path)
for path in sys.argv[4:]:
    tx.stage(path).write_text("new")
durable.on_step = lambda step: os._exit(9) if step == f"placed {tx.operation_id}.json" else None
tx.commit()
"""


def interrupted(root: Path) -> Tree:
    """A store whose operation was killed right after its decision: its record stands in journal/pending."""
    old = fresh(root)
    assert run_python(_DIES, str(root), A, B, A, C, NEW).returncode == 9
    return old


def test_a_decided_operation_is_finished_and_can_be_undone(tmp_path: Path) -> None:
    old = interrupted(tmp_path)
    [recovered] = recover(tmp_path)
    assert (recovered.outcome, recovered.kind, recovered.directory) == ("rolled_forward", "test", "data/quote_tick/X.Y")
    assert recovered.committed == find_operation(tmp_path, recovered.operation_id)
    assert set(tree(tmp_path)) == {A, C, D, NEW}
    undo(tmp_path, recovered.operation_id)
    assert tree(tmp_path) == old
    assert leftovers(tmp_path) == []


def test_a_recovery_that_meets_a_foreign_file_goes_back(tmp_path: Path) -> None:
    root = tmp_path / "store"
    old = interrupted(root)
    put(root, C, "theirs")
    [recovered] = recover(root)
    assert recovered.outcome == "rolled_back"
    assert tree(root) == old | {C: tree(root)[C]}
    assert (root / C).read_text() == "theirs"
    assert leftovers(root) == []


_HOLD = """
import sys, time
from pathlib import Path
from catalog_app.store.commit.journal import Transaction

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
from catalog_app.store.commit.journal import Transaction
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
from catalog_app.store.commit.journal import Transaction

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
