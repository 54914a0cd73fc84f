"""What detect() sees in vendors' files."""

from pathlib import Path

import pytest

from catalog_app.formats.delimited import detect, preview
from catalog_app.tests.formats.files import BAR_HEADER, BAR_ROWS, BARS, MINUTE_NS, parse, write, write_gzip, write_zip

CASES = {
    "plain bars": (
        BAR_HEADER + BAR_ROWS,
        "bar",
        {name: name for name in ("timestamp", "open", "high", "low", "close", "volume")},
        "iso",
    ),
    "MetaTrader 5": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t00:00:00\t1.1\t1.2\t1.0\t1.1\t10\t0\t5\n2024.01.02\t00:01:00\t1.1\t1.2\t1.0\t1.1\t11\t0\t5\n",
        "bar",
        {
            "date": "<DATE>",
            "time": "<TIME>",
            "open": "<OPEN>",
            "high": "<HIGH>",
            "low": "<LOW>",
            "close": "<CLOSE>",
            "volume": "<VOL>",
        },
        "%Y.%m.%d %H:%M:%S",
    ),
    "MetaTrader 4, no header": (
        "2024.01.02,00:00,1.1,1.2,1.0,1.1,10\n2024.01.02,00:01,1.1,1.2,1.0,1.1,11\n",
        "bar",
        {"date": 0, "time": 1, "open": 2, "high": 3, "low": 4, "close": 5, "volume": 6},
        "%Y.%m.%d %H:%M",
    ),
    "HistData M1": (
        "20240102 000000;1.1;1.2;1.0;1.1;0\n20240102 000100;1.1;1.2;1.0;1.1;0\n",
        "bar",
        {"timestamp": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5},
        "%Y%m%d %H%M%S",
    ),
    "HistData ticks": (
        "20240102 000000123,1.10000,1.10010,0\n20240102 000001456,1.10001,1.10011,0\n",
        "quote",
        {"timestamp": 0, "bid_price": 1, "ask_price": 2},
        "%Y%m%d %H%M%S%3f",
    ),
    "TrueFX": (
        "EUR/USD,20240102 00:00:00.123,1.10000,1.10010\nEUR/USD,20240102 00:00:01.456,1.10001,1.10011\n",
        "quote",
        {"timestamp": 1, "bid_price": 2, "ask_price": 3},
        "%Y%m%d %H:%M:%S%.f",
    ),
    "Dukascopy bars": (
        "Gmt time,Open,High,Low,Close,Volume\n02.01.2024 00:00:00.000,1.1,1.2,1.0,1.1,10.5\n"
        "02.01.2024 00:01:00.000,1.1,1.2,1.0,1.1,10.5\n",
        "bar",
        {"timestamp": "Gmt time", "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"},
        "%d.%m.%Y %H:%M:%S%.f",
    ),
    "Binance futures klines": (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,"
        "ignore\n1704153600000,1.1,1.2,1.0,1.1,5,1704153659999,5,1,1,1,0\n",
        "bar",
        {"timestamp": "open_time", "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"},
        "epoch_ms",
    ),
    "Binance klines in microseconds": (
        "1735689600000000,1.1,1.2,1.0,1.1,5,1735689659999999,5,1,1,1,0\n"
        "1735689660000000,1.1,1.2,1.0,1.1,5,1735689719999999,5,1,1,1,0\n",
        "bar",
        {"timestamp": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5},
        "epoch_us",
    ),
    "Binance trades": (
        "1,1.1,5,5.5,1704153600000,true,true\n2,1.1,5,5.5,1704153600001,false,true\n",
        "trade",
        {"trade_id": 0, "price": 1, "size": 2, "timestamp": 4, "is_buyer_maker": 5},
        "epoch_ms",
    ),
    "Tardis trades": (
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "bitmex,XBTUSD,1583020803145000,1583020803307160,abc,sell,8531.5,2152\n",
        "trade",
        {
            "timestamp": "timestamp",
            "ts_init": "local_timestamp",
            "price": "price",
            "size": "amount",
            "aggressor_side": "side",
            "trade_id": "id",
        },
        "epoch_us",
    ),
    "a preamble before the header": (
        "https://www.example.com\nunix,date,symbol,open,high,low,close,Volume BTC\n"
        "1704153600,2024-01-02 00:00:00,BTC,1.1,1.2,1.0,1.1,5\n1704153660,2024-01-02 00:01:00,BTC,1.1,1.2,1.0,1.1,5\n",
        "bar",
        {"timestamp": "unix", "open": "open", "high": "high", "low": "low", "close": "close"},
        "epoch_s",
    ),
    "decimal commas": (
        "Date;Time;Open;High;Low;Close\n02.01.2024;00:00;1,1;1,2;1,0;1,1\n02.01.2024;00:01;1,1;1,2;1,0;1,1\n",
        "bar",
        {"date": "Date", "time": "Time", "open": "Open", "high": "High", "low": "Low", "close": "Close"},
        "%d.%m.%Y %H:%M",
    ),
    "spaces": (
        "2024-01-02 00:00:00 1.1 1.2 1.0 1.1\n2024-01-02 00:01:00 1.1 1.2 1.0 1.1\n",
        "bar",
        {"date": 0, "time": 1, "open": 2, "high": 3, "low": 4, "close": 5},
        "iso",
    ),
    "pipes": (
        "ts|bid|ask|bid_size|ask_size\n2024-01-02T00:00:00Z|1.1|1.2|5|6\n",
        "quote",
        {"timestamp": "ts", "bid_price": "bid", "ask_price": "ask", "bid_size": "bid_size", "ask_size": "ask_size"},
        "iso",
    ),
}


