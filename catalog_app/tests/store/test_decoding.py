"""Every data type in every physical form comes back as the same canonical rows."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store.errors import UnsupportedFile
from catalog_app.store.footer import read_footer
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL, INT128_MAX
from catalog_app.tests.store.physical import DIALECTS, number_array, numbers, put_table, rows, table

UNIT = 10**16


def read(root: Path, path: str, data_type: str) -> pl.DataFrame:
    return scan(root, [path], data_type).collect(engine="streaming")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("data_type", CANONICAL)
@settings(max_examples=25)
@given(data=st.data())
def test_rows_come_back_exactly(tmp_path_factory: Any, data_type: str, dialect: str, data: st.DataObject) -> None:
    values = data.draw(rows(data_type, dialect))
    root = tmp_path_factory.mktemp("store")
    path = put_table(root, "data/x.parquet", table(data_type, dialect, values))
    expected = pl.DataFrame(values, schema=CANONICAL[data_type], orient="row")
    assert read(root, path, data_type).equals(expected)


@settings(max_examples=15)
@given(data=st.data(), signed=st.booleans())
def test_large_row_groups_are_read_the_same_way(tmp_path_factory: Any, data: st.DataObject, signed: bool) -> None:
    """These take another way through the code, which must not see anything but the values."""
    few = data.draw(st.lists(numbers("v1-16", signed=signed), min_size=1, max_size=5))
    count = data.draw(st.integers(65_536, 70_000))
    values = (few * (count // len(few) + 1))[:count]
    stamps = pa.array(range(count), pa.uint64())
    name = "value" if signed else "volume"
    other = (
        {} if signed else dict.fromkeys(("open", "high", "low", "close"), number_array("v1-16", [1], signed=True)[0])
    )
    array = number_array("v1-16", values, signed=signed)
    if data.draw(st.booleans(), "nulls of Arrow's own"):
        array = pc.if_else(pa.array([value is not None for value in values]), array, None)
    columns = {name: array, "ts_event": stamps, "ts_init": stamps}
    columns |= {key: pa.repeat(value, count) for key, value in other.items()}
    root = tmp_path_factory.mktemp("store")
    options = {"use_dictionary": data.draw(st.booleans()), "data_page_size": data.draw(st.sampled_from([4096, 2**20]))}
    path = put_table(
        root, "data/x.parquet", pa.table(columns), row_group_size=data.draw(st.integers(65_536, 80_000)), **options
    )
    found = scan(root, [path], "mark_price" if signed else "bar")
    assert found.collect(engine="streaming")[name].to_list() == values
    start, end = sorted(data.draw(st.tuples(st.integers(0, count), st.integers(0, count))))
    data_type = "mark_price" if signed else "bar"
    part = scan(root, [path], data_type, start_ns=start, end_ns=end).collect(engine="streaming")
    assert part[name].to_list() == values[start : end + 1]
    odd = found.filter(pl.col("ts_event") % 3 == 1).slice(5, 1000).collect(engine="streaming")
    assert odd[name].to_list() == values[1::3][5:1005]


def text_close(price: Any, close_type: Any = "CONTRACT_EXPIRED") -> pa.Table:
    """As 1.231.0's Python writer makes it."""
    return pa.table(
        {
            "instrument_id": pa.array(["A.B"]).dictionary_encode(),
            "close_type": pa.array([close_type]).dictionary_encode(),
            "close_price": pa.array([price], pa.string()),
            "ts_event": pa.array([1], pa.uint64()),
            "ts_init": pa.array([2], pa.uint64()),
        }
    )


@pytest.mark.parametrize(
    ("text", "raw"), [("1.50", 15 * 10**15), ("-0.0000000000000001", -1), ("1E-7", 10**9), (None, None)]
)
def test_closes_as_text_are_exact(tmp_path: Path, text: str | None, raw: int | None) -> None:
    path = put_table(tmp_path, "data/instrument_close/A.B/x.parquet", text_close(text))
    assert read(tmp_path, path, "close").row(0) == (raw, 2, 1, 2)
    assert read_footer(tmp_path, path).instrument_id == "A.B"


