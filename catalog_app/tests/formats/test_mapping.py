"""A mapping says how to read a file, and refuses what cannot work."""

import json
from dataclasses import replace

import pytest

from catalog_app.formats.delimited import Mapping
from catalog_app.formats.errors import FormatError
from catalog_app.tests.formats.files import BARS, QUOTES, TRADES


@pytest.mark.parametrize("mapping", [BARS, QUOTES, TRADES])
def test_json_gives_back_an_equal_mapping(mapping: Mapping) -> None:
    assert Mapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data_type": "delta"}, "'delta' is not possible"),
        ({"delimiter": "#"}, "'#' is not possible"),
        ({"encoding": "cp500"}, "'cp500'"),
        ({"stamp": "middle"}, "'middle'"),
        ({"timezone": "Mars/Base"}, "no time zone"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"timezone": "UTC+25:00"}, "no time zone"),
        ({"timezone": ["UTC"]}, "is no text"),
        ({"time_format": "whenever"}, "no time format"),
        ({"interval_ns": None}, "fixed length"),
        ({"interval_ns": -1}, "not a length"),
        ({"skip_lines": -1}, "not a number of lines"),
        ({"default_size": "-1"}, "no size"),
        ({"default_size": "many"}, "no size"),
        ({"columns": []}, "no object"),
        ({"columns": {"timestamp": 1.5}}, "neither"),
        ({"columns": {"timestamp": 0}}, "no column is chosen for open, high, low, close"),
        ({"columns": BARS.columns | {"bid_price": "x"}}, "a bar has no field bid_price"),
        ({"columns": BARS.columns | {"date": "x", "time": "y"}}, "both a timestamp"),
        ({"has_header": "yes"}, "neither true nor false"),
        ({"surprise": 1}, "unknown entries: surprise"),
    ],
)
def test_impossible_mappings_are_refused(change: dict[str, object], what: str) -> None:
    content = json.loads(BARS.to_json()) | change
    with pytest.raises(FormatError, match=what):
        Mapping.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"data_type": "bar"}'])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="mapping"):
        Mapping.from_json(text)


def test_bars_of_variable_length_need_close_stamps() -> None:
    replace(BARS, interval_ns=None, stamp="close").check()
    with pytest.raises(FormatError, match="months"):
        replace(BARS, interval_ns=None).check()


def test_a_trade_has_one_kind_of_side() -> None:
    with pytest.raises(FormatError, match="both aggressor_side and is_buyer_maker"):
        replace(TRADES, columns=TRADES.columns | {"aggressor_side": "a", "is_buyer_maker": "b"}).check()