@pytest.mark.parametrize(("text", "data_type", "mapping", "time_format"), CASES.values(), ids=CASES.keys())
def test_vendors_files_are_mapped_and_parse_whole(
    tmp_path: Path, text: str, data_type: str, mapping: dict[str, str | int], time_format: str
) -> None:
    path = write(tmp_path, text)
    found = detect(path, "vendor.csv")
    assert (found.data_type, found.mapping, found.time_format) == (data_type, mapping, time_format)
    chosen = found.to_mapping(interval_ns=found.interval_ns or MINUTE_NS)
    accepted, rejected, stats = parse(path, chosen, size_precision=1)
    assert rejected.is_empty()
    assert accepted.height == stats.lines == found.rows_estimate


def test_interval_and_precision_of_bars(tmp_path: Path) -> None:
    found = detect(write(tmp_path, BAR_HEADER + BAR_ROWS))
    assert found.interval_ns == MINUTE_NS
    assert (found.price_precision, found.size_precision) == (4, 0)
    assert found.stamp == "open"
    assert found.column_types == ["time", "number", "number", "number", "number", "number"]
    assert len(found.sample_rows) == 3


def test_histdata_times_are_est_without_daylight_saving(tmp_path: Path) -> None:
    path = write(tmp_path, CASES["HistData ticks"][0])
    found = detect(path)
    assert found.timezone == "UTC-05:00"
    accepted, _, _ = parse(path, found.to_mapping())
    assert accepted["ts_event"][0] == 1_704_153_600_123_000_000 + 5 * 3_600 * 10**9


@pytest.mark.parametrize(
    ("dates", "form", "warned"),
    [
        (("01/13/2024 00:00:00", "01/14/2024 00:00:00"), "%m/%d/%Y %H:%M:%S", False),
        (("13/01/2024 00:00:00", "14/01/2024 00:00:00"), "%d/%m/%Y %H:%M:%S", False),
        (("01/02/2024 00:00:00", "01/03/2024 00:00:00"), "%m/%d/%Y %H:%M:%S", True),
    ],
)
def test_month_and_day_are_told_apart_or_warned_about(
    tmp_path: Path, dates: tuple[str, str], form: str, warned: bool
) -> None:
    found = detect(write(tmp_path, "time,bid,ask\n" + "".join(f"{date},1.1,1.2\n" for date in dates)))
    assert found.time_format == form
    assert any("month" in warning for warning in found.warnings) is warned


