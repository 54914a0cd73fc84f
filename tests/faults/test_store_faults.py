"""What a disk and other writers do to a store's change: it is refused with the reason, and nothing changed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from catalog_app.store.commit.journal import Transaction, operations
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.commit.retention import purge
from catalog_app.store.errors import HalfDone, StoreError
from catalog_app.tests.store.trees import leftovers, put, tree

REPOSITORY = Path(__file__).resolve().parents[2]
X = "data/quote_tick/X.Y"
A, B, C, D = (f"{X}/{name}.parquet" for name in "abcd")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=120", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def replace(root: Path) -> UUID:
    """Commit two files for two."""
    with Transaction(root, "test", X) as tx:
        for path in (A, B):
            tx.remove(path)
        for path in (A, C):
            tx.stage(path).write_text("new")
        return tx.commit().operation_id


def fill(place: Path, *, leave: int) -> None:
    """Take all pages of a small disk but some."""
    with (place / "ballast").open("wb") as file:
        try:
            while True:
                file.write(bytes(4096))
                file.flush()
        except OSError:
            pass
        file.truncate(max(file.tell() // 4096 - leave, 0) * 4096)


def fill_inodes(place: Path, *, leave: int) -> None:
    """Take all inodes of a small disk but some."""
    many = place / "many"
    many.mkdir(exist_ok=True)
    number = 0
    try:
        while True:
            (many / str(number)).touch()
            number += 1
    except OSError:
        for last in range(number - 1, number - 1 - leave, -1):
            (many / str(last)).unlink()


@pytest.mark.parametrize("resource", ["bytes", "inodes"])
@pytest.mark.parametrize("operation", ["replace", "undo", "purge"])
def test_a_full_disk_ends_a_change_with_nothing_changed(small_disk: Path, operation: str, resource: str) -> None:
    done = 0
    for leave in range(32):
        root = small_disk / f"store{leave}"
        root.mkdir()
        for path in (A, B, D):
            put(root, path, "old")
        made = None if operation == "replace" else replace(root)
        before = tree(root)
        (fill if resource == "bytes" else fill_inodes)(small_disk, leave=leave)
        try:
            if made is None:
                replace(root)
            elif operation == "undo":
                undo(root, made)
            else:
                purge(root, operation_ids=[made])
        except (StoreError, OSError) as error:
            assert "disk is full" in str(error) or "No space left" in str(error)
            unchanged = not isinstance(error, HalfDone)
        else:
            done, unchanged = done + 1, False
        (small_disk / "ballast").unlink(missing_ok=True)
        shutil.rmtree(small_disk / "many", ignore_errors=True)
        recover(root)
        assert leftovers(root) == []
        assert {record.state for record in operations(root)} <= {"committed", "undone", "rolled_back"}
        if unchanged or operation == "purge":
            assert tree(root) == before
        shutil.rmtree(root)
    assert 0 < done < 32, "some had room enough and some had not"


def test_a_read_only_disk_is_explained(small_disk: Path) -> None:
    root = small_disk / "store"
    put(root, A, "old")
    put(root, B, "old")
    done = replace(root)
    before = tree(root)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for attempt in (
        lambda: replace(root),
        lambda: undo(root, done),
        lambda: purge(root, operation_ids=[done]),
    ):
        with pytest.raises(StoreError, match="read-only"):
            attempt()
    assert recover(root) == [], "there is nothing to recover, and looking for it needs no right to write"
    assert tree(root) == before


_WRITER = """
import sys
from pathlib import Path
from catalog_app.store.errors import ConcurrentChange
from catalog_app.store.commit.journal import Transaction

root, who, X, shared = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4].split(",")
sys.stdin.readline()
for number in range(25):
    with Transaction(root, who, X) as tx:
        tx.stage(f"{X}/{who}{number}-1.parquet").write_text(who)
        tx.stage(f"{X}/{who}{number}-2.parquet").write_text(who)
        if number:
            tx.remove(f"{X}/{who}{number - 1}-1.parquet")
        tx.commit()
won = 0
for path in shared:
    tx = Transaction(root, who, X)
    try:
        tx.remove(path)
        tx.stage(path.replace("shared", who)).write_text(who)
        tx.commit()
        won += 1
    except ConcurrentChange:
        continue
    finally:
        tx.abort()
print(won)
"""


def test_two_writers_of_one_directory_lose_nothing(tmp_path: Path) -> None:
    """Each adds and removes files of its own; then both want to replace the same ones, which only one can."""
    shared = [f"{X}/shared{number}.parquet" for number in range(20)]
    for path in shared:
        put(tmp_path, path, "old")
    arguments = [str(tmp_path), X, ",".join(shared)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, arguments[0], who, *arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for who in "pq"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    won = [int(writer.communicate(timeout=120)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sum(won) == len(shared)
    own = {f"{X}/{who}{number}-2.parquet" for who in "pq" for number in range(25)}
    last = {f"{X}/{who}24-1.parquet" for who in "pq"}
    replaced = {path for path in tree(tmp_path) if "-" not in path.rpartition("/")[2]}
    assert set(tree(tmp_path)) - replaced == own | last
    assert len(replaced) == len(shared)
    assert leftovers(tmp_path) == []


_FOREIGN = """
import sys, time
from pathlib import Path

directory = Path(sys.argv[1])
for number in range(int(sys.argv[2])):
    # As pyarrow writes: under the final name, in several steps.
    with open(directory / f"theirs{number}.parquet", "w") as file:
        file.write("fir")
        file.flush()
        time.sleep(0.005)
        file.write("st")
"""


def test_nothing_of_a_process_that_writes_all_the_time_is_lost(tmp_path: Path) -> None:
    """A running NautilusTrader adds files to the directory while it is exchanged again and again."""
    for path in (A, B):
        put(tmp_path, path, "old")
    command = [sys.executable, "-c", _FOREIGN, str(tmp_path / X), "300"]
    commits = 0
    with subprocess.Popen(command) as writer:
        while writer.poll() is None:
            undo(tmp_path, replace(tmp_path))
            commits += 2
    assert writer.returncode == 0
    theirs = {f"{X}/theirs{number}.parquet": "first" for number in range(300)}
    assert {path: (tmp_path / path).read_text() for path in tree(tmp_path)} == theirs | {A: "old", B: "old"}
    assert commits > 10
    assert leftovers(tmp_path) == []
