"""A dataset's directory changes in one step, and what others do in it meanwhile is kept."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from catalog_app.store.commit import durable, swap
from catalog_app.store.commit.journal import Transaction, operations
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.tests.store.frames import frame, write
from catalog_app.tests.store.trees import leftovers, put, tree

REPOSITORY = Path(__file__).resolve().parents[3]
X = "data/quote_tick/X.Y"
A, B, C, D = (f"{X}/{name}.parquet" for name in "abcd")


def replace(root: Path, removes: list[str], adds: dict[str, str]) -> Transaction:
    """A prepared transaction; the caller commits."""
    tx = Transaction(root, "test", X)
    for path in removes:
        tx.remove(path)
    for path, content in adds.items():
        tx.stage(path).write_text(content)
    return tx


def texts(root: Path) -> dict[str, str]:
    return {path: (root / path).read_text() for path in tree(root)}


def at(step: str, act: Callable[[], object]) -> Callable[[str], None]:
    """A hook that acts once, at the first step of that name."""
    waiting = [act]

    def hook(name: str) -> None:
        if waiting and name.startswith(step):
            waiting.pop()()

    return hook


@contextmanager
def hooked(monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], object]) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(durable, "on_step", at(step, act))
        yield


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no exchange, as NFS."""

    def refuse(first: Path, second: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(swap, "exchange", refuse)


def listings(root: Path, tx: Transaction, monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """The different sets of names that the directory shows during a commit, in order."""
    seen: list[frozenset[str]] = []

    def look(_: str) -> None:
        names = frozenset(path.name for path in (root / X).iterdir()) if (root / X).exists() else frozenset()
        if not seen or seen[-1] != names:
            seen.append(names)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "on_step", look)
        tx.commit()
    return seen


def test_a_directory_shows_the_old_or_the_new_files_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (A, B, D):
        put(tmp_path, path, "old")
    seen = listings(tmp_path, replace(tmp_path, [A, B], {C: "new", A: "new"}), monkeypatch)
    assert seen == [
        frozenset({"a.parquet", "b.parquet", "d.parquet"}),
        frozenset({"a.parquet", "c.parquet", "d.parquet"}),
    ]
    assert texts(tmp_path) == {A: "new", C: "new", D: "old"}
    assert leftovers(tmp_path) == []


def test_a_new_directory_appears_with_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = listings(tmp_path, replace(tmp_path, [], {A: "1", B: "2"}), monkeypatch)
    assert seen == [frozenset(), frozenset({"a.parquet", "b.parquet"})]


def test_a_single_new_file_needs_no_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, A, "old")
    inode = (tmp_path / X).stat().st_ino
    replace(tmp_path, [], {B: "new"}).commit()
    assert (tmp_path / X).stat().st_ino == inode


def test_files_that_stay_keep_their_inodes_and_the_directory_its_rights(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    kept = put(tmp_path, D, "kept")
    (tmp_path / X).chmod(0o2775)
    before = kept.stat()
    replace(tmp_path, [A], {B: "new"}).commit()
    after = (tmp_path / D).stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, 1)
    assert (tmp_path / X).stat().st_mode & 0o7777 == 0o2775


@pytest.mark.parametrize("step", ["synced directory 000001", "wrote .", "placed ", "switched X.Y", "settled X.Y"])
def test_a_file_that_another_process_is_writing_arrives_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for path in (A, B):
        put(tmp_path, path, "old")
    # It opened the directory before: what it makes lands there, whichever name that has by then.
    directory = os.open(tmp_path / X, os.O_RDONLY | os.O_DIRECTORY)
    written: list[int] = []

    def start_writing() -> None:
        written.append(os.open("theirs.parquet", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=directory))
        os.write(written[0], b"first ")

    with hooked(monkeypatch, step, start_writing):
        replace(tmp_path, [A, B], {C: "new"}).commit()
    os.write(written[0], b"second")
    os.close(written[0])
    os.close(directory)
    assert texts(tmp_path) == {C: "new", f"{X}/theirs.parquet": "first second"}
    assert leftovers(tmp_path) == []


def test_files_that_others_replaced_or_removed_during_a_commit_stay_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (A, B, C, D):
        put(tmp_path, path, "old")

    def interfere() -> None:
        put(tmp_path, f"{X}/.tmp", "theirs").replace(tmp_path / C)
        (tmp_path / D).unlink()

    with hooked(monkeypatch, "placed ", interfere):
        replace(tmp_path, [A, B], {f"{X}/e.parquet": "new"}).commit()
    assert texts(tmp_path) == {C: "theirs", f"{X}/e.parquet": "new"}


