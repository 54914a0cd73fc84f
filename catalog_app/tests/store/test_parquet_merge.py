"""Merged files hold exactly the rows of their inputs, for every reader."""

import errno
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from catalog_app.store import reader
from catalog_app.store.layout import format_file_name
from catalog_app.store.parquet import thrift_compact
from catalog_app.store.parquet.footer import NUM_ROWS, ROW_GROUPS, read_raw_footer
from catalog_app.store.parquet.merge import merge, mergeable
from catalog_app.tests.market import market_path
from catalog_app.tests.store import upstream
from catalog_app.tests.store.frames import INSTRUMENT, UNIT, frame, write

LEVEL = pa.struct([("size", pa.decimal128(38, 16)), ("count", pa.uint32())])
SCHEMA = pa.schema(
    [
        pa.field("price", pa.binary(16), nullable=False),
        pa.field("name", pa.dictionary(pa.int32(), pa.string())),
        pa.field("text", pa.string()),
        pa.field("levels", pa.list_(pa.field("element", LEVEL))),
        pa.field("flag", pa.bool_()),
        pa.field("ts_event", pa.timestamp("ns", "UTC")),
        pa.field("ts_init", pa.uint64(), nullable=False),
    ],
    metadata={"instrument_id": INSTRUMENT, "price_precision": "5"},
)


