"""Exact decimals: raw integers and text, both ways, over the full range."""

import subprocess
import sys
from decimal import Decimal, localcontext

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.decimals import as_decimal, decimal_text, format_raw, parse_decimal, parse_raw
from catalog_app.store.schema import INT128_MAX, PRICE_MAX_RAW

RAW = st.integers(-INT128_MAX, INT128_MAX)
PARSED = st.integers(-(10**38) + 1, 10**38 - 1)
DIGITS = st.integers(0, 16)


def _texts(raws: list[int | None], digits: int) -> list[str | None]:
    frame = pl.LazyFrame({"x": pl.Series(raws, dtype=pl.Int128)})
    return frame.select(decimal_text(pl.col("x"), digits)).collect(engine="streaming")["x"].to_list()


def _raws(texts: list[str | None]) -> list[int | None]:
    frame = pl.LazyFrame({"x": pl.Series(texts, dtype=pl.String)})
    return frame.select(parse_decimal(pl.col("x"))).collect(engine="streaming")["x"].to_list()


@given(st.lists(st.one_of(st.none(), RAW), max_size=8), DIGITS)
def test_texts_are_exact_and_show_the_decimals_asked_for(raws: list[int | None], digits: int) -> None:
    for raw, text in zip(raws, _texts(raws, digits), strict=True):
        if raw is None:
            assert text is None
            continue
        assert text is not None
        with localcontext() as context:
            context.prec = 60
            assert Decimal(text) == Decimal(raw).scaleb(-16)
        decimals = len(text.partition(".")[2])
        assert decimals == digits or (decimals > digits and not text.endswith("0"))
        assert text == format_raw(raw, digits)


@given(st.lists(PARSED, max_size=8), DIGITS)
def test_columns_come_back_from_their_text(raws: list[int], digits: int) -> None:
    assert _raws(_texts(list(raws), digits)) == raws
    assert [parse_raw(format_raw(raw, digits)) for raw in raws] == raws


_NUMBER = st.one_of(
    st.from_regex(r"\A[+-]?[0-9]{0,8}\.?[0-9]{0,24}([eE][+-]?0{0,3}[0-9]{1,2})?\Z"),
    # Short ones, which may be rounded all the same.
    st.from_regex(r"\A-?0{0,3}[1-9]{0,7}\.?0{0,3}[1-9]{0,7}e-(0|1)?[0-9]\Z"),
)


@given(st.lists(st.one_of(_NUMBER, st.text(max_size=6)), max_size=8))
def test_a_column_accepts_what_a_single_value_does(texts: list[str]) -> None:
    def one(text: str) -> int | None:
        try:
            return parse_raw(text)
        except ValueError:
            return None

    assert _raws(list(texts)) == [one(text) for text in texts]


@given(_NUMBER)
def test_a_parsed_value_is_the_decimal_that_was_written(text: str) -> None:
    try:
        raw = parse_raw(text)
    except ValueError:
        return
    with localcontext() as context:
        context.prec = 120
        assert Decimal(text) == Decimal(raw).scaleb(-16)


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("1.5", 15 * 10**15),
        ("+.5", 5 * 10**15),
        ("5.", 5 * 10**16),
        ("-0", 0),
        ("1.5e-05", 15 * 10**10),
        ("1.5e-00005", 15 * 10**10),
        ("1e00003", 10**19),
        ("1E3", 10**19),
        ("123e-2", 123 * 10**14),
        ("0.0000000000000001", 1),
        ("1.00000000000000000000000", 10**16),
        ("12.50e-15", 125),
        ("17014118346046", PRICE_MAX_RAW),
        ("9999999999999999999999.9999999999999999", 10**38 - 1),
    ],
)
def test_the_forms_that_vendors_write(text: str, raw: int) -> None:
    assert parse_raw(text) == raw
    assert _raws([text]) == [raw]


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", ".", "e5", "1e", "1,5", "1_000", "1 ", " 1", "0x1", "nan", "inf", "1.2.3", "--1", "１"),
        *(
            "0.00000000000000001",
            "1e-17",
            "9999999999999e-17",
            "99999.99999999e-9",
            "1e00000000000023",
            "0e99999",
            "1.23456789012345678",
            "1e23",
            "1e400",
            "10000000000000000000000",
        ),
    ],
)
def test_what_is_no_exact_decimal_is_null(text: str) -> None:
    assert _raws([text]) == [None]
    with pytest.raises(ValueError, match=r"decimal|large"):
        parse_raw(text)


def test_decimals_share_the_integers_exactly() -> None:
    frame = pl.DataFrame({"x": pl.Series([1, -PRICE_MAX_RAW, None], dtype=pl.Int128)})
    decimals = frame.select(as_decimal(pl.col("x")))["x"]
    assert decimals.to_list() == [Decimal("1e-16"), Decimal("-17014118346046"), None]


def test_digits_are_limited_to_the_scale() -> None:
    with pytest.raises(ValueError, match="digits"):
        decimal_text(pl.col("x"), 17)
    with pytest.raises(ValueError, match="digits"):
        format_raw(1, -1)


# A thread that holds the interpreter while it waits for Polars' pool, and others that make and read decimals.
_BESIDE = """
import threading, time
import polars as pl
from catalog_app.store.decimals import decimal_text, parse_decimal

steps = pl.Series(range(1000))
raw = pl.Series(range(1000), dtype=pl.Int128)
frame = pl.DataFrame({"bid": raw, "ask": raw})
ends = time.monotonic() + 3

def medians():
    while time.monotonic() < ends:
        steps.diff().median()

def texts():
    while time.monotonic() < ends:
        frame.with_columns(decimal_text(pl.col(name), 4) for name in ("bid", "ask"))
        frame.with_columns(parse_decimal(pl.col(name).cast(pl.String)) for name in ("bid", "ask"))

threads = [threading.Thread(target=target) for target in (medians, texts, texts)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_beside_each_other_go_on() -> None:
    done = subprocess.run([sys.executable, "-c", _BESIDE], timeout=30, check=False)
    assert done.returncode == 0
