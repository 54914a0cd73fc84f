"""Whatever the bytes are, detection and parsing end in a result or a FormatError."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.formats.delimited import detect, preview
from catalog_app.formats.errors import FormatError
from catalog_app.tests.formats.files import BARS, parse, write

CELL = st.sampled_from(
    [
        *("", " ", '"', '""', "1", "-1.5", "1e400", "nan", "inf", "1_0", "1,5", "buy", "true", "x" * 200_000),
        *("Open", "time", "price", "size", "date", "bid", "ask", "high", "low", "close"),
        *("2024-01-02", "20240102", "00:00", "000000123", "99/99/2024", "1704153600", "99999999999999999999"),
        *("2024-01-02T00:00:00Z", "2024-01-02 00:00:00+9999", "\ufffd", "\u00fc", "\u0663", "\x0b"),
    ]
)
LINE = st.lists(CELL, max_size=7).flatmap(
    lambda cells: st.sampled_from([",", ";", "\t", "|", " "]).map(lambda d: d.join(cells))
)
TABLE = st.lists(LINE, max_size=8).map("\n".join).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(content=st.one_of(TABLE, st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_nothing_but_a_format_error_comes_out(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any"), content)
    try:
        found = detect(path)
        shown = preview(path, found.to_mapping())
    except FormatError as error:
        assert str(error)
    else:
        assert len(shown.rows) + len(shown.rejected) > 0
        assert all(len(row) == len(shown.columns) for row in shown.rows)


@settings(max_examples=100, deadline=None)
@given(body=TABLE)
def test_any_rows_below_a_header_are_accepted_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("any"), b"timestamp,open,high,low,close,volume\n" + body)
    filled = [line for line in body.decode().split("\n") if line.strip()]
    try:
        _, _, stats = parse(path, BARS)
    except FormatError as error:
        assert "no rows" in str(error)
        assert not filled
    else:
        assert stats.lines == len(filled)
