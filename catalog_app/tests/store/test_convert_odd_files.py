"""Converting what is not as NautilusTrader writes it: mended on the way where that is safe, else told."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.conversion.convert import convert, plan_conversion
from catalog_app.store.instruments.building import write_instrument
from catalog_app.tests.store.conversions import QUOTES, contents, define, source, write_dataset
from catalog_app.tests.store.frames import INSTRUMENT, UNIT, frame
from catalog_app.tests.store.instrument_samples import read_v2_instruments, v1_sample
from catalog_app.tests.store.trees import put, tree

__all__ = ["source"]


def swap_rows(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(table.num_rows)))), path)


def test_rows_out_of_order_are_sorted(tmp_path: Path) -> None:
    rows = frame("quote", [1, 2, 9]).with_columns(bid_price=pl.Series([UNIT, 2 * UNIT, 3 * UNIT], dtype=pl.Int128))
    [path] = write_dataset(tmp_path / "v1", "quote", rows)
    swap_rows(tmp_path / "v1" / path)
    assert convert(tmp_path / "v1", tmp_path / "v2", "v2").skipped == ()
    [found] = contents(tmp_path / "v2").values()
    assert found.equals(rows)
    assert convert(tmp_path / "v1", tmp_path / "v2", "v2").resumed == 1


def overlapping(root: Path, second: list[int]) -> list[str]:
    """Two files that NautilusTrader would refuse to write."""
    paths = write_dataset(root, "quote", frame("quote", [1, 5]))
    paths += write_dataset(root.with_name("aside"), "quote", frame("quote", second, price=2 * UNIT))
    (root.with_name("aside") / paths[1]).rename(root / paths[1])
    return paths


@pytest.mark.parametrize(
    ("second", "times", "prices"),
    [
        ([3, 7], [1, 3, 5, 7], [1, 2, 1, 2]),
        ([2, 4], [1, 2, 4, 5], [1, 2, 2, 1]),
        ([5, 7], [1, 5, 5, 7], [1, 1, 2, 2]),  # of one time, the earlier file's rows come first
    ],
)
def test_overlapping_files_become_one(second: list[int], times: list[int], prices: list[int], tmp_path: Path) -> None:
    overlapping(tmp_path / "v1", second)
    report = convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert (report.files, report.rows, report.skipped) == (2, 4, ())
    assert len(tree(tmp_path / "v2")) == 1
    [found] = contents(tmp_path / "v2").values()
    assert found["ts_init"].to_list() == times
    assert found["bid_price"].to_list() == [price * UNIT for price in prices]


def test_more_than_can_be_sorted_is_left_to_a_repair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog_app.store.conversion.rows._SORTED_BYTES", 300)
    paths = overlapping(tmp_path / "v1", [3, 7])
    write_dataset(tmp_path / "v1", "quote", frame("quote", [10, 11]))
    report = convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert (report.files, report.rows) == (1, 2)
    assert [one.path for one in report.skipped] == sorted(paths)
    assert "sort the rows or split the overlaps in the source first" in report.skipped[0].reason


def test_overlapping_files_of_different_precision_are_left_out(tmp_path: Path) -> None:
    write_dataset(tmp_path / "v1", "quote", frame("quote", [1, 5]))
    [path] = write_dataset(tmp_path / "aside", "quote", frame("quote", [3, 7]), price_precision=5)
    (tmp_path / "aside" / path).rename(tmp_path / "v1" / path)
    report = convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert report.files == 0
    assert {one.reason.partition(" overlap ")[2] for one in report.skipped} == {
        "and declare different precisions: repair the source first"
    }


def test_files_that_cannot_be_converted_are_told_and_the_rest_is(source: Path, tmp_path: Path) -> None:
    put(source, "data/quote_tick/EURUSD.SIM/broken.parquet", "rubbish")
    put(source, "data/quote_tick/part-0.parquet", "rubbish")
    put(source, "data/equity/X.Y/a.parquet", "rubbish")
    [definition] = (source / "data/currency_pair/EURUSD.SIM").iterdir()
    table = pq.read_table(definition, partitioning=None)
    (source / "data/quote_tick/NONE.SIM").mkdir()
    quotes = pq.read_table(next((source / QUOTES).glob("1970*"))).replace_schema_metadata({"price_precision": "4"})
    pq.write_table(quotes, source / "data/quote_tick/NONE.SIM/a.parquet")
    (source / "data/currency_pair/BAD.SIM").mkdir()
    at = table.schema.get_field_index("price_increment")
    bad = table.set_column(at, "price_increment", pa.array(["1.5"])).set_column(0, "id", pa.array(["BAD.SIM"]))
    pq.write_table(bad, source / "data/currency_pair/BAD.SIM/a.parquet")
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.rows) == (6, 11)
    reasons = {one.path: one.reason for one in report.skipped}
    assert "Parquet" in reasons["data/quote_tick/EURUSD.SIM/broken.parquet"]
    assert "directly in data/quote_tick" in reasons["data/quote_tick/part-0.parquet"]
    assert "Parquet" in reasons["data/equity/X.Y/a.parquet"]
    assert "whose data it is" in reasons["data/quote_tick/NONE.SIM/a.parquet"]
    assert "price_increment" in reasons["data/currency_pair/BAD.SIM/a.parquet"]
    assert len(reasons) == 5


def test_a_store_of_both_layouts_becomes_one(tmp_path: Path) -> None:
    write_dataset(tmp_path / "mixed", "quote", frame("quote", [1, 2]))
    write_dataset(tmp_path / "mixed", "quote", frame("quote", [7, 9]), version="v2")
    write_dataset(tmp_path / "mixed", "quote", frame("quote", [2, 3]), version="v2")
    report = convert(tmp_path / "mixed", tmp_path / "v2", "v2")
    # The file of the other directory that shares a time is told, and the rest is there.
    assert [one.reason.partition(" overlaps ")[1] for one in report.skipped] == [" overlaps "]
    assert report.rows == 4
    assert len({path.rpartition("/")[0] for path in tree(tmp_path / "v2")}) == 1


def test_definitions_of_one_time_in_two_files_become_one_file(tmp_path: Path, requires_v2: None) -> None:
    source = tmp_path / "v1"
    source.mkdir()
    define(source, INSTRUMENT)
    [definition] = (source / "data/currency_pair/EURUSD.SIM").iterdir()
    table = pq.read_table(definition, partitioning=None)
    at = table.schema.get_field_index("lot_size")
    pq.write_table(table.set_column(at, "lot_size", pa.array(["1000"])), definition.with_name("a.parquet"))
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.rows, report.skipped) == (2, 2, ())
    assert len(tree(tmp_path / "v2")) == 1
    assert sorted(str(one["lot_size"]) for one in read_v2_instruments(tmp_path / "v2")) == ["1000", "None"]


def test_what_a_definition_loses_is_told_before_and_after(tmp_path: Path) -> None:
    source = tmp_path / "v1"
    source.mkdir()
    with Transaction(source, "test", "d") as tx:
        write_instrument(tx, v1_sample("currency_pair", full=True))
        tx.commit()
    expected = (
        "FCurrencyPair/X.SIM: maker_fee -0.00025 is kept in info",
        "FCurrencyPair/X.SIM: taker_fee 0.0000001 is kept in info",
    )
    assert plan_conversion(source, tmp_path / "v2", "v2").losses == expected
    assert convert(source, tmp_path / "v2", "v2").losses == expected
    assert convert(tmp_path / "v2", tmp_path / "back", "v1").losses == ()


def test_a_page_that_is_damaged_is_told(tmp_path: Path) -> None:
    bad, good = write_dataset(tmp_path / "v1", "quote", frame("quote", [1, 2]), frame("quote", [7, 9]))
    content = bytearray((tmp_path / "v1" / bad).read_bytes())
    content[10:60] = b"\xff" * 50
    (tmp_path / "v1" / bad).write_bytes(bytes(content))
    report = convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert [one.path for one in report.skipped] == [bad]
    assert report.rows == 2
    assert [path.rpartition("/")[2] for path in tree(tmp_path / "v2")] == [good.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("path", "to", "copied"),
    [
        ("data/custom_my_data/a.parquet", "v1", True),
        ("data/custom_my_data/EURUSD.SIM/a.parquet", "v1", True),
        ("data/custom_my_data/a.parquet", "v2", False),
    ],
)
def test_custom_data_is_copied_within_its_version(path: str, to: Any, copied: bool, tmp_path: Path) -> None:
    put(tmp_path / "from", path, "")
    pq.write_table(pa.table({"x": [1, 2], "ts_init": pa.array([1, 2], pa.uint64())}), tmp_path / "from" / path)
    report = convert(tmp_path / "from", tmp_path / "to", to)
    if copied:
        assert tree(tmp_path / "to") == tree(tmp_path / "from")
        assert (report.files, report.rows, report.skipped) == (1, 2, ())
    else:
        assert report.files == 0
        assert "write it anew" in report.skipped[0].reason


def test_a_name_that_promises_more_than_the_rows_is_noted(tmp_path: Path) -> None:
    [path] = write_dataset(tmp_path / "v1", "quote", frame("quote", [1, 2]))
    name = "1970-01-01T00-00-00-000000001Z_1970-01-02T00-00-00-000000000Z.parquet"
    (tmp_path / "v1" / path).rename((tmp_path / "v1" / path).with_name(name))
    report = convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert report.losses == (
        f"{QUOTES}/{name}: its name promises a longer time than its rows have; the new name does not",
    )
