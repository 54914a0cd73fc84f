"""Deleting a range, and moving one to another store."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.commit.journal import operations
from catalog_app.store.commit.recovery import undo
from catalog_app.store.errors import Overlap, StoreError
from catalog_app.store.maintenance import Archive, DeleteRange, execution, plan
from catalog_app.tests.store.maintenance.builders import (
    DIRECTORY,
    Row,
    Rows,
    files,
    intervals,
    names_are_true,
    paths,
    perform,
    put_file,
    rows_of,
    run,
    store_of,
)
from catalog_app.tests.store.trees import leftovers, tree

EVER = 2**63 - 1


def split(rows: Rows, start: int, end: int) -> tuple[Rows, Rows]:
    """Rows within a range, and the others."""
    inside = Counter({row: count for row, count in rows.items() if start <= row[-1] <= end})
    return inside, rows - inside


@settings(max_examples=12)
@given(files(), st.integers(-3, 50), st.integers(0, 50))
def test_just_the_rows_of_the_range_go(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], start: int, length: int
) -> None:
    root = tmp_path_factory.mktemp("store")
    store_of(root, contents)
    inside, others = split(rows_of(root), start, start + length)
    try:
        announced, _ = perform(root, DeleteRange(start, start + length))
    except StoreError as refused:
        assert "split overlapping files first" in str(refused)  # two rests would have one name
        return
    assert rows_of(root) == others
    assert announced.rows_before - announced.rows_after == sum(inside.values())
    assert not paths(root) or plan(root, DIRECTORY, DeleteRange(start, start + length)).is_noop


def test_whole_files_go_untouched_to_the_trash_and_others_are_cut(tmp_path: Path) -> None:
    cut = put_file(tmp_path, [(1, 1), (2, 1), (3, 1)])
    whole = put_file(tmp_path, [(4, 1), (5, 1)])
    kept = put_file(tmp_path, [(8, 1), (9, 1)])
    announced, outcome = perform(tmp_path, DeleteRange(3, 7))
    assert intervals(tmp_path) == [(1, 2), (8, 9)]
    assert [(step.method, step.inputs) for step in announced.steps] == [("stream", (cut,)), ("remove", (whole,))]
    trash = tmp_path / ".datacatalog" / "trash" / str(outcome.operation_id)
    assert sorted(path.relative_to(trash).as_posix() for path in trash.rglob("*.parquet")) == [cut, whole]
    assert kept in paths(tmp_path)


def test_deleting_whole_files_is_exact_about_bytes(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1)])
    put_file(tmp_path, [(5, 1)])
    announced, _ = perform(tmp_path, DeleteRange(0, 3))
    assert (announced.bytes_exact, announced.bytes_after, announced.rows_after) == (True, 0, 0)


def test_a_range_between_rows_deletes_nothing(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (9, 1)])
    assert plan(tmp_path, DIRECTORY, DeleteRange(2, 8)).is_noop


def two_stores(tmp_path: Path) -> tuple[Path, Path]:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    return here, there


@settings(max_examples=12)
@given(files(), st.integers(-3, 50), st.integers(0, 50), st.booleans())
def test_an_archived_range_is_there_and_no_longer_here(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], start: int, length: int, open_end: bool
) -> None:
    here, there = two_stores(tmp_path_factory.mktemp("stores"))
    store_of(here, contents)
    before = rows_of(here)
    end = EVER if open_end else start + length
    inside, others = split(before, start, end)
    request = Archive(str(there), start, None if open_end else end)
    try:
        announced = plan(here, DIRECTORY, request)
        outcome = run(here, announced)
    except StoreError as refused:
        assert "split overlapping files first" in str(refused)
        return
    assert (rows_of(here), rows_of(there)) == (others, inside)
    assert announced.is_noop == (not inside)
    if inside:
        assert outcome.target_operation_id is not None
        assert (outcome.rows_before, outcome.rows_after) == (announced.rows_before, announced.rows_after)
        assert outcome.rows_before == outcome.rows_after
        assert leftovers(here) == leftovers(there) == []
        undo(here, outcome.operation_id)
        undo(there, outcome.target_operation_id)
        assert (rows_of(here), rows_of(there)) == (before, Counter())


def test_whole_files_are_moved_as_they_are(tmp_path: Path) -> None:
    here, there = two_stores(tmp_path)
    moved = put_file(here, [(1, 1), (2, 1)], name="part-0.parquet")
    content = (here / moved).read_bytes()
    announced = plan(here, DIRECTORY, Archive(str(there)))
    outcome = run(here, announced)
    [path] = paths(there)
    assert (there / path).read_bytes() == content
    assert names_are_true(there)
    assert paths(here) == []
    assert announced.bytes_exact
    assert outcome.bytes_after == len(content)
    trash = here / ".datacatalog" / "trash" / str(outcome.operation_id) / moved
    assert trash.stat().st_ino != (there / path).stat().st_ino


def test_an_overlap_in_the_other_store_is_refused(tmp_path: Path) -> None:
    here, there = two_stores(tmp_path)
    put_file(here, [(1, 1), (5, 1)])
    announced = plan(here, DIRECTORY, Archive(str(there)))
    put_file(there, [(5, 9), (7, 1)])
    before = tree(here), tree(there)
    with pytest.raises(Overlap):
        plan(here, DIRECTORY, Archive(str(there)))
    with pytest.raises(Overlap):
        run(here, announced)
    assert (tree(here), tree(there)) == before
    assert leftovers(here) == leftovers(there) == []


@pytest.mark.parametrize("again", ["the same plan", "a new plan"])
def test_a_run_that_died_between_the_commits_is_finished_by_a_repeated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    here, there = two_stores(tmp_path)
    put_file(here, [(1, 1), (5, 1)])
    put_file(here, [(7, 1), (9, 1)])
    before = rows_of(here)
    request = Archive(str(there), None, 7)
    announced = plan(here, DIRECTORY, request)
    first, operation_id = announced, uuid4()

    class Died(Exception):
        """Stands for a kill: nothing cleans up the first commit."""

    def die(*_: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(execution, "_guard", die)
        with pytest.raises(Died):
            run(here, announced, operation_id=operation_id)
    assert rows_of(here) == before
    assert sum(rows_of(there).values()) == 3
    copy = tree(there)
    if again == "a new plan":
        announced = plan(here, DIRECTORY, request)
        assert announced.steps == first.steps
        assert any("interrupted run" in note for note in announced.notes)
    outcome = run(here, announced, operation_id=operation_id)
    assert tree(there) == copy
    assert [record.kind for record in operations(there)] == ["archive"]
    assert rows_of(here) + rows_of(there) == before
    assert intervals(here) == [(9, 9)]
    assert outcome.target_operation_id is not None


def test_a_copy_that_was_changed_since_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = two_stores(tmp_path)
    put_file(here, [(1, 1), (5, 1)])
    announced = plan(here, DIRECTORY, Archive(str(there)))
    with monkeypatch.context() as patch:
        patch.setattr(execution, "_guard", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(here, announced)
    (there / paths(there)[0]).write_bytes(b"gone")
    with pytest.raises(StoreError):
        run(here, announced)
    assert intervals(here) == [(1, 5)]


def test_an_undone_archive_can_be_done_again(tmp_path: Path) -> None:
    here, there = two_stores(tmp_path)
    put_file(here, [(1, 1), (5, 1)])
    before = rows_of(here)
    for _ in range(2):
        announced = plan(here, DIRECTORY, Archive(str(there)))
        outcome = run(here, announced)
        assert (rows_of(here), rows_of(there)) == (Counter(), before)
        assert run(here, announced, operation_id=outcome.operation_id) == outcome
        undo(here, outcome.operation_id)
        undo(there, outcome.target_operation_id or "")


@pytest.mark.parametrize("place", ["", "below", "missing"])
def test_a_target_must_be_another_store(tmp_path: Path, place: str) -> None:
    here = tmp_path / "here"
    put_file(here, [(1, 1)])
    target = tmp_path / "missing" if place == "missing" else here / place
    with pytest.raises(StoreError, match="no such directory" if place == "missing" else "in this store"):
        plan(here, DIRECTORY, Archive(str(target)))
