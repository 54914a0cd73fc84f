"""Files as canonical frames."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL, INT128_MAX, POSITIONS
from catalog_app.store.writer import arrow_schema
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import INSTRUMENT, UNIT, frame, write
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
    with pytest.raises(UnsupportedFile, match="not those of bar data"):
        scan(tmp_path, [file.path], "bar")
    with pytest.raises(ValueError, match="cannot be scanned"):
        scan(tmp_path, [file.path], "delta")


@pytest.mark.parametrize(
    ("store", "path", "data_type"),
    [
        ("stores/nautilus-2.0.0rc7", "data/quotes/EURUSD.SIM", "quote"),
        ("stores/nautilus-2.0.0rc4", "data/trades/EURUSD.SIM", "trade"),
        ("nautilus-files", "64-bit", "bar"),
    ],
)
def test_other_dialects_are_refused_not_misread(store: str, path: str, data_type: str) -> None:
    root = market_path(store)
    [file] = sorted((root / path).glob("*.parquet" if store != "nautilus-files" else "bars.parquet"))
    with pytest.raises(UnsupportedFile, match="dialect"):
        scan(root, [file.relative_to(root).as_posix()], data_type)


def test_a_real_store_reads_as_the_real_catalog_does() -> None:
    from catalog_app.tests.store.upstream import records

    root = market_path("stores/nautilus-1.231")
    paths = sorted(p.relative_to(root).as_posix() for p in root.glob("data/quote_tick/EURUSD.SIM/*.parquet"))
    found = scan(root, paths, "quote").collect(engine="streaming")
    assert found.height == 9_500
    theirs = records(root, "quote", "EUR/USD.SIM")
    assert [(*(raw for raw, _ in row), event, init) for _, row, event, init in theirs] == found.rows()