def table(rows: int, *, start: int = 0) -> pa.Table:
    """Rows of every shape, ts_init rising from `start`."""
    numbers = range(start, start + rows)
    columns: list[Any] = [
        [(number * UNIT).to_bytes(16, "little", signed=True) for number in numbers],
        ["ABC"[number % 3] if number % 7 else None for number in numbers],
        [f"text {number}" * (number % 5) for number in numbers],
        [[{"size": number, "count": level} for level in range(number % 4)] or None for number in numbers],
        [number % 2 == 0 if number % 5 else None for number in numbers],
        [number * 1_000 for number in numbers],
        [number // 2 for number in numbers],
    ]
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def put(root: Path, tables: list[pa.Table], **options: Any) -> list[str]:
    """Write each table as a file."""
    names = [f"{number}.parquet" for number in range(len(tables))]
    for name, content in zip(names, tables, strict=True):
        pq.write_table(content, root / name, **options)
    return names


def assert_same_rows(found: pa.Table, expected: pa.Table) -> None:
    """Equal rows, columns, types and metadata; dictionaries may hold their words in another order."""
    assert found.schema.equals(expected.schema, check_metadata=True)
    plain = pa.schema([*SCHEMA]).set(1, pa.field("name", pa.string()))
    assert found.cast(plain).equals(expected.cast(plain))


def column_chunks(path: Path) -> list[dict[str, Any]]:
    """All that PyArrow knows about each column chunk, positions aside."""
    found = pq.read_metadata(path)
    kept = []
    for number in range(found.num_row_groups):
        group = found.row_group(number)
        for column in range(group.num_columns):
            chunk = group.column(column).to_dict()
            kept.append({key: value for key, value in chunk.items() if not key.endswith("offset")})
    return kept


def page_positions(path: Path) -> list[list[int]]:
    """For each column chunk, where its pages start by its offset index."""
    content = path.read_bytes()
    with pa.OSFile(str(path)) as file:
        footer = read_raw_footer(file, path.name).content
    found = []
    for group in _elements(footer, _fields(footer)[ROW_GROUPS]):
        for chunk in _elements(footer, _fields(footer, group)[1]):
            at = thrift_compact.integer(footer, _fields(footer, chunk)[4])
            pages = _elements(content, _fields(content, at)[1])
            found.append([thrift_compact.integer(content, _fields(content, page)[1]) for page in pages])
    return found


def ordinals(path: Path) -> list[int]:
    """The numbers that row groups bear."""
    with pa.OSFile(str(path)) as file:
        footer = read_raw_footer(file, path.name).content
    groups = _elements(footer, _fields(footer)[ROW_GROUPS])
    return [thrift_compact.integer(footer, _fields(footer, group)[7]) for group in groups]


def _fields(content: bytes, at: int = 0) -> dict[int, int]:
    return {field: start for field, _, start, _ in thrift_compact.fields(content, at)}


def _elements(content: bytes, at: int) -> list[int]:
    count, at = thrift_compact.list_of_structs(content, at)
    starts = []
    for _ in range(count):
        starts.append(at)
        at = thrift_compact.skip(content, at, thrift_compact.STRUCT)
    return starts


OPTIONS = st.fixed_dictionaries(
    {
        "compression": st.sampled_from(["snappy", "zstd", "none", "lz4"]),
        "write_page_index": st.booleans(),
        "use_dictionary": st.booleans(),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "data_page_size": st.sampled_from([64, 1 << 20]),
        "write_statistics": st.booleans(),
        "write_page_checksum": st.booleans(),
        "sorting_columns": st.sampled_from([None, [pq.SortingColumn(6)]]),
        "store_decimal_as_integer": st.booleans(),
    }
)


@settings(max_examples=30)
@given(st.data(), OPTIONS)
def test_a_split_table_merges_into_the_whole(data: st.DataObject, options: dict[str, Any]) -> None:
    whole = table(data.draw(st.integers(1, 120)))
    cuts = sorted(data.draw(st.lists(st.integers(0, whole.num_rows), max_size=5)))
    parts = [whole.slice(start, end - start) for start, end in pairwise([0, *cuts, whole.num_rows])]
    with TemporaryDirectory() as directory:
        root = Path(directory)
        names = []
        for number, part in enumerate(parts):
            names.append(f"{number}.parquet")
            pq.write_table(part, root / names[-1], row_group_size=data.draw(st.integers(1, 130)), **options)

        assert mergeable(root, names) is None
        merged = merge(root, names, root / "merged.parquet")

        assert merged.rows == whole.num_rows
        assert merged.size_bytes == (root / "merged.parquet").stat().st_size
        assert column_chunks(root / "merged.parquet") == [
            chunk for name in names for chunk in column_chunks(root / name)
        ]
        found = pq.read_table(root / "merged.parquet", page_checksum_verification=True)
        assert_same_rows(found, whole)
        assert found.schema.metadata == pq.read_schema(root / names[0]).metadata
        assert_frame_equal(pl.read_parquet(root / "merged.parquet"), pl.read_parquet([root / name for name in names]))


def test_a_merged_file_can_be_merged_again(tmp_path: Path) -> None:
    names = put(
        tmp_path, [table(40, start=start) for start in (0, 40, 80, 120)], row_group_size=9, write_page_index=True
    )
    merge(tmp_path, names[:2], tmp_path / "left")
    merge(tmp_path, names[2:], tmp_path / "right")

    merge(tmp_path, ["left", "right"], tmp_path / "all")

    assert_same_rows(pq.read_table(tmp_path / "all"), table(160))


def test_offset_indexes_point_to_the_same_pages(tmp_path: Path) -> None:
    # Many files, so that positions need more bytes than they had.
    tables = [table(200, start=start) for start in range(0, 4_000, 200)]
    names = put(tmp_path, tables, row_group_size=70, write_page_index=True, data_page_size=64, write_batch_size=16)
    merge(tmp_path, names, tmp_path / "merged")

    content = (tmp_path / "merged").read_bytes()
    found = page_positions(tmp_path / "merged")
    expected = [(name, pages) for name in names for pages in page_positions(tmp_path / name)]
    assert len(found) == len(expected)
    assert sum(map(len, found)) > len(found)
    for pages, (name, before) in zip(found, expected, strict=True):
        source = (tmp_path / name).read_bytes()
        assert [content[at : at + 40] for at in pages] == [source[at : at + 40] for at in before]
    chunks = [
        pq.read_metadata(tmp_path / "merged").row_group(number).column(column)
        for number in range(60)
        for column in range(8)
    ]
    assert [pages[0] for pages in found] == [chunk.data_page_offset for chunk in chunks]


def test_row_groups_outside_a_filter_are_still_left_out(tmp_path: Path) -> None:
    names = put(tmp_path, [table(40, start=start) for start in (0, 40)], row_group_size=10)
    merge(tmp_path, names, tmp_path / "merged")

    fragment = next(iter(ds.dataset(tmp_path / "merged").get_fragments()))
    assert len(fragment.split_by_row_group(ds.field("ts_init") >= 35)) == 1
    assert pl.scan_parquet(tmp_path / "merged").filter(pl.col("ts_init") >= 35).collect().height == 10


def test_bloom_filters_still_answer(tmp_path: Path) -> None:
    options = {"bloom_filter_options": {"text": {"ndv": 100, "fpp": 0.01}}}
    names = put(tmp_path, [table(40, start=start) for start in (0, 40)], row_group_size=10, **options)
    merge(tmp_path, names, tmp_path / "merged")

    assert_same_rows(pq.read_table(tmp_path / "merged"), table(80))
    parts = [_bloom_filters(tmp_path / name) for name in names]
    assert any(parts[0])
    assert _bloom_filters(tmp_path / "merged") == parts[0] + parts[1]


def _bloom_filters(path: Path) -> list[bytes]:
    """The bytes of each column chunk's bloom filter."""
    content = path.read_bytes()
    with pa.OSFile(str(path)) as file:
        footer = read_raw_footer(file, path.name).content
    found = []
    for group in _elements(footer, _fields(footer)[ROW_GROUPS]):
        for chunk in _elements(footer, _fields(footer, group)[1]):
            column = _fields(footer, _fields(footer, chunk)[3])
            if 14 in column:
                at, length = (thrift_compact.integer(footer, column[field]) for field in (14, 15))
                found.append(content[at : at + length])
    return found


@pytest.mark.parametrize("failure", [errno.EXDEV, errno.ENOSYS])
def test_file_systems_that_cannot_copy_ranges_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: int
) -> None:
    names = put(tmp_path, [table(40, start=start) for start in (0, 40)])

    def refuse(*_: object, **__: object) -> int:
        raise OSError(failure, os.strerror(failure))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    merge(tmp_path, names, tmp_path / "merged")

    assert_same_rows(pq.read_table(tmp_path / "merged"), table(80))


