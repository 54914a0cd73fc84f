"""The real NautilusTraders read the same records after each operation, on real data of every type and dialect."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.layout import V1_DIRECTORY, format_file_name, locate
from catalog_app.store.maintenance import (
    Archive,
    Consolidate,
    Deduplicate,
    DeleteRange,
    Recompress,
    RenameFiles,
    Request,
    SortRows,
    SplitOverlaps,
    plan,
)
from catalog_app.tests.market import market_path
from catalog_app.tests.store.maintenance.builders import Rows, put_file, rows_of, run
from catalog_app.tests.store.upstream import Answer, Query, answers
from catalog_app.tests.store.upstream_v2 import answers_v2

STORES = [("nautilus-1.231", answers), ("nautilus-2.0.0rc7", answers_v2)]
TYPES = tuple(V1_DIRECTORY)
ROWS = 1_200
Ask = Callable[[Sequence[Query]], list[Answer]]


def copy_of(relative: str, target: Path) -> Path:
    """A market data store with the first rows of each dataset."""
    source = market_path(relative)
    for directory in datasets(source):
        (target / directory).mkdir(parents=True)
        [path] = (source / directory).glob("*.parquet")
        table = pq.read_table(path, partitioning=None).slice(0, ROWS)
        times = nanoseconds(table)
        pq.write_table(table, target / directory / format_file_name(min(times), max(times)), row_group_size=500)
    return target


def nanoseconds(table: pa.Table) -> list[int]:
    """ts_init in any dialect."""
    found: list[int] = table["ts_init"].cast(pa.int64()).to_pylist()
    return found


def datasets(root: Path) -> list[str]:
    """The directories of market data."""
    found = {path.parent.relative_to(root).as_posix() for path in root.glob("data/*/*/*.parquet")}
    return sorted(one for one in found if locate(f"{one}/x.parquet").role == "data")


def all_rows(root: Path) -> dict[str, Rows]:
    return {directory: as_hashable(root, directory) for directory in datasets(root)}


def as_hashable(root: Path, directory: str) -> Rows:
    """Rows as text, since those of depths hold lists."""
    found = Rows()
    for path in sorted((root / directory).glob("*.parquet")):
        table = pq.read_table(path, partitioning=None)
        found.update((repr(row),) for row in table.to_pylist())
    return found


def maintain(root: Path, request: Request) -> list[str]:
    """Do it to all datasets; the methods of the steps."""
    methods = []
    for directory in datasets(root):
        made = plan(root, directory, request)
        run(root, made)
        methods += [step.method for step in made.steps]
    return methods


def in_pieces(root: Path) -> None:
    """As a broken collector leaves it: foreign names, rows that come again in the next file, a file out of order."""
    for directory in datasets(root):
        [path] = (root / directory).glob("*.parquet")
        table = pq.read_table(path, partitioning=None)
        path.unlink()
        size = max(1, table.num_rows // 5)
        for number, offset in enumerate(range(0, table.num_rows, size)):
            piece = table.slice(max(0, offset - 3) if number else 0, size + 3)
            if number == 2:
                piece = piece.take(pa.array(range(piece.num_rows - 1, -1, -1)))
            pq.write_table(piece, path.with_name(f"part-{number}.parquet"), row_group_size=100)


def by_owner(answer: Answer) -> list[Any]:
    """Records by instrument: the order of instruments is the reader's own business."""
    assert isinstance(answer, list), answer
    return sorted(answer, key=lambda record: record[0])


@pytest.mark.usefixtures("requires_v2")
@pytest.mark.parametrize(("store", "ask"), STORES, ids=[name for name, _ in STORES])
def test_records_are_the_same_after_each_operation(tmp_path: Path, store: str, ask: Ask) -> None:
    original = copy_of(f"stores/{store}", tmp_path / "original")
    operations: dict[str, Callable[[Path], list[str]]] = {
        "hours": lambda root: maintain(root, Consolidate(period="hour")),
        "minutes and one": lambda root: (
            maintain(root, Consolidate(target_rows=40)) + maintain(root, Consolidate(target_rows=10**9))
        ),
        "recompress": lambda root: maintain(root, Recompress("snappy", 1_000)) + maintain(root, Recompress()),
        "rename": renamed,
    }
    queries: list[Query] = []
    for name, operation in operations.items():
        root = shutil.copytree(original, tmp_path / name.replace(" ", "-"))
        assert operation(root)
        assert all_rows(root) == all_rows(original)
        queries += [(root, data_type) for data_type in TYPES]
    found = ask([(original, data_type) for data_type in TYPES] + queries)
    wanted = [by_owner(answer) for answer in found[: len(TYPES)]]
    assert sum(map(len, wanted)) > 5_000
    for at in range(len(TYPES), len(found), len(TYPES)):
        assert [by_owner(answer) for answer in found[at : at + len(TYPES)]] == wanted


def renamed(root: Path) -> list[str]:
    for directory in datasets(root):
        for path in (root / directory).glob("*.parquet"):
            path.rename(path.with_name("1970-01-01T00-00-00-000000000Z_2030-01-01T00-00-00-000000000Z.parquet"))
    return maintain(root, RenameFiles())


