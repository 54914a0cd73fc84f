"""What a delimited file is, and how it should most likely be mapped."""

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import polars as pl

from catalog_app.formats.delimited.headerless import guess_layout
from catalog_app.formats.delimited.mapping import DEFAULT_QUOTE_SIZE, REQUIRED, Mapping
from catalog_app.formats.delimited.names import guess_fields, guess_times, normalise
from catalog_app.formats.delimited.sample import Sample, read_sample
from catalog_app.formats.delimited.source import DEFAULT_MAX_BYTES
from catalog_app.formats.delimited.time_formats import guess_time_format, has_offset, is_clock
from catalog_app.formats.delimited.times import parse_times
from catalog_app.formats.errors import FormatError
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS

_SHOWN_ROWS: Final = 20
_FOUR_WEEKS_NS: Final = 28 * 86_400 * 10**9
# HistData documents its times as EST without daylight saving.
_HISTDATA_ZONE: Final = "UTC-05:00"


@dataclass(frozen=True, slots=True)
class Detection:
    """What the head of a file shows, and the mapping to propose; every guess can be changed by the user.

    columns: header, or "column 1" …; column_types: time, number, boolean, text or empty, per column.
    data_type: None when it cannot be told. mapping: canonical field -> column name, or position from 0 without header.
    price_precision, size_precision: most decimals seen. interval_ns: the most frequent step of bars.
    warnings: what may be wrong. hints: what the user should know to choose.
    """

    compression: str
    encoding: str
    delimiter: str
    has_header: bool
    skip_lines: int
    columns: list[str]
    column_types: list[str]
    data_type: str | None
    mapping: dict[str, str | int]
    time_format: str | None
    timezone: str
    stamp: str
    interval_ns: int | None
    decimal_mark: str
    price_precision: int | None
    size_precision: int | None
    sample_rows: list[list[str]]
    rows_estimate: int
    vendor: str = ""
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def to_mapping(self, **changes: object) -> Mapping:
        """The proposed Mapping with the user's changes; check() it, or give it to parse_batches, which does."""
        proposed = Mapping(
            data_type=self.data_type or "",
            columns=self.mapping,
            delimiter=self.delimiter,
            has_header=self.has_header,
            encoding=self.encoding,
            time_format=self.time_format or "iso",
            timezone=self.timezone,
            stamp=self.stamp,
            interval_ns=self.interval_ns,
            decimal_mark=self.decimal_mark,
            skip_lines=self.skip_lines,
        )
        return replace(proposed, **changes)  # type: ignore[arg-type]


