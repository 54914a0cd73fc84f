"""Changes of a store: whole, refused, or taken back."""

import errno
import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from catalog_app.store.commit import durable, swap
from catalog_app.store.commit.journal import Transaction, find_operation, operations
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.tests.store.trees import leftovers, put, tree

A, B, C = (f"data/quote_tick/X.Y/{name}.parquet" for name in "abc")


def replace(root: Path, removes: list[str], adds: dict[str, str]) -> Transaction:
    """A prepared transaction; the caller commits."""
    tx = Transaction(root, "test", "data/quote_tick/X.Y")
    for path in removes:
        tx.remove(path)
    for path, content in adds.items():
        tx.stage(path).write_text(content)
    return tx


def test_a_commit_moves_staged_files_in_and_removed_files_to_the_trash(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    committed = replace(tmp_path, [A], {B: "new", C: "newer"}).commit()

    assert set(tree(tmp_path)) == {B, C}
    trash = tmp_path / ".datacatalog" / "trash" / str(committed.operation_id)
    assert (trash / A).read_text() == "old"
    assert [file.path for file in committed.files_before] == [A]
    assert [(file.path, file.size_bytes, file.rows) for file in committed.files_after] == [(B, 3, None), (C, 5, None)]
    assert {file.path: file.sha256 for file in committed.files_after} == tree(tmp_path)
    assert leftovers(tmp_path) == []
    assert find_operation(tmp_path, committed.operation_id) == committed
    assert [record.kind for record in operations(tmp_path)] == ["test"]


def test_a_file_can_be_replaced_under_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    committed = replace(tmp_path, [A], {A: "new"}).commit()
    assert (tmp_path / A).read_text() == "new"
    undo(tmp_path, committed.operation_id)
    assert (tmp_path / A).read_text() == "old"


def test_leaving_without_a_commit_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    before = tree(tmp_path)
    with replace(tmp_path, [A], {B: "new"}):
        pass
    assert tree(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_a_closed_transaction_takes_no_more(tmp_path: Path) -> None:
    tx = replace(tmp_path, [], {A: "x"})
    tx.commit()
    for call in (tx.commit, tx.scratch, lambda: tx.remove(A)):
        with pytest.raises(StoreError, match="closed"):
            call()


@pytest.mark.parametrize(
    "path",
    ["../x", "data", "/etc/passwd", "data/../../x", "data//x", "live/x/y.parquet", "data/./x", ".datacatalog/lock"],
)
def test_paths_outside_the_data_directory_are_refused(tmp_path: Path, path: str) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        with pytest.raises(ValueError, match="below"):
            tx.stage(path)
        with pytest.raises(ValueError, match="below"):
            tx.remove(path)


def test_a_present_file_is_never_overwritten(tmp_path: Path) -> None:
    put(tmp_path, A, "theirs")
    with pytest.raises(ConcurrentChange, match="exists"):
        replace(tmp_path, [], {A: "ours", B: "ours"}).commit()
    assert (tmp_path / A).read_text() == "theirs"
    assert set(tree(tmp_path)) == {A}
    assert leftovers(tmp_path) == []


def test_a_file_that_changed_since_it_was_read_aborts_the_commit(tmp_path: Path) -> None:
    path = put(tmp_path, A, "old")
    tx = replace(tmp_path, [A], {B: "new"})
    stat = path.stat()
    tx.expect(A, stat.st_size, stat.st_mtime_ns)
    path.write_text("theirs")
    with pytest.raises(ConcurrentChange, match="changed"):
        tx.commit()
    assert (tmp_path / A).read_text() == "theirs"
    assert set(tree(tmp_path)) == {A}


@pytest.mark.parametrize("expect", [True, False])
def test_a_file_that_is_gone_aborts_the_commit(tmp_path: Path, expect: bool) -> None:
    tx = replace(tmp_path, [] if expect else [A], {B: "new"})
    if expect:
        tx.expect(A, 3, 1)
    with pytest.raises(ConcurrentChange, match="gone"):
        tx.commit()
    assert tree(tmp_path) == {}


def test_a_failing_check_aborts_the_commit_and_sees_what_leaves(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    seen: list[frozenset[str]] = []

    def refuse(removed: frozenset[str]) -> None:
        seen.append(removed)
        raise StoreError("no")

    tx = replace(tmp_path, [A], {B: "new"})
    tx.require(refuse)
    with pytest.raises(StoreError, match="no"):
        tx.commit()
    assert seen == [frozenset({A})]
    assert set(tree(tmp_path)) == {A}


def test_a_file_put_there_after_the_decision_rolls_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, A, "old")
    tx = replace(tmp_path, [A], {B: "ours", C: "ours"})

    def intrude(step: str) -> None:
        if step == f"placed {tx.operation_id}.json" and not (tmp_path / C).exists():
            put(tmp_path, C, "theirs")

    monkeypatch.setattr(durable, "on_step", intrude)
    with pytest.raises(ConcurrentChange, match="exists"):
        tx.commit()
    assert {path: (tmp_path / path).read_text() for path in tree(tmp_path)} == {A: "old", C: "theirs"}
    assert leftovers(tmp_path) == []
    assert [record.state for record in operations(tmp_path)] == ["rolled_back"]
    assert find_operation(tmp_path, tx.operation_id) is None


def test_new_directories_vanish_with_a_rollback_and_an_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def intrude(step: str) -> None:
        if step.startswith("linked"):
            raise OSError(5, "the disk broke")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "on_step", intrude)
        with pytest.raises(StoreError, match="the disk broke"):
            replace(tmp_path, [], {A: "x"}).commit()
    assert not (tmp_path / "data").exists()

    committed = replace(tmp_path, [], {A: "x"}).commit()
    undo(tmp_path, committed.operation_id)
    assert not (tmp_path / "data").exists()


def test_file_systems_without_hard_links_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    put(tmp_path, A, "old")
    committed = replace(tmp_path, [A], {B: "new"}).commit()
    assert set(tree(tmp_path)) == {B}
    undo(tmp_path, committed.operation_id)
    assert (tmp_path / A).read_text() == "old"
    with pytest.raises(FileExistsError):
        durable.move_new(put(tmp_path, "data/x", "x"), tmp_path / A)


def test_undo_restores_the_very_files(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    before, stat = tree(tmp_path), (tmp_path / A).stat()
    committed = replace(tmp_path, [A], {B: "new"}).commit()
    after = tree(tmp_path)

    undone = undo(tmp_path, committed.operation_id)
    assert tree(tmp_path) == before
    assert (tmp_path / A).stat().st_mtime_ns == stat.st_mtime_ns
    assert [file.path for file in undone.files_before] == [B]

    with pytest.raises(StoreError, match="undone already"):
        undo(tmp_path, committed.operation_id)
    undo(tmp_path, undone.operation_id)
    assert tree(tmp_path) == after


@pytest.mark.parametrize("change", ["edited", "removed", "blocked"])
def test_undo_refuses_when_the_files_changed_since(tmp_path: Path, change: str) -> None:
    put(tmp_path, A, "old")
    committed = replace(tmp_path, [A], {B: "new"}).commit()
    if change == "edited":
        put(tmp_path, B, "NEW")
    elif change == "removed":
        (tmp_path / B).unlink()
    else:
        put(tmp_path, A, "theirs")
    before = tree(tmp_path)
    with pytest.raises(ConcurrentChange):
        undo(tmp_path, committed.operation_id)
    assert tree(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_undo_refuses_without_its_trash_and_for_unknown_operations(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    committed = replace(tmp_path, [A], {B: "new"}).commit()
    trashed = tmp_path / ".datacatalog" / "trash" / str(committed.operation_id) / A
    trashed.write_text("spoilt")
    with pytest.raises(StoreError, match="was changed"):
        undo(tmp_path, committed.operation_id)
    trashed.unlink()
    with pytest.raises(StoreError, match="no longer holds"):
        undo(tmp_path, committed.operation_id)
    with pytest.raises(StoreError, match="unknown"):
        undo(tmp_path, uuid4())
    assert set(tree(tmp_path)) == {B}


def test_an_operation_is_done_once(tmp_path: Path) -> None:
    operation_id = uuid4()
    with Transaction(tmp_path, "import", "d", operation_id=operation_id) as tx:
        with pytest.raises(StoreError, match="running"):
            Transaction(tmp_path, "import", "d", operation_id=operation_id)
        tx.stage(A).write_text("x")
        committed = tx.commit()
    assert find_operation(tmp_path, operation_id) == committed
    with pytest.raises(StoreError, match="done already"):
        Transaction(tmp_path, "import", "d", operation_id=operation_id)


def test_an_aborted_operation_may_be_tried_again(tmp_path: Path) -> None:
    operation_id = uuid4()
    Transaction(tmp_path, "import", "d", operation_id=operation_id).abort()
    with Transaction(tmp_path, "import", "d", operation_id=operation_id) as tx:
        tx.stage(A).write_text("x")
        tx.commit()
    assert set(tree(tmp_path)) == {A}


def test_a_missing_root_and_a_blocked_area_are_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such directory"):
        Transaction(tmp_path / "none", "test", "d")
    (tmp_path / ".datacatalog").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write to the store"):
        Transaction(tmp_path, "test", "d")


def test_a_damaged_journal_record_is_named_not_guessed(tmp_path: Path) -> None:
    committed = replace(tmp_path, [], {A: "x"}).commit()
    (tmp_path / ".datacatalog" / "journal" / f"{committed.operation_id}.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        find_operation(tmp_path, committed.operation_id)


def test_recovering_a_clean_store_writes_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


class StoreHistory(RuleBasedStateMachine):
    """Any sequence of changes and undos leaves exactly the files that a dictionary would hold."""

    names = st.sampled_from([f"data/t/X/{name}.parquet" for name in "abcd"])

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.directory = tempfile.TemporaryDirectory()
        self.root = Path(self.directory.name)
        self.model: dict[str, str] = {}
        self.history: list[tuple[str, dict[str, str]]] = []
        self.exchange = swap.exchange

    def teardown(self) -> None:
        swap.exchange = self.exchange
        self.directory.cleanup()

    @rule(knows=st.booleans())
    def another_file_system(self, knows: bool) -> None:
        """One that can exchange directories, or not."""

        def refuse(first: Path, second: Path) -> None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

        swap.exchange = self.exchange if knows else refuse

    @rule(removes=st.sets(names), adds=st.dictionaries(names, st.text("xyz", min_size=1, max_size=3), max_size=3))
    def change(self, removes: set[str], adds: dict[str, str]) -> None:
        possible = removes <= set(self.model) and not (set(adds) & set(self.model) - removes)
        tx = replace(self.root, sorted(removes), adds)
        if not possible:
            with pytest.raises(ConcurrentChange):
                tx.commit()
            return
        before = dict(self.model)
        committed = tx.commit()
        self.history.append((str(committed.operation_id), before))
        self.model = {path: text for path, text in self.model.items() if path not in removes} | adds

    @precondition(lambda self: self.history)
    @rule()
    def take_back_the_last(self) -> None:
        operation_id, before = self.history.pop()
        undo(self.root, operation_id)
        self.model = before

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert {path: (self.root / path).read_text() for path in tree(self.root)} == self.model
        assert leftovers(self.root) == []


TestStoreHistory = StoreHistory.TestCase
TestStoreHistory.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
