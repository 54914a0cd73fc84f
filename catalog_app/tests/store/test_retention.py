"""The trash keeps what operations removed until a purge, whatever the clock does."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.commit import journal, retention
from catalog_app.store.commit.journal import Transaction, find_operation, operations
from catalog_app.store.commit.moves import Committed
from catalog_app.store.commit.records import Record
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.commit.retention import purge, trash_size
from catalog_app.store.errors import StoreError
from catalog_app.tests.store.trees import leftovers, put, tree

A, B, C = (f"data/quote_tick/X.Y/{name}.parquet" for name in "abc")
LATER = timedelta(days=1)


def replace(root: Path, removes: str, adds: str, content: str) -> Committed:
    """Commit one file for another."""
    with Transaction(root, "test", "data/quote_tick/X.Y") as tx:
        tx.remove(removes)
        tx.stage(adds).write_text(content)
        return tx.commit()


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let journal and retention see this time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr(journal, "datetime", Clock)
    monkeypatch.setattr(retention, "datetime", Clock)


def test_a_purge_deletes_what_is_older_and_undo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, A, "four")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    set_clock(monkeypatch, start)
    old = replace(tmp_path, A, B, "fives")
    set_clock(monkeypatch, start + LATER)
    young = replace(tmp_path, B, C, "x")
    assert trash_size(tmp_path) == 9

    purged = purge(tmp_path, older_than_ns=ns(start + LATER))
    assert (purged.operations, purged.files, purged.bytes) == ([old.operation_id], 1, 4)
    assert trash_size(tmp_path) == 5
    with pytest.raises(StoreError, match="cannot be undone: what it removed was purged at 2026-01-02"):
        undo(tmp_path, old.operation_id)
    assert find_operation(tmp_path, old.operation_id) == old, "a repeated caller still finds its work done"
    undo(tmp_path, young.operation_id)
    assert set(tree(tmp_path)) == {B}
    assert leftovers(tmp_path) == []


def test_a_purge_is_an_operation_that_cannot_be_undone(tmp_path: Path) -> None:
    put(tmp_path, A, "x")
    old = replace(tmp_path, A, B, "y")
    purge(tmp_path, operation_ids=[old.operation_id])
    record = list(operations(tmp_path))[-1]
    assert (record.kind, record.state, record.purges) == ("purge", "committed", [str(old.operation_id)])
    with pytest.raises(StoreError, match="deletes files for good"):
        undo(tmp_path, record.operation_id)


def test_a_purge_of_nothing_leaves_no_trace(tmp_path: Path) -> None:
    assert purge(tmp_path, older_than_ns=time.time_ns()).operations == []
    put(tmp_path, A, "x")
    old = replace(tmp_path, A, B, "y")
    purge(tmp_path, operation_ids=[str(old.operation_id)])
    assert purge(tmp_path, operation_ids=[old.operation_id]).operations == []
    assert purge(tmp_path, older_than_ns=time.time_ns() + 10**12).operations == []
    assert len(list(operations(tmp_path))) == 2


def test_a_purge_of_unknown_operations_purges_nothing(tmp_path: Path) -> None:
    put(tmp_path, A, "x")
    old = replace(tmp_path, A, B, "y")
    with pytest.raises(StoreError, match="nothing was purged"):
        purge(tmp_path, operation_ids=[old.operation_id, uuid4()])
    assert trash_size(tmp_path) == 1
    with pytest.raises(ValueError, match="either"):
        purge(tmp_path)
    with pytest.raises(ValueError, match="either"):
        purge(tmp_path, older_than_ns=1, operation_ids=[old.operation_id])


def test_files_that_are_in_use_again_take_no_room_in_the_trash(tmp_path: Path) -> None:
    put(tmp_path, A, "four")
    committed = replace(tmp_path, A, B, "fives")
    undone = undo(tmp_path, committed.operation_id)
    assert trash_size(tmp_path) == 5, "the undo's; the first file is linked from its place"
    redone = undo(tmp_path, undone.operation_id)
    assert trash_size(tmp_path) == 4, "in two trashes, on the disk once"
    purged = purge(tmp_path, operation_ids=[committed.operation_id, undone.operation_id, redone.operation_id])
    assert (purged.files, purged.bytes) == (3, 4)
    assert trash_size(tmp_path) == 0
    assert (tmp_path / B).read_text() == "fives"


def test_undo_and_redo_can_go_on_for_ever(tmp_path: Path) -> None:
    put(tmp_path, A, "old")
    before = tree(tmp_path)
    committed = replace(tmp_path, A, B, "new")
    after = tree(tmp_path)
    for _ in range(3):
        undone = undo(tmp_path, committed.operation_id)
        assert tree(tmp_path) == before
        assert find_operation(tmp_path, committed.operation_id) is None
        undo(tmp_path, undone.operation_id)
        assert tree(tmp_path) == after
        assert find_operation(tmp_path, committed.operation_id) == committed


def test_a_purge_whose_disk_fails_is_finished_by_recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, A, "x")
    old = replace(tmp_path, A, B, "y")

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "the disk broke")

    with monkeypatch.context() as patch:
        patch.setattr("catalog_app.store.commit.durable.remove", broken)
        with pytest.raises(StoreError, match="the disk broke"):
            purge(tmp_path, operation_ids=[old.operation_id])
    [recovered] = recover(tmp_path)
    assert (recovered.kind, recovered.outcome) == ("purge", "rolled_forward")
    assert trash_size(tmp_path) == 0
    with pytest.raises(StoreError, match="purged"):
        undo(tmp_path, old.operation_id)


def test_operations_come_in_their_order_whatever_the_clock_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, A, "x")
    done = []
    for number, year in enumerate((2026, 1971, 2099, 2025)):
        set_clock(monkeypatch, datetime(year, 1, 1, tzinfo=UTC))
        names = (A, B) if number % 2 == 0 else (B, A)
        done.append(replace(tmp_path, *names, str(number)).operation_id)
    assert [record.operation_id for record in operations(tmp_path)] == [str(one) for one in done]
    # The count survives its file.
    (tmp_path / ".datacatalog" / "journal" / "sequence").write_text("")
    last = replace(tmp_path, A, B, "z").operation_id
    assert list(operations(tmp_path))[-1].operation_id == str(last)


def test_a_stamp_from_before_is_not_taken_for_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock jumped back to 1971 for one operation, and to 2099 for another: neither is purged before its time."""
    put(tmp_path, A, "x")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start, datetime(1971, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC), start + LATER]
    done = []
    for number, moment in enumerate(moments):
        set_clock(monkeypatch, moment)
        names = (A, B) if number % 2 == 0 else (B, A)
        done.append(replace(tmp_path, *names, str(number)).operation_id)
    set_clock(monkeypatch, start + 10 * LATER)
    assert purge(tmp_path, older_than_ns=ns(start)).operations == []
    assert purge(tmp_path, older_than_ns=ns(start) + 1).operations == done[:2]
    assert purge(tmp_path, older_than_ns=ns(start + LATER)).operations == []
    assert purge(tmp_path, older_than_ns=ns(start + LATER) + 1).operations == done[2:]


@given(st.data())
def test_no_operation_is_ever_taken_for_older_than_it_is(data: st.DataObject) -> None:
    """Among stamps of which at least every earlier one is right, and others are anywhere."""
    times = sorted(data.draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=8)))
    right = data.draw(st.integers(0, len(times) - 1))
    stamps = [second if index == right else data.draw(st.integers(0, 2 * 10**6)) for index, second in enumerate(times)]
    records = [
        Record(str(index), "t", "d", datetime.fromtimestamp(stamp, UTC).isoformat(), "committed", sequence=index)
        for index, stamp in enumerate(stamps)
    ]
    moment = data.draw(st.integers(0, 2 * 10**6))
    chosen = {int(record.operation_id) for record in retention._older(records, moment * 10**9)}
    # The right stamp protects itself and every later operation.
    if times[right] >= moment:
        assert not chosen & set(range(right, len(times)))


def test_age_is_compared_in_nanoseconds_of_utc() -> None:
    moment = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    record = Record("a", "t", "d", moment.isoformat(), "committed")
    exact = ns(moment) + 123_456_000
    assert retention._older([record], exact) == []
    assert retention._older([record], exact + 1) == [record]
