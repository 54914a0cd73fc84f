"""Repairing single rows: just those change, the others stay byte for byte, and it can be undone."""

import json
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.commit.recovery import recover
from catalog_app.store.errors import ConcurrentChange, InvalidRows, StoreError, VerificationFailed
from catalog_app.store.maintenance import Pinned, Repair, Request, RowRepair, plan, repairing, request_from_json
from catalog_app.store.maintenance.replacements import Match, Wanted, find_replacements
from catalog_app.tests.store.maintenance import test_crashes
from catalog_app.tests.store.maintenance.builders import (
    DIRECTORY,
    Row,
    files,
    intervals,
    paths,
    perform,
    put_file,
    quote_schema,
    rows_of,
    run,
    store_of,
    times_of,
)
from catalog_app.tests.store.trees import leftovers, tree
from catalog_app.tests.store.upstream import records

crasher = test_crashes.crasher


def pinned(root: Path, *names: str) -> tuple[Pinned, ...]:
    stats = [(name, (root / name).stat()) for name in sorted(names)]
    return tuple(Pinned(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def dropping(root: Path, *rows: tuple[str, int, int]) -> Repair:
    """A request that drops (file, row, ts_init)."""
    return Repair(tuple(RowRepair(*row) for row in rows), pinned(root, *{row[0] for row in rows}))


def replacing(root: Path, other: Path, *rows: tuple[str, int, int, str, int]) -> Repair:
    sources = {row[3] for row in rows}
    return Repair(
        tuple(RowRepair(*row) for row in rows),
        pinned(root, *{row[0] for row in rows}),
        str(other),
        pinned(other, *sources),
    )


def values_of(root: Path, path: str) -> list[Row]:
    """(ts_init, value) of a file's rows in their order."""
    bids = [row[0] for row in _raw(root, path)]
    return list(zip(times_of(root, path), bids, strict=True))


def _raw(root: Path, path: str) -> list[Any]:
    bid = pl.col("bid_price").bin.reinterpret(dtype=pl.Int128, endianness="little") // 10**14
    return pl.read_parquet(root / path, glob=False).select(bid).rows()


@settings(max_examples=15)
@given(files(in_order=True), st.data())
def test_just_the_named_rows_go_and_the_others_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[Row]], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("store")
    written = store_of(root, contents)
    places = [(path, at, row[0]) for path, rows in written.items() for at, row in enumerate(rows)]
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    before = rows_of(root)
    left = {
        path: [row for at, row in enumerate(rows) if (path, at, row[0]) not in chosen] for path, rows in written.items()
    }
    try:
        announced, _ = perform(root, dropping(root, *chosen))
    except StoreError as refused:
        assert "split overlapping files first" in str(refused)  # two rests would have one name
        return
    assert announced.rows_before - announced.rows_after == len(chosen)
    assert sum(rows_of(root).values()) == sum(before.values()) - len(chosen)
    assert sorted(values_of(root, path) for path in paths(root)) == sorted(rows for rows in left.values() if rows)


def test_a_row_of_another_store_takes_the_place_of_a_bad_one(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    bad = put_file(here, [(10, 1), (20, 99), (20, 1), (30, 1), (40, 77)])
    good = put_file(there, [(5, 4), (21, 5), (41, 6)])
    perform(here, replacing(here, there, (bad, 1, 20, good, 1), (bad, 4, 40, good, 2)))
    assert values_of(here, bad) == [(10, 1), (20, 5), (20, 1), (30, 1), (40, 6)]
    # What was recorded at the venue comes along; when it was known here stays.
    assert [record[2:] for record in records(here, "quote")] == [[10, 10], [21, 20], [20, 20], [30, 30], [41, 40]]


def test_nautilus_trader_reads_what_is_left(tmp_path: Path) -> None:
    path = put_file(tmp_path, [(10, 1), (20, 99), (30, 1)])
    before = records(tmp_path, "quote")
    _, outcome = perform(tmp_path, dropping(tmp_path, (path, 1, 20)))
    assert records(tmp_path, "quote") == [before[0], before[2]]
    assert outcome.rows_before - outcome.rows_after == 1


def test_a_file_whose_last_row_goes_is_named_anew_and_one_without_rows_leaves(tmp_path: Path) -> None:
    cut = put_file(tmp_path, [(10, 1), (20, 9)])
    emptied = put_file(tmp_path, [(30, 9)])
    perform(tmp_path, dropping(tmp_path, (cut, 1, 20), (emptied, 0, 30)))
    assert intervals(tmp_path) == [(10, 10)]
    assert cut not in paths(tmp_path)


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    path = put_file(tmp_path, [(10, 1), (20, 9)])
    request = dropping(tmp_path, (path, 1, 20))
    (tmp_path / path).unlink()
    put_file(tmp_path, [(10, 1), (15, 2), (20, 3)])
    before = tree(tmp_path)
    with pytest.raises(ConcurrentChange, match="changed since its rows were judged"):
        plan(tmp_path, DIRECTORY, request)
    assert tree(tmp_path) == before


def test_a_source_that_changes_before_the_commit_is_refused(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    bad, good = put_file(here, [(10, 9)]), put_file(there, [(10, 1)])
    announced = plan(here, DIRECTORY, replacing(here, there, (bad, 0, 10, good, 0)))
    (there / good).unlink()
    put_file(there, [(10, 2)], group=1, compression="none")
    before = tree(here)
    with pytest.raises(ConcurrentChange, match="changed since"):
        run(here, announced)
    assert tree(here) == before
    assert leftovers(here) == []


@pytest.mark.parametrize(("row", "ts_init", "why"), [(1, 21, "another ts_init"), (7, 20, "no row 7")])
def test_a_row_that_is_not_there_is_refused(tmp_path: Path, row: int, ts_init: int, why: str) -> None:
    path = put_file(tmp_path, [(10, 1), (20, 9)])
    with pytest.raises(ConcurrentChange, match=why):
        plan(tmp_path, DIRECTORY, dropping(tmp_path, (path, row, ts_init)))


def test_a_value_finer_than_the_files_precision_is_refused(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    bad = put_file(here, [(10, 9)], schema=quote_schema(price_precision="1"))
    good = put_file(there, [(10, 123)])
    announced = plan(here, DIRECTORY, replacing(here, there, (bad, 0, 10, good, 0)))
    with pytest.raises(InvalidRows, match="cannot stand here"):
        run(here, announced)


def test_eight_byte_files_lose_rows_but_take_none(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    bad = put_file(here, [(10, 9), (20, 1)], schema=quote_schema(8))
    good = put_file(there, [(10, 1)])
    with pytest.raises(StoreError, match="convert the store"):
        plan(here, DIRECTORY, replacing(here, there, (bad, 0, 10, good, 0)))
    perform(here, dropping(here, (bad, 0, 10)))
    assert intervals(here) == [(20, 20)]


def test_another_change_than_announced_is_never_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put_file(tmp_path, [(10, 1), (20, 9), (30, 1)])
    announced = plan(tmp_path, DIRECTORY, dropping(tmp_path, (path, 1, 20)))
    honest = repairing._repaired
    monkeypatch.setattr(repairing, "_repaired", lambda table, *rest: (table.slice(0, 2), honest(table, *rest)[1]))
    before = tree(tmp_path)
    with pytest.raises(VerificationFailed):
        run(tmp_path, announced)
    assert tree(tmp_path) == before


def test_requests_come_back_equal_and_wrong_ones_are_refused() -> None:
    file = Pinned("data/x/a.parquet", 5, 2**62)
    one = Repair((RowRepair("data/x/a.parquet", 3, 7, "b", 0),), (file,), "/other", (Pinned("b", 1, 2),))
    assert request_from_json(json.loads(json.dumps(one.to_json()))) == one
    for wrong, why in (
        ({"rows": []}, "no rows"),
        ({"rows": [], "files": [], "sourceRoot": None, "sourceFiles": []}, "1 to"),
        (one.to_json() | {"sourceRoot": None}, "needs its root"),
        (one.to_json() | {"files": []}, "files must be"),
        (one.to_json() | {"rows": [*one.to_json()["rows"]] * 2}, "named twice"),
    ):
        with pytest.raises(ValueError, match=why):
            request_from_json({"kind": "repair"} | wrong)


def test_the_nearest_row_is_taken_only_where_there_is_just_one(tmp_path: Path) -> None:
    good = put_file(tmp_path, [(10, 1), (20, 2), (20, 3), (30, 4), (36, 5)])

    def find(*at: int, tolerance: int = 0) -> list[Match]:
        wanted = [Wanted(time, time) for time in at]
        return find_replacements(tmp_path, [good], "quote", wanted, tolerance, lambda rows: None)

    assert find(10, 30) == [Match(good, 0), Match(good, 3)]
    assert "has 2 rows" in find(20)[0].reason
    assert "no row at this time" in find(11)[0].reason
    assert find(11, tolerance=3) == [Match(good, 0)]
    assert "2 rows" in find(33, tolerance=3)[0].reason  # 30 and 36 are equally near
    assert "see the future" in find(35, tolerance=3)[0].reason
    assert all("more than one" in match.reason for match in find(11, 12, tolerance=3))


def state(root: Path) -> Any:
    return test_crashes.state(root)


def test_a_killed_repair_ends_in_the_old_or_the_new_state(tmp_path: Path, crasher: subprocess.Popen[str]) -> None:
    def request(root: Path) -> Request:
        test_crashes.small_store(root)
        good = put_file(root / "other", [(3, 8)])
        first, part = paths(root)[0], f"{DIRECTORY}/part-0.parquet"
        return Repair(
            (RowRepair(first, 2, 4), RowRepair(part, 0, 3, good, 0)),
            pinned(root, first, part),
            str(root / "other"),
            pinned(root / "other", good),
        )

    undisturbed = tmp_path / "undisturbed"
    one = request(undisturbed)
    old = state(undisturbed)
    run(undisturbed, plan(undisturbed, DIRECTORY, one))
    new = state(undisturbed)
    seen = set()
    for step in range(1, 10_000):
        root = tmp_path / str(step)
        if not test_crashes.crash_at(crasher, root, step, request(root)):
            assert state(root) == new
            break
        recover(root)
        assert state(root) in (old, new)
        assert leftovers(root) == []
        seen.add(state(root) == old)
    assert seen == {True, False}