@pytest.mark.usefixtures("requires_v2")
@pytest.mark.parametrize(("store", "ask"), STORES, ids=[name for name, _ in STORES])
def test_a_store_in_disorder_is_repaired(tmp_path: Path, store: str, ask: Ask) -> None:
    original = copy_of(f"stores/{store}", tmp_path / "original")
    root = shutil.copytree(original, tmp_path / "pieces")
    in_pieces(root)
    whole = all_rows(root)
    assert set(maintain(root, SortRows())) == {"sort"}
    assert all_rows(root) == whole
    maintain(root, SplitOverlaps())
    assert all_rows(root) == whole
    maintain(root, Deduplicate())
    assert all_rows(root) == {directory: Rows(dict.fromkeys(rows, 1)) for directory, rows in all_rows(original).items()}
    found = ask([(place, data_type) for place in (original, root) for data_type in TYPES])
    for one, other in zip(found[: len(TYPES)], found[len(TYPES) :], strict=True):
        assert sorted(map(repr, by_owner(other))) == sorted(set(map(repr, by_owner(one))))


@pytest.mark.usefixtures("requires_v2")
@pytest.mark.parametrize(("store", "ask"), STORES, ids=[name for name, _ in STORES])
def test_parts_that_were_deleted_or_archived_are_gone_just_there(tmp_path: Path, store: str, ask: Ask) -> None:
    original = copy_of(f"stores/{store}", tmp_path / "original")
    cut, here, there = tmp_path / "cut", tmp_path / "here", tmp_path / "there"
    shutil.copytree(original, cut)
    shutil.copytree(original, here)
    there.mkdir()
    ranges = {directory: middle(original, directory) for directory in datasets(original)}
    for directory, (start, end) in ranges.items():
        run(cut, plan(cut, directory, DeleteRange(start, end)))
        run(here, plan(here, directory, Archive(str(there), start, end)))
    assert all_rows(cut) == all_rows(here)
    found = ask([(place, data_type) for place in (original, cut, here, there) for data_type in TYPES])
    parts = [found[at : at + len(TYPES)] for at in range(0, len(found), len(TYPES))]
    for whole, rest, rest_too, moved in zip(*parts, strict=True):
        assert by_owner(rest) == by_owner(rest_too)
        both = sorted(map(repr, by_owner(rest) + by_owner(moved)))
        assert both == sorted(map(repr, by_owner(whole)))
        assert bool(moved) == bool(whole)


def middle(root: Path, directory: str) -> tuple[int, int]:
    """A range within a dataset."""
    [path] = (root / directory).glob("*.parquet")
    times = nanoseconds(pq.read_table(path, partitioning=None))
    return times[len(times) // 3], times[2 * len(times) // 3]


@pytest.mark.parametrize("width", ["64-bit", "128-bit"])
@pytest.mark.parametrize(
    ("file", "directory"),
    [
        ("quotes-3-groups-filter-query", "data/quote_tick/EURUSD.SIM"),
        ("trades", "data/trade_tick/EURUSD.SIM"),
        ("bars", "data/bar/EURUSD.SIM-1-MINUTE-BID-EXTERNAL"),
    ],
)
def test_files_of_older_writers_are_maintained_in_their_own_dialect(
    tmp_path: Path, width: str, file: str, directory: str
) -> None:
    target = tmp_path / directory / "part-0.parquet"
    target.parent.mkdir(parents=True)
    shutil.copyfile(market_path(f"nautilus-files/{width}/{file}.parquet"), target)
    before, schema = rows_of(tmp_path, directory), pq.read_schema(target)
    rows = sum(before.values())
    for request in (
        Consolidate(target_rows=max(1, rows // 4)),
        Recompress(),
        SortRows(),
        Consolidate(target_rows=rows),
    ):
        run(tmp_path, plan(tmp_path, directory, request))
    [path] = (tmp_path / directory).glob("*.parquet")
    assert rows_of(tmp_path, directory) == before
    assert pq.read_schema(path).equals(schema)


def test_custom_data_is_maintained_as_it_is(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "custom_signal"
    directory.mkdir(parents=True)
    columns = {
        "value": pa.array([1.5, None, float("nan"), 2.5]),
        "tags": pa.array([{"a": [1]}, {"a": []}, None, {"a": [1]}]),
        "ts_event": pa.array([1, 2, 3, 3], pa.int64()),
    }
    for number, times in enumerate([[1, 5, 3, 5], [4, 9, 9, 10]]):
        table = pa.table(columns | {"ts_init": pa.array(times, pa.int64())}, metadata={"type": "Signal"})
        pq.write_table(table, directory / f"part-{number}.parquet")
    before = as_hashable(tmp_path, "data/custom_signal")
    for request in (SplitOverlaps(), RenameFiles(), Deduplicate(), Consolidate(target_rows=8)):
        run(tmp_path, plan(tmp_path, "data/custom_signal", request))
        assert as_hashable(tmp_path, "data/custom_signal") == before
    [path] = directory.glob("*.parquet")
    assert pq.read_table(path)["ts_init"].to_pylist() == [1, 3, 4, 5, 5, 9, 9, 10]
    assert pq.read_schema(path).metadata[b"type"] == b"Signal"


def test_split_files_are_read_in_order(tmp_path: Path) -> None:
    put_file(tmp_path, [(1, 1), (5, 1), (9, 1)])
    put_file(tmp_path, [(4, 2), (12, 2)])
    run(tmp_path, plan(tmp_path, "data/quote_tick/EURUSD.SIM", SplitOverlaps()))
    [found] = answers([(tmp_path, "quote")])
    assert isinstance(found, list)
    assert [record[3] for record in found] == [1, 4, 5, 9, 12]
