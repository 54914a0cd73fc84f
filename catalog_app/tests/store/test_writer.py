"""What we write is what NautilusTrader 1.231.0 writes, and it reads it back equal."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_app.store.errors import InvalidRows, Overlap, UnsortedRows
from catalog_app.store.journal import Transaction
from catalog_app.store.layout import dataset_path, format_file_name
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL, PRICE_COLUMNS, PRICE_MAX_RAW, QUANTITY_MAX_RAW, SIZE_COLUMNS
from catalog_app.store.writer import ROW_GROUP_ROWS, DatasetWriter, arrow_schema
from catalog_app.tests.store.frames import BAR_TYPE, INSTRUMENT, UNIT, frame, frames, write
from catalog_app.tests.store.trees import leftovers, put, tree
from catalog_app.tests.store.upstream import records

TYPES = ("quote", "trade", "bar")


def expected(one: pl.DataFrame, data_type: str, owner: str, price_precision: int, size_precision: int) -> list[Any]:
    """The records that the upstream judge must print for a frame."""
    decimals = [name for name in CANONICAL[data_type] if name in PRICE_COLUMNS[data_type] + SIZE_COLUMNS[data_type]]
    found = []
    for row in one.iter_rows(named=True):
        values: list[Any] = [
            [row[name], price_precision if name in PRICE_COLUMNS[data_type] else size_precision] for name in decimals
        ]
        if data_type == "trade":
            values += [row["aggressor_side"], row["trade_id"]]
        found.append([owner, values, row["ts_event"], row["ts_init"]])
    return found


@pytest.mark.parametrize("data_type", TYPES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_real_catalog_returns_equal_records_at_every_precision(
    data_type: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("store")
    want, written = [], {}
    with Transaction(root, "test", "d") as tx:
        for precision in range(17):
            instrument_id = f"P/{precision:02}.SIM"
            bar_type = f"{instrument_id}-1-MINUTE-BID-EXTERNAL" if data_type == "bar" else None
            precisions = {"price_precision": precision, "size_precision": 16 - precision}
            one = data.draw(frames(data_type, **precisions))
            writer = DatasetWriter(tx, data_type, instrument_id, bar_type=bar_type, **precisions)
            writer.write(one)
            [path] = writer.finish()
            name = format_file_name(one["ts_init"][0], one["ts_init"][-1])
            assert path == f"{dataset_path(data_type, bar_type or instrument_id)}/{name}"
            written[path] = one
            want += expected(one, data_type, bar_type or instrument_id, **precisions)
        tx.commit()
    for path, one in written.items():
        assert scan(root, [path], data_type).collect(engine="streaming").equals(one)

    def by_owner(record: list[Any]) -> tuple[str, str]:
        return record[0], repr(record)

    assert sorted(records(root, data_type), key=by_owner) == sorted(want, key=by_owner)


def test_the_real_catalog_reads_large_row_groups_in_order(tmp_path: Path) -> None:
    rows = ROW_GROUP_ROWS + 40_000
    time = pl.int_range(0, rows, eager=True)
    raw = ((time * 7919 % 1_000_003) * 10**11).cast(pl.Int128)
    one = pl.DataFrame([raw.alias(n) if t == pl.Int128 else time.alias(n) for n, t in CANONICAL["quote"].items()])
    committed = write(tmp_path, "quote", one.head(5), one.slice(5, 100_000), one.slice(100_005), price_precision=5)

    [file] = committed.files_after
    metadata = pq.read_metadata(tmp_path / file.path)
    assert file.rows == rows
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [ROW_GROUP_ROWS, 40_000]
    assert {metadata.row_group(0).column(n).compression for n in range(6)} == {"ZSTD"}
    found = records(tmp_path, "quote", INSTRUMENT)
    assert [record[3] for record in found] == time.to_list()
    assert [record[1][0][0] for record in found] == raw.to_list()


@pytest.mark.parametrize("data_type", TYPES)
def test_schema_metadata_and_name_are_those_of_upstream(data_type: str, tmp_path: Path) -> None:
    from nautilus_trader.model.data import Bar, BarType, QuoteTick, TradeTick
    from nautilus_trader.model.enums import AggressorSide
    from nautilus_trader.model.identifiers import InstrumentId, TradeId
    from nautilus_trader.model.objects import Price, Quantity
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    price, size, owner = Price.from_str("1.00000"), Quantity.from_str("1.00"), InstrumentId.from_str(INSTRUMENT)
    record = {
        "quote": lambda: QuoteTick(owner, price, price, size, size, 7, 8),
        "trade": lambda: TradeTick(owner, price, size, AggressorSide.BUYER, TradeId("t"), 7, 8),
        "bar": lambda: Bar(BarType.from_str(BAR_TYPE), price, price, price, price, size, 7, 8),
    }[data_type]()
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    ours.mkdir()
    ParquetDataCatalog(theirs).write_data([record])
    one = frame(data_type, [8]).with_columns(ts_event=pl.lit(7, pl.Int64))
    write(ours, data_type, one, price_precision=5, size_precision=2)

    [path] = tree(theirs)
    assert list(tree(ours)) == [path]
    assert pq.read_schema(ours / path).equals(pq.read_schema(theirs / path), check_metadata=True)
    assert pq.read_table(ours / path, partitioning=None).equals(pq.read_table(theirs / path, partitioning=None))


def test_all_columns_are_never_null() -> None:
    for data_type in TYPES:
        bar_type = BAR_TYPE if data_type == "bar" else None
        assert not any(field.nullable for field in arrow_schema(data_type, INSTRUMENT, bar_type, 5, 0))


@pytest.mark.parametrize(
    ("data_type", "column", "value", "wrong"),
    [
        ("quote", "bid_price", None, "bid_price is empty"),
        ("quote", "ask_size", -1, "ask_size is outside"),
        ("quote", "ask_size", QUANTITY_MAX_RAW + UNIT, "ask_size is outside"),
        ("quote", "ask_price", PRICE_MAX_RAW + UNIT, "ask_price is outside"),
        ("quote", "bid_price", -PRICE_MAX_RAW - UNIT, "bid_price is outside"),
        ("quote", "bid_price", -(2**127), "bid_price is outside"),
        ("quote", "bid_price", UNIT + 1, "bid_price needs more decimals"),
        ("quote", "ts_event", None, "ts_event is empty"),
        ("quote", "ts_event", -1, "ts_event is empty or before 1970"),
        ("trade", "size", UNIT // 1000, "size needs more decimals"),
        ("trade", "aggressor_side", 3, "aggressor_side"),
        ("trade", "aggressor_side", None, "aggressor_side"),
        ("trade", "trade_id", "", "trade_id"),
        ("trade", "trade_id", "   ", "trade_id"),
        ("trade", "trade_id", "x" * 37, "trade_id"),
        ("trade", "trade_id", "é", "trade_id"),
        ("trade", "trade_id", None, "trade_id"),
        ("bar", "volume", None, "volume is empty"),
        ("bar", "low", None, "low is empty"),
    ],
)
def test_rows_that_upstream_cannot_read_are_refused(
    tmp_path: Path, data_type: str, column: str, value: object, wrong: str
) -> None:
    good = frame(data_type, [1, 2, 3])
    bad = pl.DataFrame(
        [*good.rows()[:2], tuple(value if n == column else v for n, v in good.row(2, named=True).items())],
        schema=CANONICAL[data_type],
        orient="row",
    )
    with pytest.raises(InvalidRows, match=wrong) as caught:
        write(tmp_path, data_type, good.head(1), bad.slice(1), price_precision=5, size_precision=2)
    assert "row 2:" in str(caught.value)
    assert tree(tmp_path) == {}
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("times", [[[2, 1]], [[1, 5], [4, 6]]])
def test_unsorted_rows_are_refused_within_and_across_batches(tmp_path: Path, times: list[list[int]]) -> None:
    with pytest.raises(UnsortedRows, match="sorted by ts_init"):
        write(tmp_path, "quote", *(frame("quote", batch) for batch in times))
    assert tree(tmp_path) == {}


def test_equal_times_are_kept_in_their_order(tmp_path: Path) -> None:
    one = pl.concat([frame("quote", [5, 5], price=UNIT), frame("quote", [5], price=2 * UNIT)])
    committed = write(tmp_path, "quote", one)
    assert scan(tmp_path, [committed.files_after[0].path], "quote").collect().equals(one)


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    assert write(tmp_path, "bar", frame("bar", [])).files_after == []
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("change", [lambda f: f.drop("ts_event"), lambda f: f.cast({"bid_price": pl.Int64})])
def test_other_columns_are_refused(tmp_path: Path, change: Any) -> None:
    with pytest.raises(InvalidRows, match="columns must be"):
        write(tmp_path, "quote", change(frame("quote", [1])))


@pytest.mark.parametrize(
    "terms",
    [
        {"data_type": "delta"},
        {"instrument_id": "EURUSD"},
        {"price_precision": 17},
        {"size_precision": -1},
        {"bar_type": BAR_TYPE},
        {"data_type": "bar"},
        {"data_type": "bar", "bar_type": "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL"},
        {"data_type": "bar", "bar_type": "EUR/USD.SIM-1-MINUTE"},
    ],
)
def test_wrong_identities_are_refused(tmp_path: Path, terms: dict[str, Any]) -> None:
    good = {"data_type": "quote", "instrument_id": INSTRUMENT, "price_precision": 5, "size_precision": 0}
    arguments = good | terms
    with Transaction(tmp_path, "test", "d") as tx, pytest.raises(ValueError, match=r"\w"):
        DatasetWriter(tx, arguments.pop("data_type"), arguments.pop("instrument_id"), **arguments)


@pytest.mark.parametrize(
    ("times", "free"),
    [([20, 30], False), ([1, 10], False), ([12, 13], False), ([1, 99], False), ([21, 30], True), ([1, 9], True)],
)
def test_intervals_must_not_touch_as_upstream_has_it(tmp_path: Path, times: list[int], free: bool) -> None:
    from nautilus_trader.persistence.catalog.parquet import _are_intervals_disjoint

    assert _are_intervals_disjoint(sorted([(10, 20), (times[0], times[-1])])) == free
    write(tmp_path, "quote", frame("quote", [10, 20]))
    if free:
        write(tmp_path, "quote", frame("quote", times))
        assert len(tree(tmp_path)) == 2
    else:
        with pytest.raises(Overlap, match="overlaps 1970-01-01T00-00-00-000000010Z"):
            write(tmp_path, "quote", frame("quote", times))
        assert len(tree(tmp_path)) == 1


def test_a_file_that_leaves_does_not_overlap(tmp_path: Path) -> None:
    [old] = write(tmp_path, "quote", frame("quote", [10, 20])).files_after
    write(tmp_path, "quote", frame("quote", [15, 30]), remove=(old.path,))
    assert [path.rsplit("/", 1)[1] for path in tree(tmp_path)] == [format_file_name(15, 30)]


def test_rows_count_where_a_name_lies(tmp_path: Path) -> None:
    [old] = write(tmp_path, "quote", frame("quote", [10, 20])).files_after
    (tmp_path / old.path).rename((tmp_path / old.path).with_name(format_file_name(500, 600)))
    for times in ([15], [550]):
        with pytest.raises(Overlap):
            write(tmp_path, "quote", frame("quote", times))
    write(tmp_path, "quote", frame("quote", [700]))


def test_an_unreadable_neighbour_counts_by_its_name(tmp_path: Path) -> None:
    directory = dataset_path("quote", INSTRUMENT)
    put(tmp_path, f"{directory}/{format_file_name(10, 20)}", "rubbish")
    put(tmp_path, f"{directory}/part-0.parquet", "rubbish")
    with pytest.raises(Overlap):
        write(tmp_path, "quote", frame("quote", [15]))
    write(tmp_path, "quote", frame("quote", [30]))


def test_two_files_of_one_operation_must_be_disjoint_too(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        for times, free in (([1, 5], True), ([6, 9], True), ([5], False)):
            writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
            writer.write(frame("quote", times))
            if free:
                assert len(writer.finish()) == 1
            else:
                with pytest.raises(Overlap, match="writes too"):
                    writer.finish()
        tx.commit()
    assert len(tree(tmp_path)) == 2


def test_of_two_overlapping_writers_the_later_commit_is_refused(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as first, Transaction(tmp_path, "test", "d") as second:
        for tx, times in ((first, [1, 5]), (second, [3, 9])):
            writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
            writer.write(frame("quote", times))
            writer.finish()
        first.commit()
        with pytest.raises(Overlap):
            second.commit()
    assert len(tree(tmp_path)) == 1
    assert leftovers(tmp_path) == []


def test_a_finished_writer_takes_no_more(tmp_path: Path) -> None:
    with Transaction(tmp_path, "test", "d") as tx:
        writer = DatasetWriter(tx, "quote", INSTRUMENT, price_precision=5, size_precision=0)
        writer.finish()
        with pytest.raises(InvalidRows, match="finished"):
            writer.write(frame("quote", [1]))
