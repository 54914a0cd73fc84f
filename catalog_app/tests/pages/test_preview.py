"""Rows as the files hold them."""

from catalog_app.services.preview import PAGE_ROWS, position_at, row_page
from catalog_app.tests.pages.conftest import MINUTE, START


def test_the_first_page_has_exact_text_times_file_and_row(bar_dataset):
    page = row_page(bar_dataset, 0)
    first = page.rows[0]
    assert (page.total, page.position, page.previous, page.next) == (4500, 0, None, PAGE_ROWS)
    assert [first[name] for name in ("open", "high", "low", "close", "volume")] == [
        "1.20000", "1.20002", "1.19999", "1.20001", "10",
    ]  # fmt: skip
    assert first["ts_init"] == START + MINUTE
    assert first["row"] == 0
    assert str(first["file"]).startswith("data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL/2024-01-01T00-01")


def test_a_page_goes_over_the_border_of_two_files(bar_dataset):
    page = row_page(bar_dataset, 1990)
    assert [row["row"] for row in page.rows] == [*range(1990, 2000), *range(40)]
    assert len({row["file"] for row in page.rows}) == 2


def test_a_position_behind_the_end_shows_the_last_row(bar_dataset):
    page = row_page(bar_dataset, 10**9)
    assert (page.position, page.last, page.next) == (4499, 4499, None)


def test_the_position_of_a_time_is_its_first_row_at_or_after(bar_dataset):
    assert position_at(bar_dataset, START + 100 * MINUTE) == 99
    assert position_at(bar_dataset, START + 100 * MINUTE + 1) == 100
    assert position_at(bar_dataset, START + 3000 * MINUTE) == 2000  # in the hole: the first row of the next file
    assert position_at(bar_dataset, 0) == 0
    assert position_at(bar_dataset, 2**62) == 4499


def test_sizes_and_sides_of_trades(trade_dataset):
    row = row_page(trade_dataset, 1).rows[0]
    assert (row["price"], row["size"], row["aggressor_side"], row["trade_id"]) == ("42000.01", "0.000002", 2, "T1")


def test_values_finer_than_the_declared_precision_show_every_digit(trade_dataset):
    trade_dataset.size_precision = 2
    assert row_page(trade_dataset, 0).rows[0]["size"] == "0.000001"