@pytest.mark.parametrize("name", [C, A])
def test_an_intruder_in_the_last_moment_is_kept_and_everything_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for path in (A, B, D):
        put(tmp_path, path, "old")
    real, left = swap.exchange, [1]

    def intrude(first: Path, second: Path) -> None:
        if left:
            left.pop()
            put(tmp_path, name, "theirs")
        real(first, second)

    monkeypatch.setattr(swap, "exchange", intrude)
    with pytest.raises(ConcurrentChange, match="nothing was changed"):
        replace(tmp_path, [A, B], {C: "ours"}).commit()
    assert texts(tmp_path) == {A: "old", B: "old", D: "old"} | {name: "theirs"}
    assert leftovers(tmp_path) == []
    assert [record.state for record in operations(tmp_path)] == ["rolled_back"]


def test_a_directory_made_by_others_meanwhile_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tx = replace(tmp_path, [], {A: "ours", B: "ours"})
    with (
        hooked(monkeypatch, "placed ", lambda: put(tmp_path, D, "theirs")),
        pytest.raises(ConcurrentChange, match="somebody else"),
    ):
        tx.commit()
    assert texts(tmp_path) == {D: "theirs"}
    assert leftovers(tmp_path) == []


def test_a_directory_that_vanishes_meanwhile_aborts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (A, B):
        put(tmp_path, path, "old")
    tx = replace(tmp_path, [A, B], {C: "ours"})
    with (
        hooked(monkeypatch, "placed ", lambda: (tmp_path / X).rename(tmp_path / "elsewhere")),
        pytest.raises(ConcurrentChange, match=r"changed meanwhile|gone"),
    ):
        tx.commit()
    assert not (tmp_path / C).exists()
    assert leftovers(tmp_path) == []


@pytest.mark.usefixtures("refused")
def test_without_an_exchange_files_are_renamed_one_by_one(tmp_path: Path) -> None:
    for path in (A, B, D):
        put(tmp_path, path, "old")
    committed = replace(tmp_path, [A, B], {C: "new", A: "new"}).commit()
    assert texts(tmp_path) == {A: "new", C: "new", D: "old"}
    [record] = operations(tmp_path)
    assert record.switches == [], "the record says which way was taken"
    undo(tmp_path, committed.operation_id)
    assert texts(tmp_path) == {A: "old", B: "old", D: "old"}
    assert leftovers(tmp_path) == []


def test_a_directory_with_directories_in_it_is_changed_file_by_file(tmp_path: Path) -> None:
    for path in (A, B, f"{X}/inner/z.parquet"):
        put(tmp_path, path, "old")
    replace(tmp_path, [A, B], {C: "new"}).commit()
    assert texts(tmp_path) == {C: "new", f"{X}/inner/z.parquet": "old"}
    assert leftovers(tmp_path) == []


def test_a_linked_directory_stays_linked(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.parquet", "old")
    put(tmp_path, "elsewhere/b.parquet", "old")
    (tmp_path / X).parent.mkdir(parents=True)
    (tmp_path / X).symlink_to(tmp_path / "elsewhere")
    replace(tmp_path, [A, B], {C: "new"}).commit()
    assert (tmp_path / X).is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["c.parquet"]


def test_definitions_come_before_their_data_and_leave_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    definition, data = "data/currency_pair/X.Y", "data/bar/X.Y-1-DAY-LAST-EXTERNAL"
    order: list[str] = []

    def note(step: str) -> None:
        for directory in (definition, data):
            present = (tmp_path / directory).exists() and any((tmp_path / directory).iterdir())
            if present != (directory in order):
                order.append(directory) if present else order.remove(directory)
                history.append(tuple(order))

    history: list[tuple[str, ...]] = []
    monkeypatch.setattr(durable, "on_step", note)
    paths = [f"{directory}/{name}.parquet" for directory in (definition, data) for name in "ab"]
    replace(tmp_path, [], dict.fromkeys(paths, "x")).commit()
    assert history == [(definition,), (definition, data)]
    history.clear()
    replace(tmp_path, paths, {}).commit()
    assert history == [(definition,), ()]


def test_a_new_file_in_a_directory_that_matters_whole_aborts(tmp_path: Path) -> None:
    for path in (A, B):
        put(tmp_path, path, "old")
    tx = replace(tmp_path, [A, B], {C: "new"})
    tx.expect_directory(X, ["a.parquet", B])
    put(tmp_path, D, "theirs")
    with pytest.raises(ConcurrentChange, match=r"d\.parquet: came or went"):
        tx.commit()
    assert texts(tmp_path) == {A: "old", B: "old", D: "theirs"}

    tx = replace(tmp_path, [A, B], {C: "new"})
    tx.expect_directory(X, [A, B, D])
    tx.commit()
    assert texts(tmp_path) == {C: "new", D: "theirs"}


def test_a_commit_first_finishes_what_a_dead_process_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (A, B):
        put(tmp_path, path, "old")
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom catalog_app.store.commit import durable, journal\n"
        "tx = journal.Transaction(Path(sys.argv[1]), 'test', 'd')\n"
        f"tx.remove({A!r}); tx.remove({B!r}); tx.stage({C!r}).write_text('C')\n"
        "durable.on_step = lambda step: os._exit(9) if step.startswith('switched') else None\ntx.commit()\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, check=False)
    assert died.returncode == 9
    replace(tmp_path, [C], {D: "mine"}).commit()
    assert texts(tmp_path) == {D: "mine"}
    assert [record.state for record in operations(tmp_path)] == ["committed", "committed"]
    recover(tmp_path)
    assert leftovers(tmp_path) == []


def test_a_broken_take_back_is_ended_by_recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (A, B):
        put(tmp_path, path, "old")

    def broken(step: str) -> None:
        if step.startswith("switched"):
            raise OSError(errno.EIO, "the disk broke")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "on_step", broken)
        with pytest.raises(StoreError, match="half done"):
            replace(tmp_path, [A, B], {C: "new"}).commit()
    recover(tmp_path)
    assert texts(tmp_path) == {A: "old", B: "old"}
    assert leftovers(tmp_path) == []


