"""What changed meanwhile, what was interrupted and what cannot be proven leaves the store as it was."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest

from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.maintenance import (
    Consolidate,
    Deduplicate,
    DeleteRange,
    Recompress,
    RenameFiles,
    Request,
    SortRows,
    SplitOverlaps,
    VerificationFailed,
    joining,
    plan,
    rewriting,
    windows,
)
from catalog_app.tests.store.maintenance.builders import DIRECTORY, paths, put_file, quote_schema, rows_of, run
from catalog_app.tests.store.trees import leftovers, put, tree

REQUESTS = [
    Consolidate(target_rows=100),
    Consolidate(period="hour"),
    Deduplicate(),
    SortRows(),
    SplitOverlaps(),
    Recompress(),
    RenameFiles(),
    DeleteRange(2, 4),
]


class Stop(Exception):
    """What a cancelled job raises."""


def troubled_store(root: Path) -> None:
    """Files on which each operation has something to do."""
    put_file(root, [(1, 1), (5, 1), (4, 1), (5, 1)])
    put_file(root, [(3, 1), (9, 1)], name="part-0.parquet")
    put_file(root, [(20, 1), (30, 1)])


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("stage", ["on_progress", "before_commit"])
def test_a_stopped_operation_changes_nothing(tmp_path: Path, request_: Request, stage: str) -> None:
    troubled_store(tmp_path)
    before, announced = tree(tmp_path), plan(tmp_path, DIRECTORY, request_)
    assert not announced.is_noop

    def stop(*_: Any) -> None:
        raise Stop

    with pytest.raises(Stop):
        run(tmp_path, announced, **{stage: stop})
    assert tree(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_a_plan_can_be_stopped(tmp_path: Path) -> None:
    troubled_store(tmp_path)

    def stop(done: int, total: int | None) -> None:
        raise Stop

    with pytest.raises(Stop):
        plan(tmp_path, DIRECTORY, SortRows(), stop)


def test_progress_grows_to_the_announced_rows(tmp_path: Path) -> None:
    troubled_store(tmp_path)
    planned: list[tuple[int, int | None]] = []
    done: list[tuple[int, int | None]] = []
    announced = plan(tmp_path, DIRECTORY, Deduplicate(), lambda *at: planned.append(at))
    run(tmp_path, announced, on_progress=lambda *at: done.append(at))
    for calls in (planned, done):
        assert [count for count, _ in calls] == sorted(count for count, _ in calls)
        assert len({total for _, total in calls}) == 1
    assert done[-1] == (announced.rows_before, announced.rows_before)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("when", ["before", "at the commit"])
@pytest.mark.parametrize("change", ["touched", "replaced", "gone", "joined"])
def test_what_changed_since_the_plan_refuses(tmp_path: Path, request_: Request, when: str, change: str) -> None:
    troubled_store(tmp_path)
    announced = plan(tmp_path, DIRECTORY, request_)
    path = tmp_path / announced.files_before[0].path
    now: dict[str, str] = {}

    def interfere() -> None:
        if change == "touched":
            os.utime(path, ns=(1, 1))
        elif change == "replaced":
            path.write_bytes(b"PAR1")
        elif change == "gone":
            path.unlink()
        else:
            put_file(
                tmp_path, [(2, 7), (3, 7)], name="1970-01-01T00-00-00-000000002Z_1970-01-01T00-00-00-000000003Z.parquet"
            )
        now.update(tree(tmp_path))

    if when == "before":
        interfere()
    with pytest.raises(ConcurrentChange):
        run(tmp_path, announced, before_commit=interfere if when != "before" else lambda: None)
    assert tree(tmp_path) == now
    assert leftovers(tmp_path) == []


def test_a_new_file_elsewhere_does_no_harm(tmp_path: Path) -> None:
    troubled_store(tmp_path)
    announced = plan(tmp_path, DIRECTORY, SplitOverlaps())
    put_file(tmp_path, [(40, 1)])
    run(tmp_path, announced)
    assert sum(rows_of(tmp_path).values()) == 9


def test_a_committed_operation_is_not_done_twice(tmp_path: Path) -> None:
    troubled_store(tmp_path)
    announced, operation_id = plan(tmp_path, DIRECTORY, SplitOverlaps()), uuid4()
    first = run(tmp_path, announced, operation_id=operation_id)
    after = tree(tmp_path)
    assert run(tmp_path, announced, operation_id=operation_id) == first
    assert tree(tmp_path) == after


def lose_a_row(tables: Any) -> Any:
    for table in tables:
        yield table.slice(1)


def change_a_row(tables: Any) -> Any:
    for table in tables:
        column = [*table.column("bid_price").to_pylist()[:-1], b"\1" * 16]
        yield table.set_column(0, table.schema.field(0), pa.array(column, pa.binary(16)))


def double_a_row(tables: Any) -> Any:
    for table in tables:
        yield pa.concat_tables([table, table.slice(0, 1)])


@pytest.mark.parametrize("fault", [lose_a_row, change_a_row, double_a_row])
@pytest.mark.parametrize("request_", [SplitOverlaps(), SortRows()], ids=str)
def test_rows_that_got_lost_changed_or_doubled_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Any, request_: Request
) -> None:
    troubled_store(tmp_path)
    before, announced = tree(tmp_path), plan(tmp_path, DIRECTORY, request_)
    whole = windows.sorted_rows
    monkeypatch.setattr(rewriting, "sorted_rows", lambda *given: fault(whole(*given)))
    with pytest.raises(VerificationFailed, match="nothing was changed"):
        run(tmp_path, announced)
    assert tree(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_rows_that_are_not_identical_are_never_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    troubled_store(tmp_path)
    announced = plan(tmp_path, DIRECTORY, Deduplicate())
    whole = windows.first_of_identical

    def greedy(table: pa.Table) -> tuple[pa.Table, pa.Table]:
        kept, left_out = whole(table)
        return kept.slice(1), pa.concat_tables([left_out, kept.slice(0, 1)])

    monkeypatch.setattr(rewriting, "first_of_identical", greedy)
    with pytest.raises(VerificationFailed):
        run(tmp_path, announced)


@pytest.mark.parametrize("at", [10, -1])
def test_a_byte_that_changed_in_a_join_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    for number in range(2):
        put_file(tmp_path, [(number * 10_000 + one, one) for one in range(5_000)], group=5_000)
    before, announced = tree(tmp_path), plan(tmp_path, DIRECTORY, Consolidate(target_rows=20_000))
    assert [step.method for step in announced.steps] == ["join"]
    whole = joining.merge

    def faulty(root: Path, inputs: Any, output: Path) -> Any:
        merged = whole(root, inputs, output)
        size = sum((tmp_path / path).stat().st_size for path in inputs[:1])
        with output.open("r+b") as file:
            file.seek(at if at > 0 else size // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))
        return merged

    monkeypatch.setattr(joining, "merge", faulty)
    with pytest.raises(VerificationFailed):
        run(tmp_path, announced)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("directory", ["data/quote_tick", "data/currency_pair/EURUSD.SIM", "elsewhere", "data/../x/y"])
def test_other_directories_are_refused(tmp_path: Path, directory: str) -> None:
    with pytest.raises(StoreError, match="not a directory of market data"):
        plan(tmp_path, directory, SortRows())


def test_an_empty_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no Parquet file"):
        plan(tmp_path, DIRECTORY, SortRows())


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_unreadable_files_are_left_alone_and_named(tmp_path: Path, request_: Request) -> None:
    troubled_store(tmp_path)
    put(tmp_path, f"{DIRECTORY}/broken.parquet", "rubbish")
    put_file(tmp_path, [(50, 1)], name="empty.parquet")
    import pyarrow.parquet as pq

    pq.write_table(quote_schema().empty_table(), tmp_path / DIRECTORY / "empty.parquet")
    announced = plan(tmp_path, DIRECTORY, request_)
    run(tmp_path, announced)
    notes = " ".join(announced.notes)
    assert "broken.parquet is left alone: " in notes
    assert "empty.parquet is left alone: it holds no rows" in notes
    assert {f"{DIRECTORY}/broken.parquet", f"{DIRECTORY}/empty.parquet"} < set(paths(tmp_path))
