"""What comes in as text goes out as the same text: import, store and export of rows over all that is allowed."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_app.formats.delimited import Mapping, detect
from catalog_app.formats.delimited.mapping import EPOCHS
from catalog_app.models import Dataset, Store
from catalog_app.services.exporting import ExportRequest, export_now
from catalog_app.services.importing import ImportRequest, import_now
from catalog_app.services.stores import register_store
from catalog_app.services.uploads import keep_local_file
from catalog_app.store.reader import scan
from catalog_app.store.schema import CANONICAL, INT64_MAX, PRICE_COLUMNS, PRICE_MAX_RAW, QUANTITY_MAX_RAW, SIZE_COLUMNS

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(240)]

SECOND = 10**9
# Decimal rounds to 28 digits otherwise.
EXACT = Context(prec=60)
MINUTE = 60 * SECOND
# The last whole second that the parser takes; NautilusTrader itself ends with 64 bits of nanoseconds.
LAST_SECOND = INT64_MAX // SECOND - 1
# UNIX times of 1973 and later tell their unit by their size; earlier ones need to be told.
FIRST_TOLD_BY_SIZE = 10**17
ZONES = ("UTC", "UTC-05:00", "UTC+05:30", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
PATTERNS = {"%d.%m.%Y %H:%M:%S%.f": "{:%d.%m.%Y %H:%M:%S}.{:09d}", "%Y%m%d %H%M%S": "{:%Y%m%d %H%M%S}"}
SIDES = {0: ("", "NO_AGGRESSOR", "none"), 1: ("BUYER", "buy", "B", "1"), 2: ("SELLER", "sell", "S", "-1")}
FIELDS = {
    "quote": ("bid_price", "ask_price", "bid_size", "ask_size"),
    "trade": ("price", "size", "aggressor_side", "trade_id"),
    "bar": ("open", "high", "low", "close", "volume"),
}
TRADE_IDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=36).filter(str.strip)


@dataclass
class File:
    """A vendor's file, how to read it, and the canonical rows that it means."""

    text: str
    mapping: Mapping
    price_precision: int
    size_precision: int
    rows: pl.DataFrame
    encoding: str = "utf-8"

    def __repr__(self) -> str:
        return f"{self.mapping}\n{self.price_precision} {self.size_precision}\n{self.text}"


