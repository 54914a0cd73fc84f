"""Good files become exact canonical frames."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.formats.delimited import Mapping, parse_batches
from catalog_app.store.schema import CANONICAL
from catalog_app.tests.formats.files import (
    BAR_HEADER,
    BAR_ROWS,
    BARS,
    JANUARY_2,
    MINUTE_NS,
    QUOTES,
    TRADES,
    parse,
    raw,
    write,
)


def test_open_stamped_bars_are_moved_to_their_close(tmp_path: Path) -> None:
    accepted, rejected, stats = parse(write(tmp_path, BAR_HEADER + BAR_ROWS), BARS)
    assert accepted.schema == CANONICAL["bar"]
    assert accepted["ts_event"].to_list() == [JANUARY_2 + MINUTE_NS * n for n in (1, 2, 3)]
    assert accepted["ts_init"].equals(accepted["ts_event"].alias("ts_init"))
    assert accepted.row(0)[:5] == tuple(raw("1.1", "1.1002", "1.0999", "1.1001", "12"))
    assert rejected.is_empty()
    assert (stats.lines, stats.accepted, stats.rejected) == (3, 3, 0)
    assert (stats.start_ns, stats.end_ns) == (JANUARY_2 + MINUTE_NS, JANUARY_2 + 3 * MINUTE_NS)


def test_close_stamped_bars_keep_their_time(tmp_path: Path) -> None:
    accepted, _, _ = parse(write(tmp_path, BAR_HEADER + BAR_ROWS), replace(BARS, stamp="close", interval_ns=None))
    assert accepted["ts_init"].to_list() == [JANUARY_2 + MINUTE_NS * n for n in range(3)]


def test_bars_without_volume_get_zero_and_are_flagged(tmp_path: Path) -> None:
    columns = {name: column for name, column in BARS.columns.items() if name != "volume"}
    accepted, _, stats = parse(write(tmp_path, BAR_HEADER + BAR_ROWS), replace(BARS, columns=columns))
    assert accepted["volume"].to_list() == [0, 0, 0]
    assert stats.volume_missing


def test_an_empty_volume_cell_is_missing_unless_it_may_mean_zero(tmp_path: Path) -> None:
    path = write(tmp_path, BAR_HEADER + "2024-01-02 00:00:00,1,1,1,1,\n" + BAR_ROWS.splitlines()[1])
    _, rejected, _ = parse(path, BARS)
    assert rejected["reason"].to_list() == ["volume is missing"]
    accepted, rejected, _ = parse(path, replace(BARS, missing_volume_as_zero=True))
    assert accepted["volume"].to_list() == raw("0", "7")


def test_quotes_without_sizes_get_the_default(tmp_path: Path) -> None:
    path = write(tmp_path, "time,bid,ask\n2024-01-02 00:00:00,1.1,1.2\n")
    accepted, _, stats = parse(path, QUOTES)
    assert accepted.row(0)[:4] == tuple(raw("1.1", "1.2", "1000000", "1000000"))
    assert stats.sizes_missing
    accepted, _, _ = parse(path, replace(QUOTES, default_size="0"))
    assert accepted.row(0)[2:4] == (0, 0)


@pytest.mark.parametrize(
    ("field", "cells", "sides"),
    [
        ("aggressor_side", ["buy", "SELL", "B", "s", "1", "2", "-1"], [1, 2, 1, 2, 1, 2, 2]),
        ("aggressor_side", ["BUYER", "seller", "NO_AGGRESSOR", ""], [1, 2, 0, 0]),
        ("is_buyer_maker", ["true", "False", "1", "0", "T", "f"], [2, 1, 2, 1, 2, 1]),
    ],
)  # fmt: skip
def test_sides(tmp_path: Path, field: str, cells: list[str], sides: list[int]) -> None:
    rows = "".join(f"2024-01-02 00:00:00,1.1,5,{cell}\n" for cell in cells)
    mapping = replace(TRADES, columns=TRADES.columns | {field: "flag"})
    accepted, rejected, _ = parse(write(tmp_path, "time,price,size,flag\n" + rows), mapping)
    assert rejected.is_empty()
    assert accepted["aggressor_side"].to_list() == sides


def test_trades_without_an_id_get_time_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, "time,price,size\n2024-01-02 00:00:00,1.1,5\n\n2024-01-02 00:00:00,1.1,5\n")
    accepted, _, stats = parse(path, TRADES)
    assert accepted["trade_id"].to_list() == [f"{JANUARY_2}-2", f"{JANUARY_2}-4"]
    assert stats.trade_ids_generated
    assert parse(path, TRADES, batch_rows=1)[0].equals(accepted)


def test_columns_may_come_in_any_order_and_be_used_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "junk;2024-01-02 00:00:00;1.1;more\njunk;2024-01-02 00:00:01;1.2;more\n")
    mapping = Mapping(
        data_type="quote",
        columns={"ask_price": 2, "bid_price": 2, "timestamp": 1},
        delimiter=";",
        has_header=False,
    )
    accepted, rejected, _ = parse(path, mapping)
    assert rejected.is_empty()
    assert accepted["bid_price"].to_list() == accepted["ask_price"].to_list() == raw("1.1", "1.2")


def test_spaces_quotes_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    text = '"time", bid ,"ask"\r\n"2024-01-02 00:00:00", 1.1 ,"1.2"\r\n2024-01-02 00:00:01,1.1,1.2\r\n\r\n'
    accepted, rejected, stats = parse(write(tmp_path, text), QUOTES)
    assert rejected.is_empty()
    assert stats.lines == 2
    assert accepted["ts_event"].to_list() == [JANUARY_2, JANUARY_2 + 10**9]


def test_a_quoted_delimiter_is_no_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path, 'note,time,bid,ask\n"a, b",2024-01-02 00:00:00,1.1,1.2\nc,2024-01-02 00:00:01,1.1,1.2\n')
    accepted, rejected, _ = parse(path, QUOTES)
    assert (accepted.height, rejected.height) == (2, 0)


def test_a_trailing_delimiter_is_no_field(tmp_path: Path) -> None:
    accepted, rejected, _ = parse(write(tmp_path, "time,bid,ask\n2024-01-02 00:00:00,1.1,1.2,\n"), QUOTES)
    assert (accepted.height, rejected.height) == (1, 0)


def test_decimal_commas(tmp_path: Path) -> None:
    mapping = replace(QUOTES, delimiter=";", decimal_mark=",")
    accepted, _, _ = parse(write(tmp_path, "time;bid;ask\n2024-01-02 00:00:00;1,10001;1,2\n"), mapping)
    assert accepted.row(0)[:2] == tuple(raw("1.10001", "1.2"))


def test_numbers_are_exact_to_the_last_digit(tmp_path: Path) -> None:
    cells = ["0.1234567890123456", "17014118346045.0000000000000001", "1.5e-05", "+2.50", ".5", "3."]
    rows = "".join(f"2024-01-02 00:00:00,{cell},{cell}\n" for cell in cells)
    accepted, rejected, _ = parse(write(tmp_path, "time,bid,ask\n" + rows), QUOTES, price_precision=16)
    assert rejected.is_empty()
    assert accepted["bid_price"].to_list() == raw(*cells)


def test_batches_are_bounded_and_give_the_same_as_one(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-02 00:{n // 60:02}:{n % 60:02},1.{n:05},2.{n:05}\n" for n in range(3_000))
    path = write(tmp_path, "time,bid,ask\n" + rows)
    whole, _, _ = parse(path, QUOTES)
    parser = parse_batches(path, QUOTES, batch_rows=100, price_precision=5, size_precision=0)
    batches = list(parser)
    assert max(batch.frame.height for batch in batches) <= 110
    assert pl.concat([batch.frame for batch in batches]).equals(whole)
    assert [batch.bytes_read for batch in batches] == sorted(batch.bytes_read for batch in batches)
    assert batches[-1].bytes_read == batches[-1].bytes_total == path.stat().st_size


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(lambda p: ("good", p)),
            st.sampled_from(["", "   ", "x,y", "a,b,c,d,e", ",,", '"', 'z,"1,2', "2024-01-02 00:00:00,nan,1"]).map(
                lambda text: ("bad", text)
            ),
        ),
        min_size=1,
        max_size=40,
    ),
    batch_rows=st.integers(1, 30),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_is_accepted_or_rejected_under_its_own_number(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, object]], batch_rows: int, end: str
) -> None:
    lines = ["time,bid,ask"]
    good: list[tuple[int, int]] = []
    bad: dict[int, str] = {}
    for kind, value in rows:
        if kind == "good":
            bid, ask = value  # type: ignore[misc]
            good.append((bid + 1, ask + 1))
            lines.append(f"2024-01-02 00:00:00,{(bid + 1) // 10**5}.{(bid + 1) % 10**5:05},{(ask + 1) / 10**5:.5f}")
        else:
            lines.append(str(value))
            if str(value).strip():
                bad[len(lines)] = str(value)
    path = write(tmp_path_factory.mktemp("lines"), end.join(lines) + end)
    if not good and not bad:
        return
    accepted, rejected, stats = parse(path, QUOTES, batch_rows=batch_rows)
    assert accepted["bid_price"].to_list() == [bid * 10**11 for bid, _ in good]
    assert accepted["ask_price"].to_list() == [ask * 10**11 for _, ask in good]
    assert dict(zip(rejected["line"], rejected["text"], strict=True)) == bad
    assert stats.lines == stats.accepted + stats.rejected == len(good) + len(bad)