def test_a_copy_that_stops_half_way_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = put(tmp_path, [table(400, start=start) for start in (0, 400)])
    copy = os.copy_file_range

    def some(source: int, target: int, count: int, offset_src: int) -> int:
        return copy(source, target, min(count, 1_000), offset_src=offset_src) if offset_src < 3_000 else 0

    monkeypatch.setattr(os, "copy_file_range", some)
    merge(tmp_path, names, tmp_path / "merged")

    assert_same_rows(pq.read_table(tmp_path / "merged"), table(800))


@pytest.mark.parametrize("name", ["128-bit/quotes-3-groups-filter-query", "64-bit/quotes-3-groups-filter-query"])
def test_files_of_parquet_rs_merge_group_by_group(tmp_path: Path, name: str) -> None:
    source = market_path(f"nautilus-files/{name}.parquet")
    for number in range(3):
        _keep_one_group(source, number, tmp_path / f"{number}")

    merged = merge(tmp_path, ["0", "1", "2"], tmp_path / "merged")

    assert (merged.rows, merged.row_groups) == (pq.read_metadata(source).num_rows, 3)
    assert pq.read_table(tmp_path / "merged").equals(pq.read_table(source), check_metadata=True)
    assert_frame_equal(pl.read_parquet(tmp_path / "merged"), pl.read_parquet(source))
    content, whole = (tmp_path / "merged").read_bytes(), source.read_bytes()
    for found, expected in zip(page_positions(tmp_path / "merged"), page_positions(source), strict=True):
        assert [content[at : at + 40] for at in found] == [whole[at : at + 40] for at in expected]
    assert ordinals(tmp_path / "merged") == [0, 1, 2]


