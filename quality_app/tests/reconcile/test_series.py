"""Rows of the store as series, and bars built from them."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.reconcile.series import grain_of, series_of, to_bars, whole_bars
from quality_app.tests.frames import START_NS, frame_of, raw, rows_of
from quality_app.tests.reconcile.shapes import MINUTE, SECOND

GRAIN = grain_of([5], raw("0.00001"))


def test_a_grain_is_half_a_tick_or_less() -> None:
    assert raw("0.00001") == 10 * GRAIN
    assert grain_of([2, 5], raw("0.25")) == GRAIN
    assert grain_of([9], raw("0.01")) == 10**6
    assert grain_of([0], raw("0.0000000000000001")) == 1


@pytest.mark.parametrize(("price", "expected"), [("mid", "1.10005"), ("bid", "1.10000"), ("ask", "1.10010")])
def test_a_quote_has_three_prices(price: str, expected: str) -> None:
    found = series_of(frame_of("quote", rows_of("quote", 2)).lazy(), "quote", price, GRAIN, shift_ns=7).collect()
    assert found["price"].to_list() == [raw(expected) // GRAIN] * 2
    assert found["ts"].to_list() == [START_NS + MINUTE + 7, START_NS + 2 * MINUTE + 7]
    assert found["volume"].null_count() == 2


def test_the_mid_of_an_odd_spread_is_exact() -> None:
    rows = rows_of("quote", 1)
    rows[0]["ask_price"] = "1.10001"
    found = series_of(frame_of("quote", rows).lazy(), "quote", "mid", GRAIN).collect()
    assert Decimal(found["price"][0] * GRAIN) == Decimal(raw("1.100005"))


def test_a_price_that_does_not_fit_is_undefined() -> None:
    rows = rows_of("trade", 2)
    rows[1]["price"] = "16000000000000"
    assert series_of(frame_of("trade", rows).lazy(), "trade", "last", 1).collect()["price"][1] is None


def test_a_data_type_without_that_price_is_refused() -> None:
    with pytest.raises(ValueError, match="no price 'bid'"):
        series_of(frame_of("bar", rows_of("bar", 1)).lazy(), "bar", "bid", GRAIN)


def test_bars_from_trades_are_exact_and_stamped_at_their_close() -> None:
    rows = rows_of("trade", 4)
    prices = ("1.10003", "1.10007", "1.09999", "1.10001")
    times = (START_NS + 1, START_NS + 30 * SECOND, START_NS + MINUTE, START_NS + MINUTE + 1)
    for row, price, at in zip(rows, prices, times, strict=True):
        row |= {"price": price, "ts_init": at}
    bars = to_bars(series_of(frame_of("trade", rows).lazy(), "trade", "last", GRAIN).collect(), MINUTE, 0)
    first, second = bars.to_dicts()
    assert first["ts"] == START_NS + MINUTE  # a trade exactly at the close belongs to the bar
    assert [first[name] * GRAIN for name in ("open", "high", "low", "price")] == [
        raw(text) for text in ("1.10003", "1.10007", "1.09999", "1.09999")
    ]
    assert (first["volume"], first["row"]) == (raw("9"), 2)
    assert (second["ts"], second["volume"]) == (START_NS + 2 * MINUTE, raw("3"))


def test_longer_bars_keep_the_extremes_of_shorter_ones() -> None:
    rows = rows_of("bar", 5)
    rows[2] |= {"high": "1.20000", "low": "1.00000"}
    bars = to_bars(series_of(frame_of("bar", rows).lazy(), "bar", "close", GRAIN).collect(), 5 * MINUTE, 0)
    assert bars.select("ts", "open", "high", "low", "price").rows() == [
        (START_NS + 5 * MINUTE, *(raw(text) // GRAIN for text in ("1.10000", "1.20000", "1.00000", "1.10010")))
    ]


def test_bars_that_the_data_covers_in_part_are_left_out() -> None:
    bars = pl.DataFrame({"ts": [MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE]})
    assert whole_bars(bars, MINUTE, MINUTE // 2, 3 * MINUTE + 5)["ts"].to_list() == [2 * MINUTE, 3 * MINUTE]


@given(st.lists(st.tuples(st.integers(1, 3600), st.integers(-50, 50)), min_size=1, max_size=60), st.integers(0, 59))
def test_built_bars_agree_with_a_bar_by_bar_count(ticks: list[tuple[int, int]], cut: int) -> None:
    """Against a plain count in Python; and pieces cut on the grid give the bars of the whole."""
    ticks.sort(key=lambda tick: tick[0])
    rows = [{"price": str(100 + move), "size": "2", "aggressor_side": 1, "trade_id": ""} for _, move in ticks]
    for row, (second, _) in zip(rows, ticks, strict=True):
        row["ts_event"] = row["ts_init"] = second * SECOND
    found = series_of(frame_of("trade", rows).lazy(), "trade", "last", GRAIN).collect()
    expected: dict[int, list[int]] = {}
    for second, move in ticks:
        expected.setdefault(-(-second // 60) * MINUTE, []).append(raw(str(100 + move)) // GRAIN)
    bars = to_bars(found, MINUTE, 0)
    assert bars.select("ts", "open", "high", "low", "price", "volume").rows() == [
        (close, prices[0], max(prices), min(prices), prices[-1], len(prices) * raw("2"))
        for close, prices in expected.items()
    ]
    edge = pl.col("ts") <= cut * MINUTE
    assert pl.concat([to_bars(found.filter(edge), MINUTE, 0), to_bars(found.filter(~edge), MINUTE, 0)]).equals(bars)
