"""Names and places of files."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store import layout
from catalog_app.store.schema import INT64_MAX
from catalog_app.tests.store.frames import frame, write
from catalog_app.tests.store.upstream import run_python

TIMES = st.integers(0, INT64_MAX)

_QUERY = """
import json, sys
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

catalog = ParquetDataCatalog(sys.argv[1])
try:
    print(json.dumps([len(catalog.quote_ticks(["A.B"])), catalog.get_intervals(QuoteTick, "A.B")]))
except Exception as error:
    print(json.dumps(type(error).__name__))
"""


@given(TIMES, TIMES)
def test_file_names_come_back_as_the_same_interval(one: int, other: int) -> None:
    start, end = sorted((one, other))
    assert layout.parse_file_name(layout.format_file_name(start, end)) == (start, end)


@given(st.lists(TIMES, min_size=2, max_size=6))
def test_file_names_sort_as_their_start_times_do(times: list[int]) -> None:
    names = [layout.format_file_name(time, INT64_MAX) for time in sorted(times)]
    assert names == sorted(names)


def test_a_file_name_is_the_one_that_nautilus_trader_writes() -> None:
    name = "2024-07-01T23-58-01-218485389Z_2024-07-02T00-01-59-824434324Z.parquet"
    assert layout.parse_file_name(name) == (1719878281218485389, 1719878519824434324)
    assert layout.format_file_name(1719878281218485389, 1719878519824434324) == name


@given(TIMES, TIMES)
def test_file_names_equal_those_of_the_upstream_function(one: int, other: int) -> None:
    from nautilus_trader.persistence.catalog.parquet import _timestamps_to_filename

    start, end = sorted((one, other))
    assert layout.format_file_name(start, end) == _timestamps_to_filename(start, end)


@pytest.mark.parametrize(
    "name",
    [
        "part-0.parquet",
        "2024-07-01T23-58-01-218485389Z.parquet",
        "2024-13-01T00-00-00-000000000Z_2024-13-02T00-00-00-000000000Z.parquet",
        "2024-07-02T00-00-00-000000000Z_2024-07-01T00-00-00-000000000Z.parquet",
        "2024-07-01T00-00-00-000000000Z_2999-07-01T00-00-00-000000000Z.parquet",
        "1969-07-01T00-00-00-000000000Z_1999-07-01T00-00-00-000000000Z.parquet",
        "2024-07-01T00-00-00-00000000Z_2024-07-02T00-00-00-000000000Z.parquet",
        "２024-07-01T00-00-00-000000000Z_2024-07-02T00-00-00-000000000Z.parquet",
        "2024-07-01T00-00-00-000000000Z_2024-07-02T00-00-00-000000000Z.parquet.bak",
        "",
    ],
)
def test_other_file_names_promise_nothing(name: str) -> None:
    assert layout.parse_file_name(name) is None


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5), (0, INT64_MAX + 1)])
def test_no_file_name_is_made_for_an_impossible_interval(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="interval"):
        layout.format_file_name(start, end)


@pytest.mark.parametrize(
    ("path", "role", "data_type", "identifier"),
    [
        ("data/quote_tick/EURUSD.SIM/x.parquet", "data", "quote", "EURUSD.SIM"),
        ("data/quotes/EURUSD.SIM/x.parquet", "data", "quote", "EURUSD.SIM"),
        ("data/bars/A.B-1-DAY-LAST-EXTERNAL/x.parquet", "data", "bar", "A.B-1-DAY-LAST-EXTERNAL"),
        ("data/order_book_depths/A.B/x.parquet", "data", "depth10", "A.B"),
        ("data/mark_prices/A.B/x.parquet", "data", "mark_price", "A.B"),
        ("data/custom_news_event/x.parquet", "data", "custom", ""),
        ("data/custom_news_event/A.B/x.parquet", "data", "custom", "A.B"),
        ("data/custom/NewsEvent/x.parquet", "data", "custom", ""),
        ("data/custom/NewsEvent/A.B/x.parquet", "data", "custom", "A.B"),
        ("data/custom/x.parquet", "unknown", "custom", ""),
        ("data/currency_pair/EURUSD.SIM/x.parquet", "definition", "", "EURUSD.SIM"),
        ("data/quote_tick/part-0.parquet", "unknown", "quote", ""),
        ("data/quote_tick/EURUSD.SIM/2024/x.parquet", "unknown", "quote", "EURUSD.SIM"),
        ("data/order_filled/A.B/x.parquet", "unknown", "", "A.B"),
        ("live/quote_tick/EURUSD.SIM/x.parquet", "unknown", "", "EURUSD.SIM"),
        ("data/quote_tick/EURUSD.SIM/x.feather", "unknown", "quote", "EURUSD.SIM"),
        ("x.parquet", "unknown", "", ""),
        ("", "unknown", "", ""),
    ],
)
def test_a_path_tells_what_a_file_is(path: str, role: str, data_type: str, identifier: str) -> None:
    located = layout.locate(path)
    assert (located.role, located.data_type, located.identifier) == (role, data_type, identifier)
    assert f"{located.directory}/{located.name}".lstrip("/") == path


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("data/quotes/A.B/2024-07-01T23-58-01-218485389Z_2024-07-02T00-01-59-824434324Z.parquet", ""),
        ("data/quote_tick/A.B/part-0.parquet", "consolidation and deletion do not see it"),
        ("data/equity/A.B/part-0.parquet", "do not see it"),
        ("data/quote_tick/A.B/quotes_2024.parquet", "fails with a ValueError"),
        ("data/quote_tick/part-0.parquet", "directly in data/quote_tick"),
        ("data/quote_tick/A.B/2024/x.parquet", "too deep below data/quote_tick"),
        ("data/order_filled/A.B/x.parquet", "no data type"),
        ("quotes.parquet", "not below data/"),
    ],
)
def test_foreign_places_and_names_have_a_note(path: str, note: str) -> None:
    found = layout.locate(path).note
    assert note in found
    assert bool(found) == bool(note)


@pytest.mark.parametrize(("name", "outcome"), [("part-0", [1, []]), ("quotes_2024", "ValueError")])
def test_the_notes_on_names_are_what_1_231_does(tmp_path: Path, name: str, outcome: object) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [5]), instrument_id="A.B").files_after
    path = tmp_path / file.path
    path.rename(path.with_name(f"{name}.parquet"))
    done = run_python(_QUERY, str(tmp_path))
    assert json.loads(done.stdout) == outcome, done.stderr[-2000:]


@given(st.text(max_size=60))
def test_locating_never_fails(path: str) -> None:
    assert layout.locate(path).role in {"data", "definition", "unknown"}


def test_identifiers_lose_their_slashes() -> None:
    assert layout.identifier("EUR/USD.SIM") == "EURUSD.SIM"
    bars = layout.dataset_path("bar", "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL")
    assert bars == "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL"
    assert layout.dataset_path("quote", "EUR/USD.SIM", "v2") == "data/quotes/EURUSD.SIM"


@pytest.mark.parametrize("text", ["", "/", "..", "../", ".", "a\\b", "a\0b", " a", "x" * 256])
def test_identifiers_cannot_leave_their_directory(text: str) -> None:
    with pytest.raises(ValueError, match="director"):
        layout.identifier(text)


def test_unknown_types_and_classes_have_no_directory() -> None:
    with pytest.raises(ValueError, match="data type"):
        layout.dataset_path("quotes", "A.B")
    with pytest.raises(ValueError, match="instrument class"):
        layout.definition_path("stock", "A.B")


def test_instrument_directories_are_those_of_the_installed_nautilus_trader() -> None:
    from nautilus_trader.persistence.funcs import class_to_filename
    from nautilus_trader.serialization.arrow.implementations.instruments import SCHEMAS

    assert {class_to_filename(cls) for cls in SCHEMAS} == layout.INSTRUMENT_DIRECTORIES