def detect(path: Path, original_name: str | None = None, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Detection:
    """Look at the first 256 KiB; FormatError (what, where, what to do) for what is no usable delimited text."""
    name = original_name or path.name
    sample = read_sample(path, name, max_bytes)
    mark = _decimal_mark(sample)
    columns = _columns(sample, mark)
    kinds = [_kind(texts) for texts in columns]
    if not {"time", "number"} & set(kinds):
        raise FormatError("no column holds times or numbers", name, "Upload bars, quotes or trades, one row per line.")
    data_type, mapping, vendor = _fields(sample, columns)
    texts = _time_texts(sample, columns, mapping)
    time_format, warning = guess_time_format(texts)
    warnings = [*sample.warnings, *([warning] if warning else [])]
    timezone, zone_hint = _timezone(sample, texts, time_format, mapping)
    interval = _interval_ns(texts, time_format, timezone) if data_type == "bar" else None
    return Detection(
        compression=sample.compression,
        encoding=sample.encoding,
        delimiter=sample.delimiter,
        has_header=sample.header is not None,
        skip_lines=sample.skip_lines,
        columns=sample.header or [f"column {at + 1}" for at in range(len(columns))],
        column_types=kinds,
        data_type=data_type,
        mapping=mapping,
        time_format=time_format,
        timezone=timezone,
        stamp=_stamp(mapping),
        interval_ns=interval,
        decimal_mark=mark,
        price_precision=_precision(PRICE_COLUMNS, data_type, sample, columns, mapping),
        size_precision=_precision(SIZE_COLUMNS, data_type, sample, columns, mapping),
        sample_rows=sample.rows[:_SHOWN_ROWS],
        rows_estimate=sample.rows_estimate,
        vendor=vendor,
        warnings=warnings + _missing(data_type, mapping, time_format, interval),
        hints=zone_hint + _hints(data_type, mapping),
    )


def _columns(sample: Sample, mark: str) -> list[list[str]]:
    """Sample texts per column, empty cells left out, decimal commas made points."""
    columns = [[row[at] for row in sample.typical if row[at]] for at in range(len(sample.rows[0]))]
    if mark == ".":
        return columns
    return [[text.replace(",", ".") if _is_number(text.replace(",", ".")) else text for text in c] for c in columns]


def _decimal_mark(sample: Sample) -> str:
    if sample.delimiter == ",":
        return "."
    cells = [cell for row in sample.typical for cell in row]
    commas = sum("," in cell and "." not in cell and _is_number(cell.replace(",", ".", 1)) for cell in cells)
    points = sum("." in cell and _is_number(cell) for cell in cells)
    return "," if commas > points else "."


def _fields(sample: Sample, columns: list[list[str]]) -> tuple[str | None, dict[str, str | int], str]:
    if sample.header is None:
        layout = guess_layout(columns)
        return layout.data_type, layout.columns, layout.vendor
    data_type, values = guess_fields(sample.header)
    times = _named_times(sample.header, columns)
    # A column is used once: what is taken for the time is no value.
    kept = {name: column for name, column in values.items() if column not in times.values()}
    return data_type, {**times, **kept}, ""


def _named_times(header: list[str], columns: list[list[str]]) -> dict[str, str]:
    named = guess_times(header)
    texts = dict(zip(reversed(header), reversed(columns), strict=True))
    times = (
        {"ts_init": named["ts_init"]} if "ts_init" in named and guess_time_format(texts[named["ts_init"]])[0] else {}
    )
    whole = [named[name] for name in ("timestamp", "date", "time") if name in named]
    if "date" in named and "time" in named and "timestamp" not in named and is_clock(texts[named["time"]]):
        return times | {"date": named["date"], "time": named["time"]}
    for column in [*whole, *header]:
        if column not in times.values() and guess_time_format(texts[column])[0]:
            return times | {"timestamp": column}
    # None can be read: the name still tells which column is meant.
    return times | {"timestamp": whole[0]} if whole else times


def _time_texts(sample: Sample, columns: list[list[str]], mapping: dict[str, str | int]) -> list[str]:
    def texts(name: str) -> list[str]:
        column = mapping[name]
        return columns[column if isinstance(column, int) else (sample.header or []).index(column)]

    if "timestamp" in mapping:
        return texts("timestamp")
    if "date" in mapping:
        return [f"{date} {time}" for date, time in zip(texts("date"), texts("time"), strict=False)]
    return []


def _timezone(
    sample: Sample, texts: list[str], time_format: str | None, mapping: dict[str, str | int]
) -> tuple[str, list[str]]:
    if time_format is None or has_offset(texts, time_format):
        return "UTC", []
    if sample.header is None and time_format in {"%Y%m%d %H%M%S%3f", "%Y%m%d %H%M%S"}:
        return _HISTDATA_ZONE, ["The form is HistData's: its times are EST without daylight saving, so UTC-05:00."]
    named = normalise(str(mapping.get("timestamp", "")))
    if "utc" in named or "gmt" in named:
        return "UTC", []
    return "UTC", ["The times do not say their zone: UTC is assumed. Choose the vendor's zone if it is another."]


def _interval_ns(texts: list[str], time_format: str | None, timezone: str) -> int | None:
    """The most frequent step between neighbours; None for months and when there is no step."""
    if time_format is None or len(texts) < 2:
        return None
    times = parse_times(pl.Series(texts, dtype=pl.String), time_format, timezone).drop_nulls().to_list()
    steps = Counter(later - earlier for earlier, later in itertools.pairwise(times) if later > earlier)
    if not steps:
        return None
    step = steps.most_common(1)[0][0]
    return step if step < _FOUR_WEEKS_NS else None


def _stamp(mapping: dict[str, str | int]) -> str:
    named = normalise(str(mapping.get("timestamp", "")))
    return "close" if "ts_init" in mapping or named.startswith("closetime") else "open"


def _precision(
    fields: dict[str, tuple[str, ...]],
    data_type: str | None,
    sample: Sample,
    columns: list[list[str]],
    mapping: dict[str, str | int],
) -> int | None:
    """Most decimals of the mapped columns in the sample, trailing zeros not counted; None without such a column."""
    most = None
    for name in fields.get(data_type or "", ()):
        column = mapping.get(name)
        if column is None:
            continue
        texts = columns[column if isinstance(column, int) else (sample.header or []).index(column)]
        decimals = [len(text.partition(".")[2].rstrip("0")) for text in texts if "e" not in text.lower()]
        most = max([most or 0, *decimals])
    return most


def _missing(
    data_type: str | None, mapping: dict[str, str | int], time_format: str | None, interval: int | None
) -> list[str]:
    found = []
    if data_type is None:
        known = ", ".join(REQUIRED)
        found.append(f"The columns are none of {known} by name or position: choose the data type and the columns.")
    if time_format is None:
        found.append("No column with times was recognised: choose it and its format.")
    if data_type == "bar" and interval is None and "ts_init" not in mapping:
        found.append("The bar interval cannot be told from the first rows: give it, or choose close-stamped.")
    return found


def _hints(data_type: str | None, mapping: dict[str, str | int]) -> list[str]:
    hints = []
    if data_type == "bar" and "volume" not in mapping:
        hints.append("There is no volume: bars get 0.")
    if data_type == "quote" and not {"bid_size", "ask_size"} <= mapping.keys():
        hints.append(
            f"There are no sizes: quotes get {DEFAULT_QUOTE_SIZE}, NautilusTrader's own default. With 0 its order book "
            "stays empty and a backtest fills nothing."
        )
    if data_type == "trade" and "trade_id" not in mapping:
        hints.append("There are no trade ids: each gets its time and line number.")
    if data_type == "trade" and not {"aggressor_side", "is_buyer_maker"} & mapping.keys():
        hints.append("There is no side: the aggressor stays unknown.")
    return hints


def _kind(texts: list[str]) -> str:
    if not texts:
        return "empty"
    if guess_time_format(texts)[0]:
        return "time"
    if all(map(_is_number, texts)):
        return "number"
    if is_clock(texts):
        return "time"
    return "boolean" if all(text.lower() in {"true", "false"} for text in texts) else "text"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