@pytest.mark.parametrize(
    ("epoch", "form"),
    [
        ("1704153600", "epoch_s"),
        ("1704153600.25", "epoch_s"),
        ("1704153600000", "epoch_ms"),
        ("1704153600000000", "epoch_us"),
        ("1704153600000000000", "epoch_ns"),
    ],
)
def test_epoch_units_by_magnitude(tmp_path: Path, epoch: str, form: str) -> None:
    assert detect(write(tmp_path, f"time,bid,ask\n{epoch},1.1,1.2\n")).time_format == form


def test_monthly_bars_have_no_interval(tmp_path: Path) -> None:
    rows = "".join(f"2024-{month:02}-01,1,2,1,1\n" for month in range(1, 7))
    found = detect(write(tmp_path, "Date,Open,High,Low,Close\n" + rows))
    assert found.interval_ns is None
    assert any("interval" in warning for warning in found.warnings)


def test_book_updates_are_not_taken_for_trades(tmp_path: Path) -> None:
    found = detect(write(tmp_path, "timestamp,is_snapshot,side,price,amount\n1585699200245000,true,ask,6421.5,18640\n"))
    assert found.data_type is None
    assert found.warnings


def test_compressed_files_are_seen_through(tmp_path: Path) -> None:
    plain = detect(write(tmp_path, BAR_HEADER + BAR_ROWS))
    packed = detect(write_gzip(tmp_path, BAR_HEADER + BAR_ROWS))
    zipped = detect(write_zip(tmp_path, {"bars.csv": BAR_HEADER + BAR_ROWS}))
    assert (plain.compression, packed.compression, zipped.compression) == ("none", "gzip", "zip")
    assert plain.mapping == packed.mapping == zipped.mapping
    assert parse(tmp_path / "file.zip", zipped.to_mapping())[0].equals(
        parse(tmp_path / "file.csv", plain.to_mapping())[0]
    )


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("latin-1", "latin-1")],
)
def test_encodings(tmp_path: Path, codec: str, encoding: str) -> None:
    text = "Zeit,time,bid,ask\n" + "fr\u00fch,2024-01-02 00:00:00,1.1,1.2\n" * 3
    path = write(tmp_path, text.replace("\n", "\r\n").encode(codec))
    found = detect(path)
    assert found.encoding == encoding
    assert bool(found.warnings) is (encoding == "latin-1")
    accepted, rejected, _ = parse(path, found.to_mapping())
    assert (accepted.height, rejected.height) == (3, 0)


def test_preview_shows_values_as_they_would_be_stored(tmp_path: Path) -> None:
    path = write(tmp_path, BAR_HEADER + BAR_ROWS + "nonsense,1,2,3,4,5\n")
    shown = preview(path, detect(path).to_mapping(), price_precision=5, size_precision=0)
    assert shown.columns == ["open", "high", "low", "close", "volume", "ts_event", "ts_init"]
    stamp = "2024-01-02T00:01:00.000000000Z"
    assert shown.rows[0] == ["1.10000", "1.10020", "1.09990", "1.10010", "12", stamp, stamp]
    assert [row["line"] for row in shown.rejected] == [5]


def test_preview_reads_only_the_head(tmp_path: Path) -> None:
    path = write(tmp_path, BAR_HEADER + BAR_ROWS + "x,1,2,3,4,5\n" * 50_000)
    shown = preview(path, BARS, 3)
    assert len(shown.rows) == 3
    assert len(shown.rejected) <= 3


def test_a_time_column_that_cannot_be_read_is_still_proposed_by_its_name(tmp_path: Path) -> None:
    found = detect(write(tmp_path, "timestamp,bid,ask\nmonday,1.1,1.2\ntuesday,1.1,1.2\n"))
    assert found.mapping["timestamp"] == "timestamp"
    assert found.time_format is None
    assert any("times" in warning for warning in found.warnings)