@dataclass
class Style:
    """How a vendor writes times and numbers."""

    delimiter: str
    decimal_mark: str
    time_format: str
    zone: str
    split_time: bool
    stamp: str
    number: Callable[[int, int], str] = field(repr=False)

    def time(self, ns: int) -> str:
        """A moment as text: UNIX time, or the clock of the zone."""
        if self.time_format in EPOCHS:
            return str(ns // EPOCHS[self.time_format])
        clock = local(ns, self.zone)
        if self.time_format == "iso":
            fraction = f".{ns % SECOND:09d}" if ns % SECOND else ""
            separator = "T" if self.delimiter == " " else " "
            return f"{clock:%Y-%m-%d{separator}%H:%M:%S}{fraction}"
        return PATTERNS[self.time_format].format(clock, ns % SECOND)

    @property
    def step_ns(self) -> int:
        """The finest time that it can write."""
        if self.time_format in EPOCHS:
            return EPOCHS[self.time_format]
        return SECOND if self.time_format == "%Y%m%d %H%M%S" else 1


def local(ns: int, zone: str) -> datetime:
    """The clock of a zone, without the fraction of the second."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND)
    if zone.startswith("UTC"):
        hours, minutes = zone[4:].split(":") if zone != "UTC" else ("0", "0")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return moment.astimezone(timezone(-offset if "-" in zone else offset))
    return moment.astimezone(ZoneInfo(zone))


def is_unique(ns: int, zone: str) -> bool:
    """Whether the clock shows this time once only: not in the hour that is repeated in autumn.

    Polars knows the rules of summer time until 2099.
    """
    clock = local(ns, zone)
    if clock.year > 2099 and not zone.startswith("UTC"):
        return False
    return clock.replace(fold=0).utcoffset() == clock.replace(fold=1).utcoffset()


def plain(raw: int, digits: int) -> str:
    """All decimals."""
    whole, fraction = divmod(raw, 10**16)
    return f"{whole}.{fraction:016d}"[: None if digits == 16 else digits - 16].rstrip(".")


def short(raw: int, digits: int) -> str:
    """Without zeros at the end, and without a zero before the point."""
    text = plain(raw, 16).rstrip("0").rstrip(".")
    return text[1:] if text.startswith("0.") else text


def scientific(raw: int, digits: int) -> str:
    """With an exponent."""
    significant = str(raw).rstrip("0") or "0"
    exponent = len(str(raw)) - len(significant) - 16
    return f"{significant}e{exponent}"


@st.composite
def styles(draw: st.DrawFn) -> Style:
    delimiter = draw(st.sampled_from((",", "\t", ";", "|", " ")))
    time_format = draw(st.sampled_from(("iso", *EPOCHS, *PATTERNS)))
    spaced = time_format not in EPOCHS and not (time_format == "iso" and delimiter == " ")
    return Style(
        delimiter=delimiter,
        decimal_mark="." if delimiter == "," else draw(st.sampled_from((".", ","))),
        time_format=time_format,
        zone=draw(st.sampled_from(ZONES)),
        split_time=spaced and (delimiter == " " or draw(st.booleans())),
        stamp=draw(st.sampled_from(("open", "close"))),
        number=draw(st.sampled_from((plain, short, scientific))),
    )


@st.composite
def files(draw: st.DrawFn, data_type: str) -> File:
    style = draw(styles())
    price_precision, size_precision = draw(st.integers(0, 16)), draw(st.integers(0, 16))
    count = draw(st.integers(1, 6))
    columns: dict[str, list[Any]] = {}
    for name in PRICE_COLUMNS[data_type]:
        columns[name] = draw(numbers(count, price_precision, 1, PRICE_MAX_RAW))
    for name in SIZE_COLUMNS[data_type]:
        columns[name] = draw(numbers(count, size_precision, 1 if data_type == "trade" else 0, QUANTITY_MAX_RAW))
    if data_type == "bar":
        spans = [sorted(prices) for prices in zip(*(columns[name] for name in PRICE_COLUMNS["bar"]), strict=True)]
        columns["low"], columns["high"] = [span[0] for span in spans], [span[3] for span in spans]
    if data_type == "trade":
        columns["aggressor_side"] = draw(st.lists(st.sampled_from((0, 1, 2)), min_size=count, max_size=count))
        columns["trade_id"] = draw(st.lists(TRADE_IDS, min_size=count, max_size=count))
    times = draw(moments(count, style, unique=data_type == "bar"))
    rows = pl.DataFrame({**columns, "ts_event": times, "ts_init": times}, schema=CANONICAL[data_type], strict=True)
    text, mapping = written(draw, data_type, style, columns, times, (price_precision, size_precision))
    return File(text, mapping, price_precision, size_precision, rows)


def numbers(count: int, precision: int, least: int, most_raw: int) -> st.SearchStrategy[list[int]]:
    """Raw values with so many decimals, from `least` units of the last one to NautilusTrader's limit."""
    unit = 10 ** (16 - precision)
    values = st.integers(least, most_raw // unit) | st.integers(least, 10**6) | st.just(most_raw // unit)
    return st.lists(values.map(lambda value: value * unit), min_size=count, max_size=count)


def moments(count: int, style: Style, *, unique: bool) -> st.SearchStrategy[list[int]]:
    """Rising times in ns that the style can write, and that its clock shows once."""
    shift = MINUTE if style.stamp == "open" else 0
    steps = st.integers(2 * 86_400 * SECOND // style.step_ns, (LAST_SECOND - 86_400) * SECOND // style.step_ns)
    readable = steps.map(lambda step: step * style.step_ns).filter(
        lambda ns: is_unique(ns, style.zone) and is_unique(ns - shift, style.zone)
    )
    return st.lists(readable, min_size=count, max_size=count, unique=unique).map(sorted)


def written(
    draw: st.DrawFn,
    data_type: str,
    style: Style,
    columns: dict[str, list[Any]],
    times: list[int],
    precisions: tuple[int, int],
) -> tuple[str, Mapping]:
    """The rows as the style writes them, columns in any order, with or without a header."""
    shift = MINUTE if data_type == "bar" and style.stamp == "open" else 0
    stamps = [style.time(ns - shift) for ns in times]
    cells: dict[str, list[str]] = {"timestamp": stamps}
    if style.split_time:
        cells = {"date": [text.split(" ")[0] for text in stamps], "time": [text.split(" ")[1] for text in stamps]}
    for name in FIELDS[data_type]:
        if name == "aggressor_side":
            cells[name] = [draw(st.sampled_from(SIDES[side])) for side in columns[name]]
        elif name == "trade_id":
            cells[name] = columns[name]
        else:
            digits = precisions[0] if name in PRICE_COLUMNS[data_type] else precisions[1]
            cells[name] = [style.number(raw, digits).replace(".", style.decimal_mark) for raw in columns[name]]
    order, has_header = draw(st.permutations(list(cells))), draw(st.booleans())
    out = io.StringIO()
    writer = csv.writer(out, delimiter=style.delimiter, lineterminator=draw(st.sampled_from(("\n", "\r\n"))))
    writer.writerows([[f"my {name}" for name in order]] if has_header else [])
    writer.writerows(zip(*(cells[name] for name in order), strict=True))
    mapping = Mapping(
        data_type=data_type,
        columns={name: f"my {name}" if has_header else at for at, name in enumerate(order)},
        delimiter=style.delimiter,
        has_header=has_header,
        time_format=style.time_format,
        timezone=style.zone,
        stamp=style.stamp,
        interval_ns=MINUTE if data_type == "bar" else None,
        decimal_mark=style.decimal_mark,
    )
    return out.getvalue(), mapping


def bring_in(path: Path, mapping: Mapping, precisions: tuple[int, int], place: Path) -> Dataset:
    """Import a file into a store of its own."""
    root = place / f"store-{uuid.uuid4().hex}"
    (root / "data").mkdir(parents=True)
    store: Store = register_store(root)
    definition = {
        "instrument_class": "currency_pair",
        "currency": "USD",
        "base_currency": "BTC",
        "price_precision": precisions[0],
        "size_precision": precisions[1],
    }
    bar_type = "BTC/USD.SIM-1-MINUTE-LAST-EXTERNAL" if mapping.data_type == "bar" else ""
    upload = keep_local_file(path, None)
    request = ImportRequest(upload, store, mapping, "BTC/USD.SIM", bar_type=bar_type, new_instrument=definition)
    item, job = import_now(request)
    assert job.error == ""
    assert item.dataset is not None
    return item.dataset


def rows_of(dataset: Dataset) -> pl.DataFrame:
    return scan(Path(dataset.store.root), [f.path for f in dataset.files.all()], dataset.data_type).collect()


def assert_round_trip(file: File, place: Path, timestamp_format: str) -> None:
    """Import, export as CSV and Parquet, import the CSV again by what is detected in it: always the same rows."""
    source = place / "vendor.csv"
    source.write_bytes(file.text.encode())
    precisions = file.price_precision, file.size_precision
    dataset = bring_in(source, file.mapping, precisions, place)
    assert rows_of(dataset).equals(file.rows)

    if file.rows["ts_init"][0] < FIRST_TOLD_BY_SIZE:
        timestamp_format = "iso"
    exported, job = export_now(ExportRequest(dataset, "csv", "none", timestamp_format=timestamp_format))
    assert job.error == ""
    detected = detect(Path(exported.file_path))
    assert detected.warnings == []
    again = bring_in(Path(exported.file_path), detected.to_mapping(), precisions, place)
    assert rows_of(again).equals(file.rows)

    parquet, _ = export_now(ExportRequest(dataset, "parquet", "zstd"))
    frame = pl.read_parquet(parquet.file_path)
    assert frame["ts_init"].dt.epoch("ns").to_list() == file.rows["ts_init"].to_list()
    for name in PRICE_COLUMNS[file.mapping.data_type] + SIZE_COLUMNS[file.mapping.data_type]:
        digits = precisions[0] if name in PRICE_COLUMNS[file.mapping.data_type] else precisions[1]
        assert [int(value.scaleb(16, EXACT)) for value in frame[name]] == file.rows[name].to_list()
        assert frame.schema[name] == pl.Decimal(38, digits)


relaxed = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
formats = st.sampled_from(("iso", "epoch_ns"))


@relaxed
@given(file=files("bar"), timestamp_format=formats)
def test_bars(file: File, timestamp_format: str, tmp_path: Path) -> None:
    assert_round_trip(file, tmp_path, timestamp_format)


@relaxed
@given(file=files("quote"), timestamp_format=formats)
def test_quotes(file: File, timestamp_format: str, tmp_path: Path) -> None:
    assert_round_trip(file, tmp_path, timestamp_format)


@relaxed
@given(file=files("trade"), timestamp_format=formats)
def test_trades(file: File, timestamp_format: str, tmp_path: Path) -> None:
    assert_round_trip(file, tmp_path, timestamp_format)
