"""Files as canonical frames."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL, INT64_MAX, INT128_MAX, POSITIONS
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import INSTRUMENT, UNIT, frame, write
from catalog_app.tests.store.physical import DIALECTS, put_table, table
from catalog_app.tests.store.trees import put


def two_files(root: Path) -> list[str]:
    """Quotes at 10…19 and 20…29, of different precision."""
    first = write(root, "quote", frame("quote", list(range(10, 20))), price_precision=5)
    second = write(root, "quote", frame("quote", list(range(20, 30)), price=UNIT // 10**7), price_precision=7)
    return [first.files_after[0].path, second.files_after[0].path]


def times(found: pl.LazyFrame) -> list[int]:
    return found.collect(engine="streaming")["ts_init"].to_list()


def test_files_come_in_the_order_given_whatever_their_precision(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    found = scan(tmp_path, [first, second], "quote").collect(engine="streaming")
    assert found.schema == CANONICAL["quote"]
    assert found["ts_init"].to_list() == list(range(10, 30))
    assert found["bid_price"].unique().sort().to_list() == [UNIT // 10**7, UNIT]
    assert times(scan(tmp_path, [second, first], "quote")) == [*range(20, 30), *range(10, 20)]


@pytest.mark.parametrize("positions", [True, False])
@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, range(10, 30)),
        (12, 12, range(12, 13)),
        (18, 21, range(18, 22)),
        (None, 9, range(0)),
        (30, None, range(0)),
        (25, None, range(25, 30)),
        (-5, 11, range(10, 12)),
        (-5, -1, range(0)),
        (21, 20, range(0)),
    ],
)
def test_bounds_are_inclusive(tmp_path: Path, positions: bool, start: int, end: int, found: range) -> None:
    paths = two_files(tmp_path)
    frames = scan(tmp_path, paths, "quote", start_ns=start, end_ns=end, positions=positions)
    assert times(frames) == list(found)


def test_positions_are_those_of_the_file_before_any_filter(tmp_path: Path) -> None:
    first, second = two_files(tmp_path)
    found = scan(tmp_path, [first, second], "quote", start_ns=18, end_ns=21, positions=True).collect(engine="streaming")
    assert found.schema == pl.Schema({**CANONICAL["quote"], **POSITIONS})
    assert found.select("file", "row").rows() == [(first, 8), (first, 9), (second, 0), (second, 1)]


def test_row_groups_outside_the_bounds_are_not_read(tmp_path: Path) -> None:
    schema = arrow_schema("quote", INSTRUMENT, None, 5, 0)
    path = tmp_path / "data/quote_tick/EURUSD.SIM/x.parquet"
    path.parent.mkdir(parents=True)
    rows = 1000
    raw = pa.array([UNIT.to_bytes(16, "little")] * rows, pa.binary(16))
    stamps = pa.array(range(rows), pa.uint64())
    pq.write_table(pa.table([raw] * 4 + [stamps] * 2, schema=schema), path, row_group_size=100, compression="none")
    spoilt = bytearray(path.read_bytes())
    metadata = pq.read_metadata(path)
    for group in range(5):  # the rows before 500: any read of them must fail
        column = metadata.row_group(group).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        spoilt[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(spoilt)
    rel_path = path.relative_to(tmp_path).as_posix()
    with pytest.raises(pl.exceptions.PolarsError):
        scan(tmp_path, [rel_path], "quote").collect(engine="streaming")
    for positions in (False, True):
        found = scan(tmp_path, [rel_path], "quote", start_ns=700, end_ns=701, positions=positions)
        assert times(found) == [700, 701]
        if positions:
            assert found.collect(engine="streaming")["row"].to_list() == [700, 701]


def test_undefined_values_are_null(tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [1, 2])).files_after
    path = tmp_path / file.path
    table = pq.read_table(path, partitioning=None)
    undefined = {"bid_price": INT128_MAX, "bid_size": 2**128 - 1}
    columns = [
        pa.array([undefined[name].to_bytes(16, "little"), UNIT.to_bytes(16, "little")], pa.binary(16))
        if name in undefined
        else table.column(name)
        for name in table.schema.names
    ]
    pq.write_table(pa.table(columns, schema=table.schema), path)
    found = scan(tmp_path, [file.path], "quote").collect(engine="streaming")
    assert found["bid_price"].to_list() == [None, UNIT]
    assert found["bid_size"].to_list() == [None, UNIT]
    assert found["ask_price"].to_list() == [UNIT, UNIT]


@pytest.mark.parametrize("statistics", [True, False])
def test_one_undefined_value_among_large_row_groups_is_null(tmp_path: Path, *, statistics: bool) -> None:
    rows, at = 70_000, 65_432
    paths = []
    for number in range(2):
        values = {name: np.full((rows, 2), 7, np.int64) for name in ("bid_price", "ask_price", "bid_size", "ask_size")}
        if number:
            values["bid_price"][at] = -1, INT64_MAX
            values["ask_size"][at] = -1, -1
            values["ask_price"][at] = -1, -1  # a price of -1e-16
        raw = {
            name: pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(one.tobytes())])
            for name, one in values.items()
        }
        times = pa.array(np.arange(rows) + number * rows, pa.uint64())
        path = f"data/quote_tick/A.B/{number}.parquet"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        table = pa.table({**raw, "ts_event": times, "ts_init": times})
        pq.write_table(table, tmp_path / path, row_group_size=rows, write_statistics=statistics)
        paths.append(path)
    found = scan(tmp_path, paths, "quote").collect(engine="streaming")
    for name, nulls in {"bid_price": [rows + at], "ask_size": [rows + at], "ask_price": [], "bid_size": []}.items():
        assert found[name].is_null().arg_true().to_list() == nulls
    assert found["ask_price"][rows + at] == -1
    assert found["bid_size"].unique().to_list() == [7 + (7 << 64)]


@pytest.mark.parametrize("data_type", ["quote", "trade", "bar"])
def test_no_files_are_an_empty_frame(tmp_path: Path, data_type: str) -> None:
    assert scan(tmp_path, [], data_type).collect().schema == CANONICAL[data_type]
    positioned = scan(tmp_path, [], data_type, positions=True).collect()
    assert positioned.schema == pl.Schema({**CANONICAL[data_type], **POSITIONS})


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    put(tmp_path, "data/quote_tick/X.Y/a.parquet", "rubbish")
    for name, reason in (("a", "whole Parquet"), ("b", "does not exist")):
        path = f"data/quote_tick/X.Y/{name}.parquet"
        with pytest.raises(UnreadableFile, match=reason) as caught:
            scan(tmp_path, [path], "quote")
        assert caught.value.path == path


def test_files_of_another_type_are_refused(tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [1])).files_after
    with pytest.raises(UnsupportedFile, match="the column open of a bar file is missing"):
        scan(tmp_path, [file.path], "bar")
    with pytest.raises(ValueError, match="cannot be scanned"):
        scan(tmp_path, [file.path], "quotes")


def mark_prices(root: Path, name: str, dialect: str, times: list[int], **options: Any) -> str:
    rows = [{"value": time * UNIT, "ts_event": time, "ts_init": time} for time in times]
    return put_table(root, f"data/mark_prices/A.B/{name}.parquet", table("mark_price", dialect, rows), **options)


@pytest.mark.parametrize("positions", [True, False])
def test_files_of_different_dialects_are_one_frame(tmp_path: Path, positions: bool) -> None:
    paths = [
        mark_prices(tmp_path, str(number), dialect, [2 * number, 2 * number + 1], row_group_size=1)
        for number, dialect in enumerate(("v1-16", "v1-16", "v2", "v1-8", "integers", "v1-16"))
    ]
    found = scan(tmp_path, paths, "mark_price", start_ns=1, end_ns=10, positions=positions)
    rows = found.collect(engine="streaming")
    assert rows["ts_init"].to_list() == list(range(1, 11))
    assert rows["value"].to_list() == [time * UNIT for time in range(1, 11)]
    assert times(scan(tmp_path, paths[::-1], "mark_price"))[:4] == [10, 11, 8, 9]


def test_files_may_differ_in_the_order_and_number_of_columns(tmp_path: Path) -> None:
    first = mark_prices(tmp_path, "first", "v1-16", [1])
    more = pq.read_table(tmp_path / first, partitioning=None).append_column("note", pa.array(["x"]))
    second = put_table(tmp_path, "data/mark_prices/A.B/2.parquet", more.select(more.schema.names[::-1]))
    for paths in ([first, second], [second, first]):
        assert scan(tmp_path, paths, "mark_price").collect().rows() == [(UNIT, 1, 1)] * 2


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = mark_prices(tmp_path, "x", "v1-16", [1])
    assert times(scan(tmp_path, [path], "mark_price")) == [1]
    mark_prices(tmp_path, "x", "v2", [1, 2, 3])
    assert times(scan(tmp_path, [path], "mark_price")) == [1, 2, 3]
    (tmp_path / path).unlink()
    with pytest.raises(UnreadableFile, match="does not exist"):
        scan(tmp_path, [path], "mark_price")


def test_custom_data_keeps_its_columns(tmp_path: Path) -> None:
    stamps = pa.array([5, 6], pa.timestamp("ns", "UTC"))
    first = pa.table({"ts_init": stamps, "level": [0.5, 1.5], "name": pa.array(["a", "b"]).dictionary_encode()})
    second = pa.table({"ts_event": pa.array([7], pa.uint64()), "ts_init": pa.array([8], pa.uint64()), "level": [2.5]})
    paths = [
        put_table(tmp_path, "data/custom_news/a.parquet", first),
        put_table(tmp_path, "data/custom_news/A.B/b.parquet", second),
    ]
    found = scan(tmp_path, paths, "custom").collect()
    assert found["ts_init"].to_list() == [5, 6, 8]
    assert found["ts_init"].dtype == found["ts_event"].dtype == pl.Int64
    assert found["ts_event"].to_list() == [None, None, 7]
    assert found["level"].to_list() == [0.5, 1.5, 2.5]
    assert scan(tmp_path, paths, "custom", start_ns=6, end_ns=7, positions=True).collect()["row"].to_list() == [1]
    assert scan(tmp_path, [], "custom").collect().columns == ["ts_event", "ts_init"]
    with pytest.raises(UnsupportedFile, match="no ts_init"):
        scan(tmp_path, [put_table(tmp_path, "data/custom_x/x.parquet", first.drop(["ts_init"]))], "custom")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_row_groups_outside_are_skipped_in_every_dialect(tmp_path: Path, dialect: str) -> None:
    path = tmp_path / mark_prices(tmp_path, "x", dialect, list(range(100)), row_group_size=10, compression="none")
    metadata, spoilt = pq.read_metadata(path), bytearray(path.read_bytes())
    for group in range(5):  # the rows before 50: any read of them must fail
        column = metadata.row_group(group).column(0)
        start = column.dictionary_page_offset or column.data_page_offset
        spoilt[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(spoilt)
    rel_path = path.relative_to(tmp_path).as_posix()
    with pytest.raises(pl.exceptions.PolarsError):
        scan(tmp_path, [rel_path], "mark_price").collect(engine="streaming")
    assert times(scan(tmp_path, [rel_path], "mark_price", start_ns=71, end_ns=72)) == [71, 72]


def test_a_real_store_reads_as_the_real_catalog_does() -> None:
    from catalog_app.tests.store.upstream import records

    root = market_path("stores/nautilus-1.231")
    paths = sorted(p.relative_to(root).as_posix() for p in root.glob("data/quote_tick/EURUSD.SIM/*.parquet"))
    found = scan(root, paths, "quote").collect(engine="streaming")
    assert found.height == 9_500
    theirs = [record[1:] for record in records(root, "quote") if record[0] == "EUR/USD.SIM"]
    assert [(*(raw for raw, _ in row), event, init) for row, event, init in theirs] == found.rows()
