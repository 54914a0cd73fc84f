"""Stores in a bucket: read, changed whole or not at all, taken back, recovered. The server is moto's."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from catalog_app.store.commit import durable, s3_area
from catalog_app.store.commit.journal import Transaction, find_operation, operations
from catalog_app.store.commit.moves import Committed
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.commit.retention import purge, trash_size
from catalog_app.store.errors import ConcurrentChange, Overlap, StoreError
from catalog_app.store.filesystem import Held, StoreRoot
from catalog_app.store.footer import read_footer
from catalog_app.store.listing import list_files
from catalog_app.store.reader import scan
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.s3_server import bucket, s3_endpoint
from catalog_app.tests.store.frames import INSTRUMENT, frame

__all__ = ["bucket", "s3_endpoint"]

REPOSITORY = Path(__file__).resolve().parents[3]
X = "data/quote_tick/X.Y"
A, B, C, D = (f"{X}/{name}.parquet" for name in "abcd")


@contextlib.contextmanager
def lock_guard(path: Path) -> Iterator[Held]:
    """The guard of these tests: a lock file that all processes know, as the desk's is a lease in its database."""
    with durable.locked(path):
        yield lambda: None


@pytest.fixture
def store(bucket: str, tmp_path: Path) -> StoreRoot:
    return StoreRoot.at(bucket).guarded(partial(lock_guard, tmp_path / "lease"), scratch=tmp_path / "scratch")


def objects(store: StoreRoot, prefix: str = "data") -> dict[str, str]:
    """Path -> content of all objects below a prefix."""
    selector = pafs.FileSelector(store.full(prefix), recursive=True, allow_not_found=True)
    found = {}
    for info in store.fs.get_file_info(selector):
        if info.is_file:
            with store.fs.open_input_file(info.path) as file:
                found[info.path.removeprefix(f"{store.full()}/")] = file.read().decode("latin-1")
    return found


def put(store: StoreRoot, path: str, content: str) -> None:
    """Write an object as somebody else would."""
    with store.fs.open_output_stream(store.full(path)) as stream:
        stream.write(content.encode())


def leftovers(store: StoreRoot) -> list[str]:
    """Staged objects, pending records and local files: none may outlive a recovery."""
    assert store.scratch is not None
    local = [path.name for path in store.scratch.iterdir() if path.name != "lock"] if store.scratch.is_dir() else []
    return [*objects(store, ".datacatalog/staging"), *objects(store, ".datacatalog/journal/pending"), *local]


def replace(store: StoreRoot, removes: list[str], adds: dict[str, str]) -> Transaction:
    """A prepared transaction; the caller commits."""
    tx = Transaction(store, "test", X)
    for path in removes:
        tx.remove(path)
    for path, content in adds.items():
        tx.stage(path).write_text(content)
    return tx


def write_quotes(store: StoreRoot, times: list[int]) -> Committed:
    with Transaction(store, "test", "d") as tx:
        writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
        writer.write(frame("quote", times))
        writer.finish()
        return tx.commit()


def test_what_is_written_is_listed_and_read(store: StoreRoot) -> None:
    [first] = write_quotes(store, [10, 20]).files_after
    [second] = write_quotes(store, [30]).files_after
    assert [file.path for file in list_files(store)] == [first.path, second.path]
    assert read_footer(store, first.path).rows == 2
    assert scan(store, [first.path, second.path], "quote").collect()["ts_init"].to_list() == [10, 20, 30]
    assert first.rows == 2
    assert len(first.sha256) == 64
    assert first.etag
    with pytest.raises(Overlap):
        write_quotes(store, [20, 25])
    assert leftovers(store) == []


def test_a_commit_puts_new_objects_and_keeps_old_ones_in_the_trash(store: StoreRoot) -> None:
    for path in (A, B, D):
        put(store, path, "old")
    committed = replace(store, [A, B], {A: "new", C: "newer"}).commit()
    assert objects(store) == {A: "new", C: "newer", D: "old"}
    assert objects(store, f".datacatalog/trash/{committed.operation_id}") == {
        f".datacatalog/trash/{committed.operation_id}/{path}": "old" for path in (A, B)
    }
    assert [(file.path, file.size_bytes) for file in committed.files_after] == [(A, 3), (C, 5)]
    assert find_operation(store, committed.operation_id) == committed
    assert leftovers(store) == []


