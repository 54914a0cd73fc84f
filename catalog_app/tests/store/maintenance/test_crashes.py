"""kill -9 at every step of the disk: after recovery a dataset is as before or as planned, and no row is lost."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog_app.store.commit.recovery import recover
from catalog_app.store.maintenance import (
    Archive,
    RenameFiles,
    Request,
    plan,
)
from catalog_app.tests.store.maintenance.builders import DIRECTORY, Rows, paths, put_file, rows_of, run
from catalog_app.tests.store.trees import leftovers

REPOSITORY = Path(__file__).resolve().parents[4]
NEVER = 10_000

# Reads "root step request" lines; for each, a child carries the request out and dies without any clean-up when the disk
# was changed for the n-th time. Forks before any thread exists, since starting Python for each step is slow.
_CRASHER = """
import json, os, sys
from uuid import uuid4
from catalog_app.store.commit import durable
from catalog_app.store.maintenance import execute, plan, request_from_json

def maintain(root, step, request):
    made = plan(root, "data/quote_tick/EURUSD.SIM", request_from_json(json.loads(request)))
    left = [int(step)]
    def crash(name):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
    durable.on_step = crash
    execute(root, made, operation_id=uuid4(), on_progress=lambda done, total: None, before_commit=lambda: None)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            maintain(*line.rstrip("\\n").split("\\t"))
            code = 0
        finally:
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def crasher() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _CRASHER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def crash_at(process: subprocess.Popen[str], root: Path, step: int, request: Request) -> bool:
    """Whether it died at the step; False when it has fewer steps and ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{root}\t{step}\t{json.dumps(request.to_json())}\n")
    process.stdin.flush()
    code = int(process.stdout.readline())
    assert code in {0, 9}
    return code == 9


def small_store(root: Path) -> None:
    put_file(root, [(1, 1), (5, 1), (4, 1), (5, 1)])
    put_file(root, [(3, 1), (9, 1)], name="part-0.parquet")
    put_file(root, [(20, 1), (30, 1)])


def state(root: Path) -> tuple[list[str], Rows]:
    return paths(root), rows_of(root)


# Consolidate, deduplicate and delete are killed among the faults of the whole store.
@pytest.mark.parametrize("request_", [RenameFiles()], ids=str)
def test_a_killed_operation_ends_in_the_old_or_the_new_state(
    tmp_path: Path, crasher: subprocess.Popen[str], request_: Request
) -> None:
    undisturbed = tmp_path / "undisturbed"
    small_store(undisturbed)
    old = state(undisturbed)
    run(undisturbed, plan(undisturbed, DIRECTORY, request_))
    new = state(undisturbed)
    seen = Counter[str]()
    for step in range(1, NEVER):
        root = tmp_path / str(step)
        small_store(root)
        if not crash_at(crasher, root, step, request_):
            assert state(root) == new
            break
        recover(root)
        assert state(root) in (old, new)
        assert leftovers(root) == []
        seen["old" if state(root) == old else "new"] += 1
    assert seen["old"] > 2
    assert seen["new"] > 2


def test_a_killed_archive_loses_no_row_and_is_finished_by_a_repeated_one(
    tmp_path: Path, crasher: subprocess.Popen[str]
) -> None:
    for step in range(1, NEVER):
        here, there = tmp_path / f"here-{step}", tmp_path / f"there-{step}"
        small_store(here)
        there.mkdir()
        before = rows_of(here)
        request = Archive(str(there), 4, 20)
        died = crash_at(crasher, here, step, request)
        for root in (here, there):
            recover(root)
            assert leftovers(root) == []
        assert rows_of(here) | rows_of(there) == before
        run(here, plan(here, DIRECTORY, request))
        assert rows_of(here) + rows_of(there) == before
        assert all(4 <= row[-1] <= 20 for row in rows_of(there))
        assert not any(4 <= row[-1] <= 20 for row in rows_of(here))
        if not died:
            break
    assert step > 30
