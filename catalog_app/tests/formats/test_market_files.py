"""Real vendors' files: detected, mapped and parsed whole, with their known numbers of rows."""

import csv
import gzip
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from catalog_app.formats.delimited import detect
from catalog_app.store.decimals import parse_raw
from catalog_app.tests.formats.files import MINUTE_NS, parse
from catalog_app.tests.market import market_path

FILES = [
    ("csv/gbpusd-m1-bid-2012.csv", "bar", 30_117),
    ("csv/gbpusd-m1-ask-2012.csv", "bar", 30_117),
    ("csv/6EH4.XCME_1min_bars_20240101_20240131.csv.gz", "bar", 29_996),
    ("csv/eurusd-quotes-histdata-20200101.csv", "quote", 9_500),
    ("csv/truefx-usdjpy-ticks.csv", "quote", 1_000),
    ("vendor/binance/ADABTC-1m-2021-11-27.csv", "bar", 10),
    ("vendor/binance/ADABTC-1m-2021-11-28.csv", "bar", 11),
    ("vendor/tardis/bitmex_trades_XBTUSD.csv", "trade", 10),
    ("vendor/tardis/huobi-dm-swap_quotes_BTC-USD.csv", "quote", 10),
]


@pytest.mark.parametrize(("file", "data_type", "rows"), FILES)
def test_every_row_is_taken_by_the_proposed_mapping(file: str, data_type: str, rows: int) -> None:
    path = market_path(file)
    found = detect(path)
    assert found.data_type == data_type
    accepted, rejected, stats = parse(
        path, found.to_mapping(), price_precision=found.price_precision, size_precision=found.size_precision or 0
    )
    assert rejected.is_empty()
    assert accepted.height == stats.lines == rows
    assert stats.out_of_order == stats.identical == 0


def reference_bars(path: Path) -> list[tuple[int, ...]]:
    """Open-stamped bars read cell by cell with the standard library."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    rows = list(csv.reader(text.splitlines()))[1:]
    bars = []
    for time, *numbers in rows:
        moment = datetime.fromisoformat(time if "+" in time else time + "+00:00")
        volume = numbers[4] if len(numbers) > 4 else "0"
        close_ns = int(moment.timestamp()) * 10**9 + MINUTE_NS
        bars.append((*map(parse_raw, numbers[:4]), parse_raw(volume), close_ns, close_ns))
    return bars


@pytest.mark.parametrize("file", [FILES[0][0], FILES[2][0]])
def test_bars_equal_the_file_cell_by_cell(file: str) -> None:
    path = market_path(file)
    accepted, _, _ = parse(path, detect(path).to_mapping())
    assert accepted.rows() == reference_bars(path)


def test_close_stamped_file_keeps_its_times_when_told() -> None:
    path = market_path(FILES[2][0])
    accepted, _, _ = parse(path, replace(detect(path).to_mapping(), stamp="close"))
    # The first minute of the session that opens at 23:00 UTC ends at 23:01.
    assert accepted["ts_init"][0] == int(datetime.fromisoformat("2024-01-01T23:01:00+00:00").timestamp()) * 10**9


def test_histdata_is_five_hours_behind_utc() -> None:
    path = market_path("csv/eurusd-quotes-histdata-20200101.csv")
    accepted, _, _ = parse(path, detect(path).to_mapping(), price_precision=6)
    assert accepted.row(0)[:2] == (parse_raw("1.1212"), parse_raw("1.12172"))
    assert (
        accepted["ts_event"][0]
        == int(datetime.fromisoformat("2020-01-01T22:00:00+00:00").timestamp()) * 10**9 + 65 * 10**6
    )


def test_tardis_times_of_arrival_become_ts_init() -> None:
    path = market_path("vendor/tardis/bitmex_trades_XBTUSD.csv")
    accepted, _, _ = parse(path, detect(path).to_mapping())
    assert accepted.row(0) == (
        parse_raw("8531.5"),
        parse_raw("2152"),
        2,
        "ccc3c1fa-212c-e8b0-1706-9b9c4f3d5ecf",
        1_583_020_803_145_000_000,
        1_583_020_803_307_160_000,
    )
