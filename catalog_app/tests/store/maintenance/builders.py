"""Stores with files of any order, overlap and name, and an independent look at their rows."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from catalog_app.store.commit.recovery import undo
from catalog_app.store.layout import format_file_name, parse_file_name
from catalog_app.store.maintenance import Outcome, Plan, Request, execute, plan, windows
from catalog_app.tests.store.trees import leftovers, tree

INSTRUMENT = "EUR/USD.SIM"
DIRECTORY = "data/quote_tick/EURUSD.SIM"
HOUR = 3_600 * 10**9
DAY = 24 * HOUR

# (ts_init, a value that tells the row); files may hold equal ones.
Row = tuple[int, int]
Rows = Counter[tuple[Any, ...]]


def quote_schema(width: int = 16, **metadata: str) -> pa.Schema:
    """The columns of a quote file of 1.x."""
    raw = [pa.field(n, pa.binary(width), False) for n in ("bid_price", "ask_price", "bid_size", "ask_size")]
    times = [pa.field(n, pa.uint64(), False) for n in ("ts_event", "ts_init")]
    given = {"instrument_id": INSTRUMENT, "price_precision": "2", "size_precision": "0"} | metadata
    return pa.schema([*raw, *times], metadata=given)


def quotes(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Quotes whose bid is the row's value, in hundredths."""
    width = schema.field("bid_price").type.byte_width
    unit = 10 ** (16 if width == 16 else 9)

    def raw(value: int) -> bytes:
        return value.to_bytes(width, "little", signed=True)

    columns = [[raw(value * unit // 100) for _, value in rows], [raw(unit)] * len(rows)]
    sizes = [[raw(unit)] * len(rows), [raw(2 * unit)] * len(rows)]
    times = [[time for time, _ in rows]] * 2
    arrays = [pa.array(c, f.type) for c, f in zip([*columns, *sizes, *times], schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def put_file(
    root: Path, rows: list[Row], *, name: str = "", schema: pa.Schema | None = None, group: int = 3, **options: Any
) -> str:
    """Write a file, by default under the name of its rows' interval; returns its path below the root."""
    times = [time for time, _ in rows]
    path = f"{DIRECTORY}/{name or format_file_name(min(times), max(times))}"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    assert not (root / path).exists()
    pq.write_table(quotes(rows, schema or quote_schema()), root / path, row_group_size=group, **options)
    return path


def rows_of(root: Path, directory: str = DIRECTORY) -> Rows:
    """All rows of a directory, as Polars reads them."""
    found: Rows = Counter()
    for path in sorted((root / directory).glob("*.parquet")):
        found.update(pl.read_parquet(path, glob=False).rows())
    return found


def times_of(root: Path, path: str) -> list[int]:
    """ts_init of a file, in the rows' order."""
    return pl.read_parquet(root / path, glob=False)["ts_init"].to_list()


def paths(root: Path, directory: str = DIRECTORY) -> list[str]:
    return [f"{directory}/{path.name}" for path in sorted((root / directory).glob("*.parquet"))]


def intervals(root: Path) -> list[tuple[int, int]]:
    """First and last ts_init of the files, in the order of their names."""
    return [(min(times), max(times)) for path in paths(root) if (times := times_of(root, path))]


def run(root: Path, one: Plan, **options: Any) -> Outcome:
    """Execute a plan."""
    calls = {"operation_id": uuid4(), "on_progress": lambda done, total: None, "before_commit": lambda: None}
    return execute(root, one, **calls | options)


def perform(root: Path, request: Request) -> tuple[Plan, Outcome]:
    """Plan and execute; the outcome must be what the plan announced, and undoing it must bring the old files back."""
    before, old_rows = tree(root), rows_of(root)
    announced = plan(root, DIRECTORY, request)
    assert tree(root) == before
    if announced.is_noop:
        outcome = run(root, announced)
        assert (outcome.files_before, outcome.files_after) == ((), ())
        assert tree(root) == before
        return announced, outcome
    undo(root, run(root, announced).operation_id)
    assert tree(root) == before
    announced = plan(root, DIRECTORY, request)
    outcome = run(root, announced)
    require_announced(root, announced, outcome, old_rows)
    return announced, outcome


def require_announced(root: Path, announced: Plan, outcome: Outcome, old_rows: Rows) -> None:
    """What came and left, and how many rows, is what the plan said."""
    assert {file.path: file.rows for file in outcome.files_before} == {f.path: f.rows for f in announced.files_before}
    assert {file.path: file.rows for file in outcome.files_after} == {f.path: f.rows for f in announced.files_after}
    assert (outcome.rows_before, outcome.rows_after) == (announced.rows_before, announced.rows_after)
    assert outcome.bytes_before == announced.bytes_before
    assert outcome.bytes_after == announced.bytes_after or not announced.bytes_exact
    assert sum(rows_of(root).values()) == sum(old_rows.values()) - announced.rows_before + announced.rows_after
    for file in announced.files_after:
        times = times_of(root, file.path)
        assert (len(times), min(times), max(times)) == (file.rows, file.start_ns, file.end_ns)
    assert leftovers(root) == []


def names_are_true(root: Path) -> bool:
    return [parse_file_name(path.rpartition("/")[2]) for path in paths(root)] == intervals(root)


@st.composite
def files(draw: st.DrawFn, *, in_order: bool | None = None, unit: int = 1) -> list[list[Row]]:
    """Rows of one to five files that may overlap; few different times and values, so that some are identical."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, 40))
        rows = draw(st.lists(st.tuples(st.integers(start, start + 8), st.integers(1, 3)), min_size=1, max_size=9))
        is_sorted = draw(st.booleans()) if in_order is None else in_order
        found.append([(time * unit, value) for time, value in (sorted(rows) if is_sorted else rows)])
    return found


def store_of(root: Path, contents: list[list[Row]]) -> dict[str, list[Row]]:
    """A store of files, under names of their own where the true one is taken; path -> rows."""
    written = {}
    for number, rows in enumerate(contents):
        times = [time for time, _ in rows]
        is_taken = (root / DIRECTORY / format_file_name(min(times), max(times))).exists()
        written[put_file(root, rows, name=f"part-{number}.parquet" if is_taken else "", group=1 + number)] = rows
    return written


def in_file_order(written: dict[str, list[Row]]) -> list[list[Row]]:
    """The files' rows, the files by first ts_init, then last one, then path."""

    def place(item: tuple[str, list[Row]]) -> tuple[int, int, str]:
        times = [time for time, _ in item[1]]
        return min(times), max(times), item[0]

    return [rows for _, rows in sorted(written.items(), key=place)]


def all_values(root: Path) -> list[Row]:
    """(ts_init, value) of all rows, one file after the other in the order of time."""
    frames = [pl.read_parquet(root / path, glob=False) for path in paths(root)]
    frames.sort(key=lambda frame: frame["ts_init"].min())
    values = pl.concat(frames).select(
        "ts_init", pl.col("bid_price").bin.reinterpret(dtype=pl.Int128, endianness="little") // 10**14
    )
    return [(time, int(value)) for time, value in values.rows()]


@contextmanager
def small_windows() -> Iterator[None]:
    """Sort in windows of four rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WINDOW_ROWS", 4)
        yield