def _keep_one_group(source: Path, number: int, target: Path) -> None:
    """A copy of a file whose footer names only one of its row groups."""
    with pa.OSFile(str(source)) as file:
        footer = read_raw_footer(file, source.name)
    content = footer.content
    start = _elements(content, _fields(content)[ROW_GROUPS])[number]
    group = content[start : thrift_compact.skip(content, start, thrift_compact.STRUCT)]
    rows = pq.read_metadata(source).row_group(number).num_rows
    out, previous = b"", 0
    for field, kind, begin, end in thrift_compact.fields(content):
        value = {ROW_GROUPS: thrift_compact.list_header(1) + group, NUM_ROWS: thrift_compact.encode_integer(rows)}
        out += thrift_compact.field_header(previous, field, kind) + value.get(field, content[begin:end])
        previous = field
    out += b"\0"
    target.write_bytes(source.read_bytes()[: footer.start] + out + len(out).to_bytes(4, "little") + b"PAR1")


@pytest.mark.parametrize("store", ["nautilus-1.231", "nautilus-2.0.0rc4", "nautilus-2.0.0rc7"])
def test_every_file_of_the_real_stores_comes_through(tmp_path: Path, store: str) -> None:
    root = market_path(f"stores/{store}")
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.parquet"))
    assert paths
    for path in paths:
        merged = merge(root, [path], tmp_path / "merged")
        assert merged.rows == pq.read_metadata(root / path).num_rows
        assert pq.read_table(tmp_path / "merged").equals(pq.read_table(root / path), check_metadata=True)
        assert column_chunks(tmp_path / "merged") == column_chunks(root / path)


def test_definitions_without_times_merge_as_parquet_rs_wrote_them(tmp_path: Path) -> None:
    root = market_path("stores/nautilus-2.0.0rc7")
    path = next(path.relative_to(root).as_posix() for path in root.glob("data/currency_pair/*/*.parquet"))

    merge(root, [path, path], tmp_path / "merged")

    once = pq.read_table(root / path)
    assert pq.read_table(tmp_path / "merged").equals(pa.concat_tables([once, once]), check_metadata=True)


def _quotes(root: Path) -> list[str]:
    for number in range(3):
        write(root, "quote", frame("quote", [number * 100 + step for step in range(50)], price=UNIT + number * UNIT))
    return sorted(path.relative_to(root).as_posix() for path in root.glob("data/quote_tick/*/*.parquet"))


def test_our_files_merge_into_one_that_nautilus_trader_reads(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    paths = _quotes(source)
    merged_path = f"{paths[0].rpartition('/')[0]}/{format_file_name(0, 249)}"
    (target / merged_path).parent.mkdir(parents=True)

    assert merge(source, paths, target / merged_path).rows == 150

    assert_frame_equal(
        reader.scan(target, [merged_path], "quote").collect(), reader.scan(source, paths, "quote").collect()
    )
    records = upstream.records(target, "quote", INSTRUMENT)
    assert len(records) == 150
    assert records == upstream.records(source, "quote", INSTRUMENT)


def test_page_indexes_are_followed_by_nautilus_trader(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    paths = _quotes(source)
    for path in paths:
        content = pq.read_table(source / path)
        pq.write_table(content, source / path, row_group_size=20, write_page_index=True, data_page_size=64)
    merged_path = f"{paths[0].rpartition('/')[0]}/{format_file_name(0, 249)}"
    (target / merged_path).parent.mkdir(parents=True)
    merge(source, paths, target / merged_path)

    assert upstream.records(target, "quote", INSTRUMENT) == upstream.records(source, "quote", INSTRUMENT)


def test_duckdb_reads_the_same_rows(tmp_path: Path, duckdb_rows: Callable[[list[Path]], list[Any]]) -> None:
    names = put(tmp_path, [table(300, start=start) for start in (0, 300)], row_group_size=70, write_page_index=True)
    merge(tmp_path, names, tmp_path / "merged")

    assert duckdb_rows([tmp_path / "merged"]) == duckdb_rows([tmp_path / name for name in names])


@pytest.fixture
def duckdb_rows() -> Callable[[list[Path]], list[Any]]:
    """What DuckDB finds in files where it is installed."""
    duckdb = pytest.importorskip("duckdb")

    def rows(paths: list[Path]) -> list[Any]:
        found = duckdb.sql("select * from read_parquet(?) where ts_init > 20", params=[[str(path) for path in paths]])
        return list(found.fetchall())

    return rows
