"""Rows that cannot be used are named: line, reason, text."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog_app.formats.delimited import Mapping
from catalog_app.tests.formats.files import BAR_HEADER, BAR_ROWS, BARS, QUOTES, TRADES, parse, write

T = "2024-01-02 00:03:00"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{T},1.1,1.2,1.0,,5", "close is missing"),
        (",1.1,1.2,1.0,1.1,5", "the time is missing"),
        ("soon,1.1,1.2,1.0,1.1,5", "the time 'soon' is not ISO 8601 (2024-01-31 09:30:00)"),
        ("2024-02-30 00:00,1.1,1.2,1.0,1.1,5", "the time '2024-02-30 00:00' is not ISO 8601 (2024-01-31 09:30:00)"),
        ("1969-12-31 23:59:59,1.1,1.2,1.0,1.1,5", "the time 1969-12-31 23:59:59 is outside 1970 to 2262"),
        ("2262-04-12 00:00:00,1.1,1.2,1.0,1.1,5", "the time 2262-04-12 00:00:00 is outside 1970 to 2262"),
        ("3024-01-02 00:00:00,1.1,1.2,1.0,1.1,5", "the time 3024-01-02 00:00:00 is outside 1970 to 2262"),
        (f"{T},1.1x,1.2,1.0,1.1,5", "open '1.1x' is not a number"),
        (f"{T},nan,1.2,1.0,1.1,5", "open 'nan' is not a number"),
        (f"{T},1.1,inf,1.0,1.1,5", "high 'inf' is not a number"),
        (f"{T},1.234567,1.3,1.0,1.1,5", "open 1.234567 has 6 decimals, the instrument has 5"),
        (f"{T},1.2e-07,1.3,1e-7,1.1,5", "open 1.2e-07 has 8 decimals, the instrument has 5"),
        (f"{T},1.10000000000000001,1.3,1.0,1.1,5", "open 1.10000000000000001 has 17 decimals, the instrument has 5"),
        (f"{T},1.1,1.2,1.0,1.1,5.5", "volume 5.5 has 1 decimals, the instrument has 0"),
        (f"{T},1.1,1.2,1.0,1.1,-5", "volume -5 is negative"),
        (f"{T},1.1,0.9,1.0,1.1,5", "high 0.9 < low 1.0"),
        (f"{T},1.3,1.2,1.0,1.1,5", "high 1.2 < open 1.3"),
        (f"{T},1.1,1.2,1.0,1.3,5", "high 1.2 < close 1.3"),
        (f"{T},0.9,1.2,1.0,1.1,5", "low 1.0 > open 0.9"),
        (f"{T},1.1,1.2,1.0,0.9,5", "low 1.0 > close 0.9"),
        (f"{T},1.1,1.2,0,1.1,5", "low 0 is not positive"),
        (f"{T},1.1,1.2,-1.0,1.1,5", "low -1.0 is not positive"),
        (f"{T},1.1,99999999999999,1.0,1.1,5", "high 99999999999999 is beyond NautilusTrader's limits"),
        (f"{T},1.1,9e40,1.0,1.1,5", "high 9e40 is beyond NautilusTrader's limits"),
        (f"{T},1.1,1.2,1.0,1.1", "5 fields instead of 6"),
        (f"{T},1.1,1.2,1.0,1.1,5,6", "7 fields instead of 6"),
        ("not a row", "1 fields instead of 6"),
        (f'{T},"1.1,1.2,1.0,1.1,5', 'a quotation mark (") without its partner'),
    ],
)  # fmt: skip
def test_a_bad_bar_is_rejected_and_its_neighbours_are_kept(tmp_path: Path, row: str, reason: str) -> None:
    first, *others = BAR_ROWS.splitlines()
    path = write(tmp_path, BAR_HEADER + "\n".join([first, row, *others]) + "\n")
    accepted, rejected, stats = parse(path, BARS)
    assert rejected.rows() == [(3, reason, row)]
    assert accepted.height == stats.accepted == 3
    assert (stats.lines, stats.rejected) == (4, 1)


def test_several_bad_rows_keep_their_own_lines(tmp_path: Path) -> None:
    rows = ["x,1,1,1,1,1", *BAR_ROWS.splitlines(), "", "y,1,1,1,1", f"{T},1,1,1,1,z"]
    _, rejected, stats = parse(write(tmp_path, BAR_HEADER + "\n".join(rows)), BARS)
    assert rejected["line"].to_list() == [2, 7, 8]
    assert stats.lines == 6


def test_negative_prices_are_accepted_where_the_instrument_allows_them(tmp_path: Path) -> None:
    path = write(tmp_path, BAR_HEADER + f"{T},-37.63,0,-40.32,-10.01,5\n")
    assert parse(path, BARS)[1]["reason"].to_list() == ["open -37.63 is not positive"]
    accepted, rejected, _ = parse(path, BARS, negative_prices_allowed=True)
    assert rejected.is_empty()
    assert accepted.row(0)[:4] == (-376_300_000_000_000_000, 0, -403_200_000_000_000_000, -100_100_000_000_000_000)


def test_crossed_quotes_are_kept_for_the_checks_to_find(tmp_path: Path) -> None:
    accepted, rejected, _ = parse(write(tmp_path, f"time,bid,ask\n{T},1.2,1.1\n"), QUOTES)
    assert (accepted.height, rejected.height) == (1, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{T},1.1,0,buy,a", "size 0 is not positive"),
        (f"{T},1.1,-5,buy,a", "size -5 is negative"),
        (f"{T},1.1,5,up,a", "aggressor_side 'up' is not a side"),
        (f"{T},1.1,5,buy,", "trade_id is missing"),
        (f"{T},1.1,5,buy,{'9' * 37}", f"trade_id '{'9' * 37}' is not 1 to 36 ASCII characters"),
        (f"{T},1.1,5,buy,\u00e9t\u00e9", "trade_id '\u00e9t\u00e9' is not 1 to 36 ASCII characters"),
    ],
)
def test_a_bad_trade_is_rejected(tmp_path: Path, row: str, reason: str) -> None:
    mapping = replace(TRADES, columns=TRADES.columns | {"aggressor_side": "side", "trade_id": "id"})
    path = write(tmp_path, f"time,price,size,side,id\n{T},1.1,5,buy,{'a' * 36}\n{row}\n")
    accepted, rejected, _ = parse(path, mapping)
    assert rejected.rows() == [(3, reason, row)]
    assert accepted.height == 1


def test_bytes_that_are_not_utf8_spoil_only_their_line(tmp_path: Path) -> None:
    content = f"time,bid,ask\n{T},1.1,1.2\n".encode() + b"2024-01-02 \xff,1.1,1.2\n" + f"{T},1.1,1.2\n".encode()
    accepted, rejected, _ = parse(write(tmp_path, content), QUOTES)
    assert accepted.height == 2
    assert rejected.select("line", "reason").rows() == [(3, "bytes that are not of the file's encoding")]


def test_a_time_format_that_is_wrong_for_the_file_rejects_every_row(tmp_path: Path) -> None:
    mapping = replace(BARS, time_format="%d/%m/%Y")
    accepted, rejected, _ = parse(write(tmp_path, BAR_HEADER + BAR_ROWS), mapping)
    assert accepted.is_empty()
    assert rejected["reason"][0] == "the time '2024-01-02 00:00:00' is not of the form %d/%m/%Y"


def test_long_lines_are_shortened(tmp_path: Path) -> None:
    mapping = Mapping(data_type="quote", columns={"timestamp": 0, "bid_price": 1, "ask_price": 2}, has_header=False)
    _, rejected, _ = parse(write(tmp_path, f"{T},1.1,{'9' * 5_000}\n"), mapping)
    assert rejected["text"].str.len_chars().to_list() == [200]
