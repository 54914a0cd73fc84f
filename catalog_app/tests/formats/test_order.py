"""Order and duplicates over the whole file, whatever the batches are."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.tests.formats.files import QUOTES, TRADES, parse, write


def quote_file(directory: Path, rows: list[tuple[int, int]]) -> Path:
    lines = [f"2024-01-02 00:00:{second:02},1.{price},2" for second, price in rows]
    return write(directory, "time,bid,ask\n" + "\n".join(lines) + "\n")


def test_rows_before_an_earlier_row_are_out_of_order(tmp_path: Path) -> None:
    _, _, stats = parse(quote_file(tmp_path, [(1, 1), (9, 1), (2, 1), (3, 1), (9, 2), (10, 1)]), QUOTES)
    assert (stats.out_of_order, stats.out_of_order_lines) == (2, [4, 5])


def test_identical_rows_and_equal_times_with_other_values_are_told_apart(tmp_path: Path) -> None:
    _, _, stats = parse(quote_file(tmp_path, [(1, 1), (1, 1), (1, 2), (2, 2), (2, 2)]), QUOTES)
    assert (stats.identical, stats.identical_lines) == (2, [3, 6])
    assert (stats.same_time, stats.same_time_lines) == (1, [4])
    assert stats.out_of_order == 0


def test_generated_trade_ids_do_not_hide_identical_trades(tmp_path: Path) -> None:
    _, _, stats = parse(write(tmp_path, "time,price,size\n" + "2024-01-02 00:00:01,1.1,5\n" * 3), TRADES)
    assert stats.identical == 2


def test_only_the_first_lines_are_kept(tmp_path: Path) -> None:
    _, _, stats = parse(quote_file(tmp_path, [(1, 1)] * 1_000), QUOTES)
    assert stats.identical == 999
    assert stats.identical_lines == list(range(3, 23))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2)), min_size=40, max_size=90),
    batch_rows=st.integers(1, 20),
)
def test_counts_do_not_depend_on_the_batches(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]], batch_rows: int
) -> None:
    path = quote_file(tmp_path_factory.mktemp("order"), rows * 3)
    _, _, stats = parse(path, QUOTES, batch_rows=batch_rows)
    _, _, whole = parse(path, QUOTES)
    assert stats == whole
    all_rows = rows * 3
    assert stats.out_of_order == sum(row[0] < max(r[0] for r in all_rows[:at]) for at, row in enumerate(all_rows) if at)
    pairs = list(itertools.pairwise(all_rows))
    assert stats.identical == sum(a == b for a, b in pairs)
    assert stats.same_time == sum(a[0] == b[0] and a != b for a, b in pairs)
