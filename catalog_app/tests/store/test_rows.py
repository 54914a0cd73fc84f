"""Rows that the writer refuses are rows that NautilusTrader cannot read, or reads differently; others it reads."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import InvalidRows
from catalog_app.store.layout import V1_DIRECTORY, V2_DIRECTORY, VERSIONS, Version, format_file_name, identifier
from catalog_app.store.schema import CANONICAL, PRICE_MAX_RAW, QUANTITY_MAX_RAW
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.store.writing.encoding import to_arrow
from catalog_app.store.writing.rows import check_rows
from catalog_app.tests.store.expected import expected
from catalog_app.tests.store.frames import INSTRUMENT, TYPES, UNIT, bar_type_of, frame, write
from catalog_app.tests.store.upstream import Answer, Query, answers
from catalog_app.tests.store.upstream_v2 import answers_v2

Case = tuple[str, dict[str, Any], str]
PRICE_PRECISION, SIZE_PRECISION = 5, 2


def level(**values: int | None) -> list[dict[str, int | None]]:
    return [{"price": UNIT, "size": UNIT, "count": 1, "order_id": 0} | values]


# (data type, values, what the refusal says): neither version returns such rows as they are.
REFUSED: tuple[Case, ...] = (
    ("quote", {"bid_price": None}, "bid_price is empty"),
    ("quote", {"ask_size": None}, "ask_size is empty"),
    ("quote", {"ask_size": -UNIT}, "ask_size is outside"),
    ("quote", {"ask_size": QUANTITY_MAX_RAW + UNIT}, "ask_size is outside"),
    ("quote", {"ask_price": PRICE_MAX_RAW + UNIT}, "ask_price is outside"),
    ("quote", {"bid_price": -PRICE_MAX_RAW - UNIT}, "bid_price is outside"),
    ("quote", {"ts_event": None}, "ts_event is empty"),
    ("trade", {"aggressor_side": 3}, "aggressor_side must be one of 0"),
    ("trade", {"aggressor_side": None}, "aggressor_side"),
    *(("trade", {"trade_id": wrong}, "trade_id must be") for wrong in ("", " \t", "x" * 37, "é", "a\0b", None)),
    ("bar", {"volume": None}, "volume is empty"),
    ("bar", {"low": None}, "low is empty"),
    ("delta", {"action": 0}, "action must be one of 1"),
    ("delta", {"action": 5}, "action must be"),
    ("delta", {"side": 3}, "side must be"),
    ("delta", {"size": -UNIT}, "size is outside"),
    ("delta", {"order_id": None}, "order_id is empty"),
    ("delta", {"flags": None}, "flags is empty"),
    ("delta", {"sequence": None}, "sequence is empty"),
    ("depth10", {"bids": None}, "bids is empty"),
    ("depth10", {"asks": level(count=None)}, "asks has a level without count"),
    ("depth10", {"asks": level(price=PRICE_MAX_RAW + UNIT)}, "a price in asks is outside"),
    ("depth10", {"bids": level(size=-UNIT)}, "a size in bids is outside"),
    ("mark_price", {"value": PRICE_MAX_RAW + UNIT}, "value is outside"),
    ("status", {"action": "DANCING"}, "action must be one of NONE"),
    ("status", {"action": None}, "action must be"),
    ("close", {"close_type": 3}, "close_type must be"),
    ("close", {"close_type": None}, "close_type must be"),
    ("close", {"close_price": PRICE_MAX_RAW + UNIT}, "close_price is outside"),
    ("greeks", {"convention": "OTHER"}, "convention must be"),
    ("greeks", {"vega": None}, "vega is empty"),
    ("funding_rate", {"rate": None}, "rate is not a decimal"),
)
# What one version alone cannot hold, or reads differently.
REFUSED_BY: dict[Version, tuple[Case, ...]] = {
    "v1": (
        ("mark_price", {"value": None}, "value is empty"),
        ("close", {"close_price": None}, "close_price is empty"),
        ("quote", {"bid_price": UNIT + 1}, "bid_price needs more decimals"),
        ("delta", {"size": UNIT + 1}, "size needs more decimals"),
        ("depth10", {"bids": level(price=UNIT + 1)}, "a price in bids needs more decimals"),
        ("close", {"close_price": UNIT + 1}, "close_price needs more decimals"),
        ("quote", {"ts_event": -1}, "ts_event is empty or before 1970"),
        ("funding_rate", {"next_funding_ns": -1}, "next_funding_ns is before 1970"),
        ("depth10", {"bids": level() * 11}, "more than 10 levels"),
        ("depth10", {"asks": level(order_id=5)}, "order ids"),
    ),
    "v2": (
        ("depth10", {"bids": level(price=None)}, "without price or size"),
        ("depth10", {"asks": level(size=None)}, "without price or size"),
        ("quote", {"ts_event": -1}, "ts_event is empty or before 1970"),
        ("greeks", {"ts_init": -1}, "ts_init is empty or before 1970"),
        ("funding_rate", {"next_funding_ns": -1}, "next_funding_ns is before 1970"),
        *(
            ("funding_rate", {"rate": wrong}, "rate is not a decimal")
            for wrong in ("", "abc", "NaN", " 1", "1e", ".", "1.2.3")
        ),
        *(
            ("funding_rate", {"rate": wrong}, "rate has more than 28 digits")
            for wrong in ("0." + "1" * 29, "1e-40", "9" * 30, "1e30", "123e-30")
        ),
    ),
}
# What may look wrong, but comes back as it is.
TAKEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("trade", {"size": 0}),
    ("trade", {"price": -UNIT}),
    *(("trade", {"trade_id": fine}) for fine in (" t", "a\tb", "\x01", "\x7f", "x" * 36)),
    ("delta", {"action": 4, "side": 0, "price": None, "size": None, "order_id": 0}),
    ("delta", {"action": 3, "price": None, "size": 0}),
    ("delta", {"order_id": 2**64 - 1, "sequence": 2**64 - 1, "flags": 255}),
    ("depth10", {"bids": [], "asks": []}),
    ("depth10", {"bids": level(price=-UNIT)}),
    ("funding_rate", {"rate": "-0.00010000", "interval": 0, "next_funding_ns": 0}),
    ("status", {"reason": "", "trading_event": "é\n"}),
    ("status", {"is_trading": True, "is_quoting": False, "is_short_sell_restricted": True}),
    ("greeks", {"convention": "PRICE_ADJUSTED", "delta": float("inf"), "mark_iv": -0.0}),
)


def changed(data_type: str, values: dict[str, Any]) -> pl.DataFrame:
    kinds = CANONICAL[data_type]
    return frame(data_type, [8]).with_columns(pl.Series(name, [v], dtype=kinds[name]) for name, v in values.items())


def check(one: pl.DataFrame, data_type: str, version: Version, **precisions: int) -> None:
    precision = {"price_precision": PRICE_PRECISION, "size_precision": SIZE_PRECISION} | precisions
    check_rows(one, data_type, **precision, version=version, first_row=100)


def put_unchecked(
    root: Path, one: pl.DataFrame, data_type: str, version: Version, price_precision: int = PRICE_PRECISION
) -> Query | None:
    """A file of the rows past all checks; None where not even Arrow or Parquet can hold them."""
    bar_type = bar_type_of(data_type)
    schema = arrow_schema(data_type, INSTRUMENT, bar_type, price_precision, SIZE_PRECISION, version)
    directories = V1_DIRECTORY if version == "v1" else V2_DIRECTORY
    path = root / "data" / directories[data_type] / identifier(bar_type or INSTRUMENT) / format_file_name(8, 8)
    path.parent.mkdir(parents=True)
    try:
        table = to_arrow(one, schema, instrument_id=INSTRUMENT, price_precision=price_precision)
        pq.write_table(table, path)
    except (ValueError, IndexError):
        return None
    return root, data_type


def judged(version: Version, frames: list[tuple[str, pl.DataFrame]], tmp_path: Path) -> list[Answer | None]:
    queries = [put_unchecked(tmp_path / str(at), one, name, version) for at, (name, one) in enumerate(frames)]
    asked = [query for query in queries if query is not None]
    found = iter(answers(asked) if version == "v1" else answers_v2(asked))
    return [None if query is None else next(found) for query in queries]


@pytest.mark.parametrize(
    ("version", "case"), [(version, case) for version in VERSIONS for case in REFUSED + REFUSED_BY[version]]
)
def test_wrong_rows_are_refused_by_name(version: Version, case: Case) -> None:
    data_type, values, wrong = case
    rows = pl.concat([frame(data_type, [1, 2]), changed(data_type, values)])
    with pytest.raises(InvalidRows, match=wrong) as caught:
        check(rows, data_type, version)
    assert str(caught.value).startswith("row 102:")


@pytest.mark.parametrize("version", VERSIONS)
def test_nautilus_trader_does_not_return_refused_rows(version: Version, tmp_path: Path) -> None:
    rows = [(data_type, changed(data_type, values)) for data_type, values, _ in REFUSED + REFUSED_BY[version]]
    for (data_type, one), answer in zip(rows, judged(version, rows, tmp_path), strict=True):
        same = expected(one, data_type, bar_type_of(data_type) or INSTRUMENT, PRICE_PRECISION, SIZE_PRECISION, version)
        assert answer != same, (data_type, one.row(0))


@pytest.mark.parametrize("version", VERSIONS)
def test_nautilus_trader_returns_odd_rows_that_are_taken(version: Version, tmp_path: Path) -> None:
    rows = [(data_type, changed(data_type, values)) for data_type, values in TAKEN]
    for (data_type, one), answer in zip(rows, judged(version, rows, tmp_path), strict=True):
        check(one, data_type, version)
        assert answer == expected(one, data_type, INSTRUMENT, PRICE_PRECISION, SIZE_PRECISION, version)


@pytest.mark.parametrize("data_type", ["quote", "trade", "bar", "mark_price", "index_price"])
def test_v1_takes_undefined_prices_where_the_precision_is_0(data_type: str) -> None:
    column = next(name for name, kind in CANONICAL[data_type].items() if kind == pl.Int128)
    one = changed(data_type, {column: None})
    check(one, data_type, "v1", price_precision=0)
    with pytest.raises(InvalidRows, match="is empty"):
        check(one, data_type, "v1", price_precision=1)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data_type", TYPES)
def test_good_rows_pass(data_type: str, version: Version) -> None:
    check(frame(data_type, [0, 2**63 - 1]), data_type, version)


@pytest.mark.parametrize("raw", [10**28 + 1, -(10**28) - 1, 10**29 + 10])
def test_longer_closes_are_refused_as_1_231_rounds_them(raw: int, tmp_path: Path) -> None:
    one = changed("close", {"close_price": raw})
    with pytest.raises(InvalidRows, match="more than 28 digits"):
        check(one, "close", "v1", price_precision=16)
    check(one, "close", "v2", price_precision=16)
    query = put_unchecked(tmp_path, one, "close", "v1", price_precision=16)
    assert query is not None
    [[[_, [[found, _], _], *_]]] = answers([query])
    assert found != raw
    assert abs(found - raw) < 100


@pytest.mark.parametrize("raw", [PRICE_MAX_RAW, -PRICE_MAX_RAW, 10**28 - 1, 10**29 + 100, 10**28 + 10])
def test_closes_of_28_digits_are_read_as_they_are(raw: int, tmp_path: Path) -> None:
    one = changed("close", {"close_price": raw})
    check(one, "close", "v1", price_precision=16)
    write(tmp_path, "close", one)
    assert answers([(tmp_path, "close")]) == [expected(one, "close", INSTRUMENT, 16, 16)]


@pytest.mark.parametrize("rate", ["1", "-0.0001", "+.5", "5.", "1e-28", "1E5", "9" * 28])
def test_rates_that_both_hold(rate: str) -> None:
    for version in VERSIONS:
        check(changed("funding_rate", {"rate": rate}), "funding_rate", version)
