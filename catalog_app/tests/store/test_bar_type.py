"""Bar types and instrument ids as text."""

import pytest

from catalog_app.store.bar_type import AGGREGATIONS, PRICE_TYPES, parse_bar_type, split_instrument_id


@pytest.mark.parametrize(
    ("text", "instrument_id", "timeframe", "interval_ns"),
    [
        ("GBP/USD.SIM-1-MINUTE-BID-EXTERNAL", "GBP/USD.SIM", "1-MINUTE-BID", 60 * 10**9),
        ("BTCUSDT-PERP.BINANCE-100-TICK-LAST-INTERNAL", "BTCUSDT-PERP.BINANCE", "100-TICK-LAST", None),
        ("AAPL.XNAS-2-HOUR-MID-EXTERNAL", "AAPL.XNAS", "2-HOUR-MID", 7200 * 10**9),
        ("A.B-1-WEEK-LAST-EXTERNAL", "A.B", "1-WEEK-LAST", 604_800 * 10**9),
        ("A.B-1-MONTH-LAST-EXTERNAL", "A.B", "1-MONTH-LAST", None),
        ("A.B-5-MINUTE-LAST-INTERNAL@1-MINUTE-EXTERNAL", "A.B", "5-MINUTE-LAST", 300 * 10**9),
    ],
)
def test_bar_types_are_taken_apart_and_put_together(
    text: str, instrument_id: str, timeframe: str, interval_ns: int | None
) -> None:
    bar_type = parse_bar_type(text)
    assert (bar_type.instrument_id, bar_type.timeframe, bar_type.interval_ns) == (instrument_id, timeframe, interval_ns)
    assert str(bar_type) == text


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "five parts"),
        ("GBPUSD-1-MINUTE-BID", "five parts"),
        ("GBPUSD-1-MINUTE-BID-EXTERNAL", "SYMBOL.VENUE"),
        ("A.B-0-MINUTE-BID-EXTERNAL", "step"),
        ("A.B-x-MINUTE-BID-EXTERNAL", "step"),
        ("A.B-1-FORTNIGHT-BID-EXTERNAL", "aggregation"),
        ("A.B-1-MINUTE-TRADE-EXTERNAL", "price type"),
        ("A.B-1-MINUTE-BID-VENDOR", "source"),
    ],
)
def test_a_wrong_bar_type_is_told_what_is_wrong(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_bar_type(text)


def test_instrument_ids_split_at_the_last_dot() -> None:
    assert split_instrument_id("EUR/USD.SIM") == ("EUR/USD", "SIM")
    assert split_instrument_id("BRK.B.XNYS") == ("BRK.B", "XNYS")


@pytest.mark.parametrize("text", ["", "EURUSD", ".SIM", "EURUSD.", "EUR USD.SIM", "EÜR.SIM", "A\n.B"])
def test_other_instrument_ids_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="instrument id"):
        split_instrument_id(text)


def test_the_words_are_those_of_the_installed_nautilus_trader() -> None:
    from nautilus_trader.model.enums import BarAggregation, PriceType

    assert {item.name for item in BarAggregation} == AGGREGATIONS
    assert {item.name for item in PriceType} == PRICE_TYPES
