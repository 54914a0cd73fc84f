"""What is new in a journal: found by one listing, with the operations that the new ones changed."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.recovery import undo
from catalog_app.store.commit.retention import purge
from catalog_app.store.commit.unseen import unseen_operations
from catalog_app.store.errors import StoreError

DATA = "data/bar/X/1.parquet"


def add(root: Path) -> UUID:
    with Transaction(root, "import", "data/bar/X") as tx:
        tx.stage(DATA).write_bytes(b"rows")
        return tx.commit().operation_id


def seen_by(root: Path, *seen: UUID) -> list[tuple[str, str]]:
    return [(record.kind, record.state) for record in unseen_operations(root, seen)]


def test_a_store_that_nobody_changed_has_no_journal(tmp_path: Path) -> None:
    assert unseen_operations(tmp_path, []) == []


def test_what_was_seen_is_not_given_again(tmp_path: Path) -> None:
    first = add(tmp_path)
    assert seen_by(tmp_path) == [("import", "committed")]
    assert seen_by(tmp_path, first) == []


def test_an_undo_brings_along_what_it_undid_and_what_that_had_undone(tmp_path: Path) -> None:
    first = add(tmp_path)
    undone = undo(tmp_path, first).operation_id
    assert seen_by(tmp_path, first) == [("import", "undone"), ("undo", "committed")]
    undo(tmp_path, undone)
    news = [("import", "committed"), ("undo", "undone"), ("undo", "committed")]
    assert seen_by(tmp_path, first, undone) == news


def test_a_purge_brings_along_what_it_purged(tmp_path: Path) -> None:
    first = add(tmp_path)
    undone = undo(tmp_path, first).operation_id
    purge(tmp_path, operation_ids=[undone])
    found = unseen_operations(tmp_path, [first, undone])
    assert [record.kind for record in found if record.purged_at] == ["undo"]
    assert found[-1].kind == "purge"


def test_an_operation_under_way_is_not_news(tmp_path: Path) -> None:
    with Transaction(tmp_path, "import", "data/bar/X") as tx:
        tx.stage(DATA).write_bytes(b"rows")
        assert unseen_operations(tmp_path, []) == []


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    add(tmp_path)
    name = f"{uuid4()}.json"
    (tmp_path / ".datacatalog" / "journal" / name).write_text("{")
    with pytest.raises(StoreError, match=name):
        unseen_operations(tmp_path, [])
