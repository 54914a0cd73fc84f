"""Exports: exact, readable, and importable again without help."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.formats.delimited import detect
from catalog_app.formats.errors import FormatError
from catalog_app.formats.export import file_extension, open_writer
from catalog_app.store.schema import CANONICAL, SCALE_DIGITS
from catalog_app.tests.formats.files import JANUARY_2, parse, raw

MAX_NS = (2**63 - 1) // 10**9 * 10**9 - 10**9


def quote_frame(*rows: tuple[int, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CANONICAL["quote"], orient="row")


QUOTE = quote_frame((*raw("1.1", "1.10002", "1000000", "500000"), JANUARY_2 + 123_456_789, JANUARY_2 + 10**9))
TRADE = pl.DataFrame(
    [(*raw("8531.5", "0.25"), 2, "id-1", JANUARY_2, JANUARY_2)], schema=CANONICAL["trade"], orient="row"
)


def test_csv_is_exact_text_with_a_header(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    with open_writer("csv", path, "quote", price_precision=5, size_precision=0) as writer:
        writer.write(QUOTE)
        writer.write(QUOTE.clear())
    assert writer.rows == 1
    assert path.read_text() == (
        "ts_event,ts_init,bid_price,ask_price,bid_size,ask_size\n"
        "2024-01-02T00:00:00.123456789Z,2024-01-02T00:00:01.000000000Z,1.10000,1.10002,1000000,500000\n"
    )


def test_csv_with_epochs_and_names_of_sides(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with open_writer("csv", path, "trade", price_precision=1, size_precision=2, timestamp_format="epoch_ns") as writer:
        writer.write(TRADE)
    assert path.read_text().splitlines()[1] == f"{JANUARY_2},{JANUARY_2},8531.5,0.25,SELLER,id-1"


def test_csv_shows_every_decimal_of_a_value_finer_than_its_precision(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    with open_writer("csv", path, "quote", price_precision=1, size_precision=0) as writer:
        writer.write(QUOTE)
    assert path.read_text().splitlines()[1].endswith(",1.1,1.10002,1000000,500000")


def test_gzip_exports_of_equal_rows_are_equal_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"]
    for path in paths:
        with open_writer("csv", path, "quote", price_precision=5, size_precision=0, compression="gzip") as writer:
            writer.write(QUOTE)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert gzip.decompress(paths[0].read_bytes()).startswith(b"ts_event,")


def test_parquet_has_decimals_and_utc_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    metadata = {"instrument_id": "XBTUSD.BITMEX", "bar_type": ""}
    with open_writer("parquet", path, "trade", price_precision=1, size_precision=2, metadata=metadata) as writer:
        writer.write(TRADE)
        writer.write(TRADE)
    table = pq.read_table(path)
    assert table.schema.field("price").type == pa.decimal128(38, 1)
    assert table.schema.field("size").type == pa.decimal128(38, 2)
    assert table.schema.field("ts_event").type == pa.timestamp("ns", tz="UTC")
    assert table.schema.metadata[b"instrument_id"] == b"XBTUSD.BITMEX"
    row = table.drop_columns(["ts_init", "ts_event"]).to_pylist()[1]
    assert row == {"price": Decimal("8531.5"), "size": Decimal("0.25"), "aggressor_side": "SELLER", "trade_id": "id-1"}
    assert table["ts_event"].cast(pa.int64()).to_pylist() == [JANUARY_2] * 2
    assert writer.rows == 2


def test_parquet_keeps_undefined_values_and_an_empty_export(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    with open_writer("parquet", path, "quote", price_precision=5, size_precision=0) as writer:
        writer.write(quote_frame((None, *raw("1.1", "1"), None, 0, MAX_NS)))  # type: ignore[arg-type]
    row = pq.read_table(path).to_pylist()[0]
    assert (row["bid_price"], row["ask_price"], row["ask_size"]) == (None, Decimal("1.10000"), None)
    with open_writer("parquet", path, "quote", price_precision=5, size_precision=0):
        pass
    assert pq.read_table(path).num_rows == 0


def test_parquet_refuses_to_round(tmp_path: Path) -> None:
    with (
        open_writer("parquet", tmp_path / "q.parquet", "quote", price_precision=4, size_precision=0) as writer,
        pytest.raises(FormatError, match="ask_price have more decimals"),
    ):
        writer.write(QUOTE)


@pytest.mark.parametrize(
    ("fmt", "options"),
    [("xlsx", {}), ("csv", {"compression": "zstd"}), ("parquet", {"compression": "lzw"}),
     ("csv", {"timestamp_format": "words"})],
)  # fmt: skip
def test_unknown_formats_are_refused(tmp_path: Path, fmt: str, options: dict[str, str]) -> None:
    path = tmp_path / "x"
    with pytest.raises(FormatError, match="Choose"):
        open_writer(fmt, path, "quote", price_precision=5, size_precision=0, **options)
    assert not path.exists()


def test_extensions() -> None:
    assert [file_extension("csv"), file_extension("csv", "gzip"), file_extension("parquet", "zstd")] == [
        ".csv",
        ".csv.gz",
        ".parquet",
    ]


@st.composite
def frames(draw: st.DrawFn) -> tuple[str, int, int, pl.DataFrame]:
    data_type = draw(st.sampled_from(["quote", "trade", "bar"]))
    price_precision, size_precision = draw(st.integers(0, SCALE_DIGITS)), draw(st.integers(0, SCALE_DIGITS))
    price = st.integers(-(10**12), 10**12).map(lambda ticks: ticks * 10 ** (SCALE_DIGITS - price_precision))
    size = st.integers(1, 10**12).map(lambda ticks: ticks * 10 ** (SCALE_DIGITS - size_precision))
    time = st.integers(0, MAX_NS)
    trade_id = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=36)
    if data_type == "quote":
        row = st.tuples(price, price, size, size, time, time)
    elif data_type == "trade":
        row = st.tuples(price, size, st.integers(0, 2), trade_id, time, time)
    else:
        prices = st.tuples(price, price, price, price).map(sorted)
        row = st.tuples(prices, size, time, time).map(lambda b: (b[0][1], b[0][3], b[0][0], b[0][2], *b[1:]))
    rows = draw(st.lists(row, min_size=1, max_size=12))
    return data_type, price_precision, size_precision, pl.DataFrame(rows, schema=CANONICAL[data_type], orient="row")


@settings(max_examples=150, deadline=None)
@given(
    case=frames(), timestamp_format=st.sampled_from(["iso", "epoch_ns"]), compression=st.sampled_from(["none", "gzip"])
)
def test_an_exported_csv_imports_to_equal_frames_without_help(
    tmp_path_factory: pytest.TempPathFactory,
    case: tuple[str, int, int, pl.DataFrame],
    timestamp_format: str,
    compression: str,
) -> None:
    data_type, price_precision, size_precision, frame = case
    if timestamp_format == "epoch_ns" and frame.select(pl.min_horizontal(pl.col("^ts_.*$").min())).item() < 10**18:
        # Epochs before 2001 have fewer digits than the unit is known by.
        timestamp_format = "iso"
    path = tmp_path_factory.mktemp("export") / "export"
    with open_writer(
        "csv",
        path,
        data_type,
        price_precision=price_precision,
        size_precision=size_precision,
        compression=compression,
        timestamp_format=timestamp_format,
    ) as writer:
        writer.write(frame)
    found = detect(path)
    assert (found.data_type, found.stamp) == (data_type, "close")
    accepted, rejected, _ = parse(
        path,
        found.to_mapping(),
        price_precision=price_precision,
        size_precision=size_precision,
        negative_prices_allowed=True,
    )
    assert rejected.rows() == []
    assert accepted.equals(frame)


def test_the_last_instant_is_written_in_full(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    with open_writer("csv", path, "quote", price_precision=0, size_precision=0) as writer:
        writer.write(quote_frame((*raw("1", "1", "1", "1"), 0, MAX_NS + 999_999_999)))
    year = datetime.fromtimestamp(MAX_NS // 10**9, UTC).year
    assert f"1970-01-01T00:00:00.000000000Z,{year}-" in path.read_text()