@pytest.mark.parametrize("text", ["1.00000000000000001", "many", ""])
def test_a_price_that_is_no_exact_number_fails_instead_of_being_null(tmp_path: Path, text: str) -> None:
    path = put_table(tmp_path, "data/instrument_close/A.B/x.parquet", text_close(text))
    with pytest.raises(pl.exceptions.PolarsError, match="not a number"):
        read(tmp_path, path, "close")


def test_a_name_that_nobody_writes_fails_instead_of_being_null(tmp_path: Path) -> None:
    path = put_table(tmp_path, "data/instrument_close/A.B/x.parquet", text_close("1", "SOLD"))
    with pytest.raises(pl.exceptions.PolarsError, match="SOLD"):
        read(tmp_path, path, "close")


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("1E-7", "0.0000001"),
        ("-1.5E-10", "-0.00000000015"),
        ("0E-8", "0.00000000"),
        ("1E+2", "100"),
        ("1.5E+3", "1500"),
        ("0.00010", "0.00010"),
        ("-12", "-12"),
    ],
)
def test_rates_lose_their_exponent_and_no_digit(tmp_path: Path, written: str, rate: str) -> None:
    content = table("funding_rate", "v1-16", [{"rate": written, "interval": 8, "next_funding_ns": None} | TIMES])
    path = put_table(tmp_path, "data/funding_rate_update/A.B/x.parquet", content)
    assert read(tmp_path, path, "funding_rate")["rate"].to_list() == [rate]


TIMES = {"ts_event": 1, "ts_init": 2}


@pytest.mark.parametrize("side", ["BUY", "BUYER"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_enumerations_by_any_kind_of_text(tmp_path: Path, side: str, kind: pa.DataType) -> None:
    content = table("trade", "v1-16", [{"price": 1, "size": 1, "aggressor_side": 1, "trade_id": "t"} | TIMES])
    content = content.set_column(2, "aggressor_side", pa.array([side]).cast(kind))
    content = content.set_column(3, "trade_id", pa.array(["t"]).cast(kind))
    path = put_table(tmp_path, "data/trades/A.B/x.parquet", content)
    assert read(tmp_path, path, "trade").row(0) == (1, 1, 1, "t", 1, 2)


@pytest.mark.parametrize("kind", [pa.uint64(), pa.int64(), pa.timestamp("ns"), pa.timestamp("ns", "UTC")])
def test_times_of_any_kind_are_read_and_pruned(tmp_path: Path, kind: pa.DataType) -> None:
    content = table("mark_price", "v1-16", [{"value": 1, "ts_event": at, "ts_init": at} for at in range(10)])
    for at, name in ((1, "ts_event"), (2, "ts_init")):
        content = content.set_column(at, name, pa.array(range(10), pa.int64()).cast(kind))
    path = put_table(tmp_path, "data/mark_prices/A.B/x.parquet", content, row_group_size=2)
    found = scan(tmp_path, [path], "mark_price", start_ns=3, end_ns=4).collect(engine="streaming")
    assert found.schema == CANONICAL["mark_price"]
    assert found["ts_init"].to_list() == found["ts_event"].to_list() == [3, 4]
    assert (read_footer(tmp_path, path).start_ns, read_footer(tmp_path, path).end_ns) == (0, 9)


@pytest.mark.parametrize("scale", [0, 2, 9, 16])
def test_decimals_of_other_scales_are_exact(tmp_path: Path, scale: int) -> None:
    content = pa.table({"value": pa.array([-123], pa.decimal128(20, scale)), "ts_event": [1], "ts_init": [2]})
    path = put_table(tmp_path, "data/mark_prices/A.B/x.parquet", content)
    assert read(tmp_path, path, "mark_price")["value"].to_list() == [-123 * UNIT]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("value", pa.array([1.5]), "value is double"),
        ("value", pa.array([b"123"], pa.binary(3)), r"fixed_size_binary\[3\]"),
        ("value", pa.array([1], pa.decimal128(38, 17)), "decimal128"),
        ("value", pa.array([1], pa.int32()), "int32"),
        ("ts_event", pa.array([1], pa.timestamp("us", "UTC")), "ts_event is timestamp"),
        ("ts_event", None, "ts_event of a mark_price file is missing"),
        ("value", None, "value of a mark_price file is missing"),
        ("ts_init", None, "no ts_init"),
    ],
)
def test_columns_that_cannot_be_are_refused_by_footer_and_reader(
    tmp_path: Path, name: str, values: pa.Array | None, reason: str
) -> None:
    content = table("mark_price", "v1-16", [{"value": 1} | TIMES])
    at = content.schema.get_field_index(name)
    content = content.remove_column(at) if values is None else content.set_column(at, name, values)
    path = put_table(tmp_path, "data/mark_price_update/A.B/x.parquet", content)
    for refuse in (lambda: scan(tmp_path, [path], "mark_price"), lambda: read_footer(tmp_path, path)):
        with pytest.raises(UnsupportedFile, match=reason):
            refuse()