def test_readers_never_miss_rows(store: StoreRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (A, B, D):
        put(store, path, "old")
    seen: list[set[str]] = []
    monkeypatch.setattr(durable, "on_step", lambda _: seen.append(set(objects(store))))
    replace(store, [A, B], {C: "new"}).commit()
    assert all({A, B, D} <= names or {C, D} <= names for names in seen)
    assert seen[0] == {A, B, D}
    assert seen[-1] == {C, D}


def test_undo_and_redo(store: StoreRoot) -> None:
    for path in (A, B):
        put(store, path, "old")
    before = objects(store)
    committed = replace(store, [A, B], {A: "new", C: "new"}).commit()
    after = objects(store)
    undone = undo(store, committed.operation_id)
    assert objects(store) == before
    with pytest.raises(StoreError, match="undone already"):
        undo(store, committed.operation_id)
    undo(store, undone.operation_id)
    assert objects(store) == after
    undo(store, committed.operation_id)
    assert objects(store) == before
    assert leftovers(store) == []


@pytest.mark.parametrize("change", ["edited", "removed", "blocked"])
def test_undo_refuses_when_the_objects_changed_since(store: StoreRoot, change: str) -> None:
    put(store, A, "old")
    committed = replace(store, [A], {B: "new"}).commit()
    if change == "edited":
        put(store, B, "NEW")
    elif change == "removed":
        store.fs.delete_file(store.full(B))
    else:
        put(store, A, "theirs")
    before = objects(store)
    with pytest.raises(ConcurrentChange):
        undo(store, committed.operation_id)
    assert objects(store) == before
    assert leftovers(store) == []


def test_a_bucket_is_only_changed_under_a_guard(bucket: str) -> None:
    for attempt in (lambda: Transaction(bucket, "test", X), lambda: purge(bucket, older_than_ns=1)):
        with pytest.raises(StoreError, match="under a lease"):
            attempt()


def test_a_lost_lease_ends_a_commit_with_nothing_changed(store: StoreRoot) -> None:
    put(store, A, "old")

    def lost() -> None:
        raise StoreError("the lease ran out")

    @contextlib.contextmanager
    def guard() -> Iterator[Held]:
        yield lost

    tx = replace(store.guarded(guard), [A], {B: "new"})
    with pytest.raises(StoreError, match="the lease ran out"):
        tx.commit()
    assert objects(store) == {A: "old"}
    assert leftovers(store) == []


@pytest.mark.parametrize("step", ["uploaded", "put .datacatalog/journal/pending"])
@pytest.mark.parametrize("path", [A, C])
def test_a_change_by_others_takes_everything_back(
    store: StoreRoot, monkeypatch: pytest.MonkeyPatch, step: str, path: str
) -> None:
    for old in (A, B):
        put(store, old, "old")
    tx = replace(store, [A, B], {C: "new", D: "new"})
    waiting = [step]

    def intrude(name: str) -> None:
        if waiting and name.startswith(waiting[0]):
            waiting.pop()
            put(store, path, "theirs")

    monkeypatch.setattr(durable, "on_step", intrude)
    with pytest.raises(ConcurrentChange):
        tx.commit()
    assert objects(store) == {A: "old", B: "old"} | {path: "theirs"}
    assert leftovers(store) == []


def test_a_new_object_in_a_directory_that_matters_whole_aborts(store: StoreRoot) -> None:
    put(store, A, "old")
    tx = replace(store, [A], {B: "new"})
    tx.expect_directory(X, [A])
    put(store, D, "theirs")
    with pytest.raises(ConcurrentChange, match="came or went"):
        tx.commit()
    with replace(store, [], {C: "new"}) as tx:
        tx.expect(A, 3, 1)
        with pytest.raises(ConcurrentChange, match="changed"):
            tx.commit()
    assert objects(store) == {A: "old", D: "theirs"}


def test_a_file_larger_than_a_bucket_can_move_is_refused(store: StoreRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_area, "COPY_LIMIT", 2)
    with pytest.raises(StoreError, match="5 GiB"):
        replace(store, [], {A: "new"}).commit()
    assert objects(store) == {}
    assert leftovers(store) == []


def test_a_purge_deletes_the_trash_and_undo_says_so(store: StoreRoot) -> None:
    put(store, A, "old")
    committed = replace(store, [A], {B: "new"}).commit()
    assert trash_size(store) == 3
    purged = purge(store, operation_ids=[committed.operation_id])
    assert (purged.operations, purged.files, purged.bytes) == ([committed.operation_id], 1, 3)
    assert trash_size(store) == 0
    with pytest.raises(StoreError, match="purged"):
        undo(store, committed.operation_id)


_CRASHER = """
import contextlib, os, sys
from functools import partial
from pathlib import Path
from catalog_app.store.commit import durable, journal, recovery, retention
from catalog_app.store.filesystem import StoreRoot

@contextlib.contextmanager
def lease(path):
    with durable.locked(path):
        yield lambda: None

def write(root, _):
    change(root, [], [C, D])

def replace(root, _):
    change(root, [A, B], [A, C])

def delete(root, _):
    change(root, [A, B], [])

def change(root, removes, adds):
    tx = journal.Transaction(root, "test", X)
    for path in removes:
        tx.remove(path)
    for path in adds:
        tx.stage(path).write_text("new")
    tx.commit()

def undo(root, operation_id):
    recovery.undo(root, operation_id)

def purge(root, operation_id):
    retention.purge(root, operation_ids=[operation_id])

def recover(root, _):
    recovery.recover(root)

def hold(root, _):
    tx = journal.Transaction(root, "test", X)
    tx.stage(C).write_text("half")
    os.kill(os.getpid(), 9)

for line in sys.stdin:
    operation, uri, place, step, argument = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        code = 1
        left = [int(step)]
        def crash(name):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 9)
        try:
            root = StoreRoot.at(uri).guarded(partial(lease, Path(place) / "lease"), scratch=Path(place) / "scratch")
            durable.on_step = crash
            globals()[operation](root, argument)
            code = 0
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

type Crash = Callable[[str, StoreRoot, int, str], bool]


@pytest.fixture(scope="module")
def crash(s3_endpoint: str) -> Iterator[Crash]:
    """Runs an operation and kills it at a step; whether it died. Forks before anybody talked to the server."""
    names = "\n".join(f"{name} = {value!r}" for name, value in {"A": A, "B": B, "C": C, "D": D, "X": X}.items())
    command = [sys.executable, "-c", f"{names}\n{_CRASHER}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def run(operation: str, store: StoreRoot, step: int, argument: str = "") -> bool:
            assert store.scratch is not None
            stdin.write(f"{operation}\t{store.uri}\t{store.scratch.parent}\t{step}\t{argument}\n")
            stdin.flush()
            code = int(stdout.readline())
            assert code in {0, -9}
            return code == -9

        yield run
        stdin.close()


def prepared(store: StoreRoot, number: int, operation: str) -> tuple[StoreRoot, str]:
    """A store of its own in the bucket, as it is before an operation, and the operation to undo or purge."""
    assert store.guard is not None
    one = StoreRoot.at(f"{store.uri}/{number}").guarded(store.guard, scratch=store.scratch)
    for path in (A, B):
        put(one, path, "old")
    if operation not in {"undo", "purge"}:
        return one, ""
    return one, str(replace(one, [A, B], {A: "new", C: "new"}).commit().operation_id)


OLD = {A: "old", B: "old"}
REPLACED = {A: "new", C: "new"}


@pytest.mark.parametrize(
    ("operation", "old", "new"),
    [
        ("write", OLD, OLD | {C: "new", D: "new"}),
        ("replace", OLD, REPLACED),
        ("delete", OLD, {}),
        ("undo", REPLACED, OLD),
        ("purge", REPLACED, REPLACED),
    ],
)
def test_killed_at_every_step_a_bucket_ends_old_or_new(
    store: StoreRoot, crash: Crash, operation: str, old: dict[str, str], new: dict[str, str]
) -> None:
    step, died, outcomes = 0, True, []
    while died:
        step += 1
        one, argument = prepared(store, step, operation)
        died = crash(operation, one, step, argument)
        recover(one)
        now = objects(one)
        assert now in (old, new), f"a mixture after step {step}"
        assert leftovers(one) == []
        outcomes.append(now == new)
        assert {record.state for record in operations(one)} <= {"committed", "undone"}
        if operation == "purge":
            assert (trash_size(one) == 0) == any(record.purged_at for record in operations(one))
    assert step > 5
    assert outcomes[-1]
    assert operation == "purge" or outcomes == sorted(outcomes), "once decided, an operation never goes back"


def test_a_recovery_killed_at_every_step_is_finished_by_the_next(store: StoreRoot, crash: Crash) -> None:
    decided = 1
    while True:
        probe, _ = prepared(store, 1_000 + decided, "replace")
        assert crash("replace", probe, decided, "")
        if objects(probe, ".datacatalog/journal/pending"):
            break
        decided += 1
    step, died = 0, True
    while died:
        step += 1
        one, _ = prepared(store, step, "replace")
        assert crash("replace", one, decided, "")
        died = crash("recover", one, step, "")
        recover(one)
        assert objects(one) == REPLACED
        assert leftovers(one) == []
    assert step > 5


def test_what_a_dead_process_staged_is_discarded_and_what_a_living_one_stages_is_not(
    store: StoreRoot, crash: Crash
) -> None:
    with replace(store, [], {A: "mine"}) as tx:
        assert crash("hold", store, 10_000, "")
        assert len(leftovers(store)) == 2
        put(store, ".datacatalog/staging/00000000-0000-4000-8000-000000000000/000001.staged", "theirs")
        recover(store)
        assert leftovers(store) == [str(tx.operation_id)]
        tx.commit()
    assert objects(store) == {A: "mine"}


def test_two_writers_at_once_are_served_one_after_the_other(store: StoreRoot, tmp_path: Path) -> None:
    names = "\n".join(f"{name} = {value!r}" for name, value in {"A": A, "B": B, "C": C, "D": D, "X": X}.items())
    lines = "".join(f"write{part}\t{store.uri}\t{tmp_path}\t0\t{part}\n" for part in range(5))
    script = f"{names}\n{_CRASHER}".replace(
        "for line in sys.stdin:",
        "for part in range(5):\n"
        '    exec(f\'def write{part}(root, _): change(root, [], [X + "/" + WHO + "{part}.parquet"])\')\n'
        "for line in sys.stdin:",
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", f"WHO = {who!r}\n{script}"],
            stdin=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            env=os.environ.copy(),
        )
        for who in "pq"
    ]
    for writer in writers:
        writer.communicate(lines, timeout=120)
    assert set(objects(store)) == {f"{X}/{who}{part}.parquet" for who in "pq" for part in range(5)}
    assert leftovers(store) == []
