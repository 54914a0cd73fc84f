"""What files say about themselves, and which do not."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.footer import Footer, read_footer
from catalog_app.store.layout import locate, parse_file_name
from catalog_app.store.listing import list_files
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import BAR_TYPE, INSTRUMENT, frame, write
from catalog_app.tests.store.trees import put


def footers(store: str) -> dict[str, Footer]:
    root = market_path(store)
    return {file.path: read_footer(root, file.path) for file in list_files(root)}


def test_our_own_files_describe_themselves(tmp_path: Path) -> None:
    [file] = write(tmp_path, "bar", frame("bar", [5, 9]), price_precision=5, size_precision=2).files_after
    footer = read_footer(tmp_path, file.path)
    assert (footer.rows, footer.row_groups, footer.start_ns, footer.end_ns) == (2, 1, 5, 9)
    assert (footer.dialect, footer.data_type, footer.compression, footer.supported) == ("v1-16", "bar", "ZSTD", True)
    assert (footer.instrument_id, footer.bar_type) == (INSTRUMENT, BAR_TYPE)
    assert (footer.price_precision, footer.size_precision) == (5, 2)
    assert footer.columns == ("open", "high", "low", "close", "volume", "ts_event", "ts_init")


def rows_by_type(found: dict[str, Footer]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for path, footer in found.items():
        rows[footer.data_type or locate(path).role] += footer.rows
    return rows


def test_the_store_of_1_231_has_its_known_rows() -> None:
    found = footers("stores/nautilus-1.231")
    assert rows_by_type(found) == {
        "quote": 11_788,
        "bar": 22_750,
        "trade": 130,
        "delta": 13_786,
        "depth10": 10,
        "definition": 6,
    }
    assert {footer.dialect for footer in found.values()} == {"v1-16"}
    types = {footer.data_type for footer in found.values() if footer.supported}
    assert types == {"quote", "trade", "bar", "delta", "depth10"}


@pytest.mark.parametrize(
    ("store", "dialect"), [("stores/nautilus-2.0.0rc7", "v2"), ("stores/nautilus-2.0.0rc4", "rc4")]
)
def test_stores_of_2_0_have_their_known_rows(store: str, dialect: str) -> None:
    found = footers(store)
    assert {footer.dialect for footer in found.values()} == {dialect}
    assert all(footer.supported for path, footer in found.items() if locate(path).role == "data")
    if dialect == "v2":
        rows = rows_by_type(found)
        assert rows == rows_by_type(footers("stores/nautilus-1.231")) - Counter(definition=3)
    else:
        assert rows_by_type(found) == {"quote": 5, "trade": 5, "bar": 5}


@pytest.mark.parametrize("store", ["nautilus-1.231", "nautilus-2.0.0rc7", "nautilus-2.0.0rc4"])
def test_ranges_are_those_that_honest_names_promise(store: str) -> None:
    for path, footer in footers(f"stores/{store}").items():
        assert (footer.start_ns, footer.end_ns) == parse_file_name(path.rsplit("/", 1)[1]), path


@pytest.mark.parametrize(("width", "dialect"), [("64-bit", "v1-8"), ("128-bit", "v1-16")])
def test_single_files_are_told_by_their_columns(width: str, dialect: str) -> None:
    root = market_path(f"nautilus-files/{width}")
    known = {
        "bars.parquet": ("bar", 10),
        "trades.parquet": ("trade", 100),
        "quotes-3-groups-filter-query.parquet": ("quote", 15_000),
    }
    for name, (data_type, rows) in known.items():
        footer = read_footer(root, name)
        assert (footer.rows, footer.dialect, footer.data_type) == (rows, dialect, data_type)
        assert footer.supported


def test_ranges_come_from_the_rows_where_statistics_are_missing(tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [5, 6, 2**62])).files_after
    path = tmp_path / file.path
    pq.write_table(pq.read_table(path, partitioning=None), path, write_statistics=False)
    footer = read_footer(tmp_path, file.path)
    assert (footer.start_ns, footer.end_ns) == (5, 2**62)


def test_a_file_without_rows_has_no_range(tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [5])).files_after
    path = tmp_path / file.path
    pq.write_table(pq.read_table(path, partitioning=None).slice(0, 0), path)
    footer = read_footer(tmp_path, file.path)
    assert (footer.rows, footer.start_ns, footer.end_ns) == (0, None, None)


def whole_file(root: Path) -> tuple[str, bytes]:
    [file] = write(root, "quote", frame("quote", [5, 6])).files_after
    return file.path, (root / file.path).read_bytes()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: b"", "empty"),
        (lambda whole: whole[: len(whole) // 2], "whole Parquet"),
        (lambda whole: whole[:-1], "whole Parquet"),
        (lambda _: b"PAR1", "whole Parquet"),
        (lambda _: b"not parquet at all, but long enough to be one", "whole Parquet"),
        (lambda whole: whole[:-8] + b"\xff\xff\xff\x7fPAR1", "whole Parquet"),
        (lambda whole: whole[:-300] + b"\x00" * 200 + whole[-100:], "whole Parquet"),
    ],
)
def test_damaged_files_are_unreadable_with_a_reason(tmp_path: Path, spoil, reason: str) -> None:
    path, whole = whole_file(tmp_path)
    (tmp_path / path).write_bytes(spoil(whole))
    with pytest.raises(UnreadableFile, match=reason) as caught:
        read_footer(tmp_path, path)
    assert caught.value.path == path


def test_no_byte_flipped_in_the_footer_escapes_as_another_error(tmp_path: Path) -> None:
    path, whole = whole_file(tmp_path)
    length = int.from_bytes(whole[-8:-4], "little")
    outcomes = Counter[str]()
    for at in range(len(whole) - 8 - length, len(whole), 7):
        (tmp_path / path).write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_footer(tmp_path, path)
            outcomes["read"] += 1
        except (UnreadableFile, UnsupportedFile):
            outcomes["refused"] += 1
    assert outcomes["refused"] > 10


def test_a_missing_file_and_a_directory_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "data" / "d.parquet").mkdir(parents=True)
    for path in ("data/none.parquet", "data/d.parquet"):
        with pytest.raises(UnreadableFile):
            read_footer(tmp_path, path)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"x": [1]}), "no ts_init"),
        (pa.table({"ts_init": ["2020"]}), "not nanoseconds"),
        (pa.table({"ts_init": pa.array([1], pa.timestamp("us", "UTC"))}), "not nanoseconds"),
        (pa.table({"bid_price": [1.5], "ts_init": pa.array([1], pa.uint64())}), "bid_price is double"),
        (pa.table([[1]] * 2 + [pa.array([1], pa.uint64())], ["x", "x", "ts_init"]), "several columns named x"),
        (pa.table({"ts_init": pa.array([1], pa.uint64())}), "bid_price of a quote file is missing"),
    ],
)
def test_foreign_parquet_is_unsupported_with_a_reason(tmp_path: Path, table: pa.Table, reason: str) -> None:
    path = put(tmp_path, "data/quote_tick/X.Y/x.parquet", "")
    pq.write_table(table, path)
    with pytest.raises(UnsupportedFile, match=reason):
        read_footer(tmp_path, "data/quote_tick/X.Y/x.parquet")


@pytest.mark.parametrize("metadata", [{"price_precision": "17"}, {"size_precision": "-1"}, {"price_precision": "x"}])
def test_impossible_precisions_are_named(tmp_path: Path, metadata: dict[str, str]) -> None:
    path, _ = whole_file(tmp_path)
    table = pq.read_table(tmp_path / path, partitioning=None)
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / path)
    with pytest.raises(UnsupportedFile, match="precision"):
        read_footer(tmp_path, path)


def test_times_beyond_2262_are_named(tmp_path: Path) -> None:
    path, _ = whole_file(tmp_path)
    table = pq.read_table(tmp_path / path, partitioning=None)
    stamps = pa.array([5, 2**63 + 5], pa.uint64())
    at = table.schema.get_field_index("ts_init")
    pq.write_table(table.set_column(at, table.schema.field(at), stamps), tmp_path / path)
    with pytest.raises(UnsupportedFile, match="1970 to 2262"):
        read_footer(tmp_path, path)
