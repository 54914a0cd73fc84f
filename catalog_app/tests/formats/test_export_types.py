"""Exports of every data type: any frame that a store may hold comes back equal from its CSV and its Parquet file."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.formats.depth import MAX_LEVELS, DepthShape
from catalog_app.formats.errors import FormatError
from catalog_app.formats.export import export_frames, open_writer
from catalog_app.formats.export_columns import NAMES
from catalog_app.services.errors import JobCancelled
from catalog_app.store.decimals import parse_decimal
from catalog_app.store.schema import CANONICAL, LEVEL, PRICE_COLUMNS, SCALE, SIZE_COLUMNS
from catalog_app.tests.store.frames import frame, frames

PRICES, SIZES = 5, 3
TIMES = {"ts_event", "ts_init", "next_funding_ns"}


def export(fmt: str, path: Path, data_type: str, rows: pl.DataFrame, **options: Any) -> pl.DataFrame:
    """Write rows as the service does, and read the file as anybody would."""
    schema, batches = export_frames(fmt, data_type, rows.lazy(), lambda: None)
    with open_writer(
        fmt, path, data_type, price_precision=PRICES, size_precision=SIZES, schema=schema, **options
    ) as writer:
        for batch in batches:
            writer.write(batch)
    assert writer.rows == rows.height
    return pl.read_csv(path, infer_schema=False) if fmt == "csv" else pl.read_parquet(path)


def raw(column: pl.Expr) -> pl.Expr:
    """Decimal text, or a Decimal, as what a canonical frame holds."""
    return parse_decimal(column.cast(pl.String))


def coded(name: str) -> pl.Expr:
    codes = {text: code for code, text in NAMES[name].items()}
    return pl.col(name).replace_strict(codes, return_dtype=pl.UInt8)


def canonical(data_type: str, found: pl.DataFrame, level: Callable[[pl.DataFrame, str], pl.Series]) -> pl.DataFrame:
    """The canonical frame that an exported one stands for."""
    columns = []
    for name, kind in CANONICAL[data_type].items():
        column = pl.col(name)
        if name in {"bids", "asks"}:
            column = pl.lit(level(found, name)).alias(name)
        elif name in PRICE_COLUMNS[data_type] + SIZE_COLUMNS[data_type]:
            column = raw(column)
        elif name in NAMES and kind == pl.UInt8:
            column = coded(name)
        elif name in TIMES:
            column = column.cast(pl.Int64)
        elif kind == pl.Boolean:
            column = column.cast(pl.String).replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean)
        columns.append(column.cast(kind))
    return found.select(columns)


def flat_levels(found: pl.DataFrame, side: str) -> pl.Series:
    """bid_price_0, bid_size_0 … as lists again."""
    one = side.removesuffix("s")
    depth = sum(name.startswith(f"{one}_count_") for name in found.columns)
    has_ids = f"{one}_order_id_0" in found.columns
    levels = [
        pl.struct(
            raw(pl.col(f"{one}_price_{at}")).alias("price"),
            raw(pl.col(f"{one}_size_{at}")).alias("size"),
            pl.col(f"{one}_count_{at}").cast(pl.UInt32).alias("count"),
            (pl.col(f"{one}_order_id_{at}") if has_ids else pl.lit(0)).cast(pl.UInt64).alias("order_id"),
        )
        for at in range(depth)
    ]
    lists = pl.concat_list(levels).list.filter(pl.element().struct.field("count").is_not_null())
    return found.select(lists.cast(pl.List(LEVEL))).to_series()


def listed_levels(found: pl.DataFrame, side: str) -> pl.Series:
    level = pl.element().struct
    return found.select(
        pl.col(side).list.eval(
            pl.struct(
                raw(level.field("price")).alias("price"),
                raw(level.field("size")).alias("size"),
                level.field("count"),
                level.field("order_id"),
            )
        )
    ).to_series()


@pytest.mark.parametrize("data_type", CANONICAL)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_was_exported_is_what_there_was(
    data_type: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(frames(data_type, PRICES, SIZES, version="v2"))
    directory = tmp_path_factory.mktemp("types")
    text = export("csv", directory / "rows.csv", data_type, rows, timestamp_format="epoch_ns")
    table = export("parquet", directory / "rows.parquet", data_type, rows)
    assert canonical(data_type, text, flat_levels).equals(rows)
    assert canonical(data_type, table, listed_levels).equals(rows)


def book(*depths: tuple[int, int], order_id: int = 0) -> pl.DataFrame:
    """Rows with so many bids and asks."""
    rows = frame("depth10", list(range(len(depths))))
    sides = {
        side: [
            [{"price": (at + 1) * SCALE, "size": SCALE // 2, "count": 1, "order_id": order_id} for at in range(pair[n])]
            for pair in depths
        ]
        for n, side in enumerate(("bids", "asks"))
    }
    return rows.with_columns(pl.Series(side, levels, pl.List(LEVEL)) for side, levels in sides.items())


def test_a_csv_has_as_many_levels_as_the_rows(tmp_path: Path) -> None:
    found = export("csv", tmp_path / "d.csv", "depth10", book((1, 0), (2, 3)), timestamp_format="epoch_ns")
    assert found.columns == [
        "ts_event", "ts_init", "bid_price_0", "bid_price_1", "ask_price_0", "ask_price_1", "ask_price_2",
        "bid_size_0", "bid_size_1", "ask_size_0", "ask_size_1", "ask_size_2",
        "bid_count_0", "bid_count_1", "ask_count_0", "ask_count_1", "ask_count_2", "flags", "sequence",
    ]  # fmt: skip
    first, second = (
        tuple(row[name] for name in ("bid_price_1", "ask_size_0", "ask_price_2")) for row in found.to_dicts()
    )
    assert first == (None, None, None)
    assert second == ("2.00000", "0.500", "3.00000")


def test_order_ids_have_columns_only_where_there_are_some(tmp_path: Path) -> None:
    found = export("csv", tmp_path / "d.csv", "depth10", book((1, 1), order_id=2**64 - 1))
    assert found["bid_order_id_0"].to_list() == [str(2**64 - 1)]


def test_levels_are_lists_in_parquet(tmp_path: Path) -> None:
    found = export("parquet", tmp_path / "d.parquet", "depth10", book((0, 2)))
    assert found["bids"].to_list() == [[]]
    assert found["asks"][0].to_list()[1] == {
        "price": Decimal("2.00000"),
        "size": Decimal("0.500"),
        "count": 1,
        "order_id": 0,
    }


def test_a_book_that_is_too_deep_for_a_csv_is_refused(tmp_path: Path) -> None:
    rows = book((0, MAX_LEVELS + 1))
    with pytest.raises(FormatError, match="Export as Parquet"):
        export("csv", tmp_path / "d.csv", "depth10", rows)
    assert export("parquet", tmp_path / "d.parquet", "depth10", rows).height == 1


def test_no_level_is_dropped_when_rows_change_after_they_were_counted() -> None:
    shape = DepthShape.of([book((1, 1), (2, 1))])
    for rows in (book((3, 1)), book((1, 2)), book((1, 1), order_id=5)):
        with pytest.raises(FormatError, match="changed while they were exported"):
            shape.flat(rows)


def test_counting_levels_can_be_stopped() -> None:
    def stop() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        export_frames("csv", "depth10", book((1, 1)).lazy(), stop)


def test_parquet_refuses_to_round_a_level(tmp_path: Path) -> None:
    level = {"price": SCALE // 10**6, "size": SCALE, "count": 1, "order_id": 0}
    rows = book((1, 1)).with_columns(pl.Series("asks", [[level]], pl.List(LEVEL)))
    with pytest.raises(FormatError, match="asks price have more decimals"):
        export("parquet", tmp_path / "d.parquet", "depth10", rows)
    assert export("csv", tmp_path / "d.csv", "depth10", rows)["ask_price_0"].to_list() == ["0.000001"]


@pytest.mark.parametrize("fmt", ["csv", "parquet"])
def test_a_number_that_stands_for_no_name_is_kept(tmp_path: Path, fmt: str) -> None:
    rows = frame("delta", [1, 2]).with_columns(pl.Series("action", [4, 9], pl.UInt8))
    assert export(fmt, tmp_path / "d", "delta", rows)["action"].to_list() == ["CLEAR", "9"]


def test_times_of_funding_are_in_the_format_that_was_asked_for(tmp_path: Path) -> None:
    rows = frame("funding_rate", [1, 2]).with_columns(next_funding_ns=pl.Series([3, None], dtype=pl.Int64))
    found = export("csv", tmp_path / "f.csv", "funding_rate", rows)
    assert found["next_funding_ns"].to_list() == ["1970-01-01T00:00:00.000000003Z", None]
    table = export("parquet", tmp_path / "f.parquet", "funding_rate", rows)
    assert table.schema["next_funding_ns"] == pl.Datetime("ns", "UTC")


CUSTOM = pl.DataFrame(
    {
        "strength": [0.1 + 0.2, None],
        "note, short": ['a "b", c', ""],
        "side": pl.Series([1, 200], dtype=pl.UInt8),
        "blob": [b"\x00\xff", None],
        "kind": pl.Series(["x", None], dtype=pl.Categorical),
        "seen": pl.Series([datetime(2024, 1, 2, 3, tzinfo=UTC), None], dtype=pl.Datetime("ns", "UTC")),
        "held": pl.Series([timedelta(seconds=90), None], dtype=pl.Duration("ns")),
        "parts": [[{"n": 2**62, "raw": b"\x01", "m": [b"\x02", None]}, None], None],
        "exact": pl.Series([[Decimal("1.50")], []], dtype=pl.List(pl.Decimal(20, 2))),
        "ts_event": [1, 2],
        "ts_init": [1, 3],
    }
)


def test_custom_columns_are_text_in_a_csv(tmp_path: Path) -> None:
    first, second = export("csv", tmp_path / "c.csv", "custom", CUSTOM, timestamp_format="epoch_ns").to_dicts()
    assert (first["ts_event"], first["ts_init"], float(first["strength"])) == ("1", "1", 0.1 + 0.2)
    assert first["note, short"] == 'a "b", c'
    assert (first["side"], second["side"]) == ("1", "200")
    assert (first["blob"], first["kind"], first["held"]) == ("00ff", "x", "PT1M30S")
    assert first["seen"] == "2024-01-02T03:00:00.000000000Z"
    assert json.loads(first["parts"]) == [{"n": 2**62, "raw": "01", "m": ["02", None]}, None]
    assert (first["exact"], second["exact"], second["parts"], second["blob"]) == ('["1.50"]', "[]", None, None)


def test_custom_columns_keep_their_types_in_parquet(tmp_path: Path) -> None:
    found = export("parquet", tmp_path / "c.parquet", "custom", CUSTOM)
    kept = [name for name in CUSTOM.columns if name not in {"ts_event", "ts_init", "kind"}]
    assert found.select(kept).equals(CUSTOM.select(kept))
    assert found.select(kept).schema == CUSTOM.select(kept).schema
    assert found["kind"].to_list() == ["x", None]
    assert found.schema["ts_init"] == pl.Datetime("ns", "UTC")


def test_custom_data_without_an_event_time(tmp_path: Path) -> None:
    found = export("csv", tmp_path / "c.csv", "custom", CUSTOM.select("strength", "ts_init"))
    assert found.columns == ["ts_init", "strength"]