def test_an_interrupted_store_that_was_copied_is_left_alone_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    for path in (A, B):
        put(original, path, "old")

    def copied(first: Path, second: Path) -> None:
        shutil.copytree(original, copy)
        raise OSError(errno.EIO, "the disk broke")

    monkeypatch.setattr(swap, "exchange", copied)
    with pytest.raises(StoreError, match="the disk broke"):
        replace(original, [A, B], {C: "new"}).commit()
    monkeypatch.undo()
    with pytest.raises(StoreError, match="was the store copied"):
        recover(copy)
    assert texts(copy) == {A: "old", B: "old"}

    [built] = copy.glob(".datacatalog/staging/*/directories/*")
    built.rename(tmp_path / "away")
    [recovered] = recover(copy)
    assert recovered.outcome == "rolled_back"
    assert texts(copy) == {A: "old", B: "old"}
    assert leftovers(copy) == []


# Readers in other processes print what they read, again and again, until they are stopped, and whether the directory
# was one and the same meanwhile. Who listed before a commit and opens after it, misses a file: an error.
_POLARS = """
import json, sys
from pathlib import Path
import polars as pl

while True:
    try:
        files = sorted(Path(sys.argv[1]).glob("data/quote_tick/*/*.parquet"))
        times = pl.concat([pl.read_parquet(file, columns=["ts_init"]) for file in files])["ts_init"].sort().to_list()
    except FileNotFoundError:
        continue
    print(json.dumps([True, times]), flush=True)
"""
# NautilusTrader 1.231.0 waits for ever when a file is missed: each reading has a process, which an alarm ends. Its
# listings (fsspec's, then DataFusion's) look at each file after naming it and leave out those that are gone by then.
_NAUTILUS = """
import json, os, signal, sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog

def directory():
    status = os.stat(f"{sys.argv[1]}/data/quote_tick/EURUSD.SIM")
    return status.st_ino, status.st_ctime_ns

while True:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(3)
        try:
            before = directory()
            times = sorted(tick.ts_init for tick in ParquetDataCatalog(sys.argv[1]).quote_ticks())
            print(json.dumps([before == directory(), times]), flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
"""


class _Reader:
    """A reading process; `answers` are all that it got."""

    def __init__(self, script: str, root: Path) -> None:
        self.answers: list[tuple[bool, list[int]]] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.answers.append(json.loads(line))
                self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.answers) >= count, timeout=60), self.answers[-1:]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()


@pytest.mark.parametrize("script", [_POLARS, _NAUTILUS], ids=["polars", "nautilus"])
def test_readers_see_old_or_new_rows_and_none_twice(tmp_path: Path, script: str) -> None:
    times = [list(range(start, start + 5)) for start in range(1_000, 1_040, 10)]
    write(tmp_path, "quote", frame("quote", [1, 2]))
    parts = [write(tmp_path, "quote", frame("quote", part)).files_after[0].path for part in times]
    together = [one for part in times for one in part]
    old = [1, 2, *together]
    # As a consolidation, but with another row, so that a mixture of old and new files shows in the rows.
    new = [*old, 2_000]

    def consolidate() -> UUID:
        return write(tmp_path, "quote", frame("quote", [*together, 2_000]), remove=tuple(parts)).operation_id

    reader = _Reader(script, tmp_path)
    try:
        reader.wait_for(1)
        rounds = 0
        while rounds < 20 or len(reader.answers) < 30:
            undo(tmp_path, consolidate())
            rounds += 1
        consolidate()
        reader.wait_for(len(reader.answers) + 3)
    finally:
        reader.stop()
    assert [answer for at_rest, answer in reader.answers if at_rest and answer not in (old, new)] == []
    # Even a listing that fell on the moment of an exchange finds no row twice, and none of neither set.
    for _, answer in reader.answers:
        assert len(answer) == len(set(answer))
        assert set(answer) <= set(new)
    assert reader.answers[0][1] == old
    assert reader.answers[-1][1] == new