def test_levels_without_anything_are_left_out_and_others_kept(tmp_path: Path) -> None:
    levels = [
        {"price": UNIT, "size": UNIT, "count": 1, "order_id": 0},
        {"price": UNIT, "size": 0, "count": 0, "order_id": 0},
        {"price": None, "size": None, "count": 0, "order_id": 0},
        {"price": 0, "size": UNIT, "count": 0, "order_id": 0},
    ]
    row = {"bids": levels, "asks": [], "flags": 0, "sequence": 1} | TIMES
    path = put_table(tmp_path, "data/order_book_depths/A.B/x.parquet", table("depth10", "v1-16", [row]))
    [found] = read(tmp_path, path, "depth10").to_dicts()
    assert found["bids"] == [levels[0], levels[1], levels[3]]
    assert found["asks"] == []


@pytest.mark.parametrize(
    ("bids", "reason"),
    [
        (pa.array([[1]]), "not a list of levels"),
        (pa.array([[{"price": 1, "size": 1}]]), "have no count"),
        (pa.array([[{"price": 1.5, "size": 1, "count": 1, "order_id": 1}]]), "price in the levels of bids is double"),
    ],
)
def test_depths_with_other_levels_are_refused(tmp_path: Path, bids: pa.Array, reason: str) -> None:
    row = {"bids": [], "asks": [], "flags": 0, "sequence": 1} | TIMES
    content = table("depth10", "v2", [row]).set_column(0, "bids", bids)
    path = put_table(tmp_path, "data/order_book_depths/A.B/x.parquet", content)
    with pytest.raises(UnsupportedFile, match=reason):
        scan(tmp_path, [path], "depth10")


def test_binary_levels_in_lists_are_read_too(tmp_path: Path) -> None:
    """No release is known to write them, but columns go by their types, not by a dialect."""
    kind = pa.list_(
        pa.struct(
            [("price", pa.binary(16)), ("size", pa.binary(16)), ("count", pa.uint32()), ("order_id", pa.uint64())]
        )
    )
    level = {"price": UNIT.to_bytes(16, "little"), "size": INT128_MAX.to_bytes(16, "little"), "count": 1, "order_id": 7}
    row = {"bids": [], "asks": [], "flags": 0, "sequence": 1} | TIMES
    content = table("depth10", "v1-16", [row])
    content = content.select(["flags", "sequence", "ts_event", "ts_init"])
    for name in ("asks", "bids"):
        content = content.add_column(0, name, pa.array([[level]], kind))
    path = put_table(tmp_path, "data/order_book_depths/A.B/x.parquet", content)
    [found] = read(tmp_path, path, "depth10").to_dicts()
    assert found["bids"] == [{"price": UNIT, "size": INT128_MAX, "count": 1, "order_id": 7}]
