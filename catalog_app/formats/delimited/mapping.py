"""How a delimited file is to be read: what the user confirms in the mapping form, kept as JSON."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Final, Self

from catalog_app.formats.delimited.encoding import ENCODINGS
from catalog_app.formats.delimited.zones import check_zone
from catalog_app.formats.errors import FormatError
from catalog_app.store.decimals import parse_raw

DELIMITERS: Final = (",", "\t", ";", "|", " ")
STAMPS: Final = ("open", "close")
EPOCHS: Final = {"epoch_s": 10**9, "epoch_ms": 10**6, "epoch_us": 10**3, "epoch_ns": 1}
# NautilusTrader's own default (QuoteTickDataWrangler): with a size of 0 its order book stays empty and nothing fills.
DEFAULT_QUOTE_SIZE: Final = "1000000"

REQUIRED: Final = {
    "quote": ("bid_price", "ask_price"),
    "trade": ("price", "size"),
    "bar": ("open", "high", "low", "close"),
}
OPTIONAL: Final = {
    "quote": ("bid_size", "ask_size", "ts_init"),
    "trade": ("aggressor_side", "is_buyer_maker", "trade_id", "ts_init"),
    "bar": ("volume", "ts_init"),
}
MAX_SKIP_LINES: Final = 100_000
TIME_FIELDS: Final = ("timestamp", "date", "time")


@dataclass(frozen=True, slots=True)
class Mapping:
    """Field -> column, and how to read the text.

    columns: canonical field -> column name, or position from 0. Time is `timestamp`, or `date` and `time` in two
    columns; `ts_init` is optional (same time format). Trades take `aggressor_side` or `is_buyer_maker`.
    time_format: iso, epoch_s, epoch_ms, epoch_us, epoch_ns, or strptime directives of Polars (chrono).
    timezone: IANA name or fixed "UTC-05:00"; counts only where the text has no offset.
    stamp, interval_ns: bars only. An open-stamped bar is moved to its close by interval_ns; close-stamped is kept.
    default_size: quotes without sizes get this one. missing_volume_as_zero: an empty volume cell is no error.
    skip_lines: lines before the header (or before the first row).
    """

    data_type: str
    columns: dict[str, str | int]
    delimiter: str = ","
    has_header: bool = True
    encoding: str = "utf-8"
    time_format: str = "iso"
    timezone: str = "UTC"
    stamp: str = "open"
    interval_ns: int | None = None
    decimal_mark: str = "."
    default_size: str = DEFAULT_QUOTE_SIZE
    missing_volume_as_zero: bool = False
    skip_lines: int = 0

    def to_json(self) -> str:
        """As JSON text; from_json gives an equal mapping."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From JSON text; FormatError for anything that is not a valid mapping."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise FormatError(f"the mapping is not JSON ({error})", action="Send an object.") from error
        if not isinstance(content, dict):
            raise FormatError("the mapping is not a JSON object")
        unknown = content.keys() - {f.name for f in fields(cls)}
        if unknown:
            raise FormatError(f"the mapping has unknown entries: {', '.join(sorted(unknown))}")
        try:
            mapping = cls(**content)
        except TypeError as error:
            raise FormatError(f"the mapping is incomplete: {error}") from error
        mapping.check()
        return mapping

    def check(self) -> None:
        """Raise FormatError, with what to do, unless a file can be read by this mapping."""
        self._check_kinds()
        self._check_choices()
        self._check_columns()
        if self.data_type == "bar" and self.stamp == "open" and not self.interval_ns:
            raise FormatError(
                "open-stamped bars need a fixed length to find their close; these have none (months, ticks)",
                "interval",
                "Give the bar interval, or choose close-stamped if the times are the closes.",
            )

    def _check_kinds(self) -> None:
        texts = (
            "data_type",
            "delimiter",
            "encoding",
            "time_format",
            "timezone",
            "stamp",
            "decimal_mark",
            "default_size",
        )
        for name in texts:
            if not isinstance(getattr(self, name), str):
                raise FormatError(f"{getattr(self, name)!r} is no text", name)
        for name in ("has_header", "missing_volume_as_zero"):
            if not isinstance(getattr(self, name), bool):
                raise FormatError(f"{getattr(self, name)!r} is neither true nor false", name)
        if not isinstance(self.columns, dict):
            raise FormatError("it is no object of field -> column", "columns")
        for field, column in self.columns.items():
            if isinstance(column, bool) or not isinstance(column, str | int):
                raise FormatError(f"{column!r} for {field} is neither a column's name nor its position", "columns")

    def _check_choices(self) -> None:
        for name, value, allowed in (
            ("data_type", self.data_type, tuple(REQUIRED)),
            ("delimiter", self.delimiter, DELIMITERS),
            ("encoding", self.encoding, ENCODINGS),
            ("stamp", self.stamp, STAMPS),
            ("decimal_mark", self.decimal_mark, (".", ",")),
        ):
            if value not in allowed:
                raise FormatError(f"{value!r} is not possible", name, f"Choose one of {', '.join(map(repr, allowed))}.")
        if not isinstance(self.skip_lines, int) or not 0 <= self.skip_lines <= MAX_SKIP_LINES:
            what = f"{self.skip_lines!r} is not a number of lines from 0 to {MAX_SKIP_LINES:,}"
            raise FormatError(what, "skip_lines")
        if self.interval_ns is not None and (not isinstance(self.interval_ns, int) or self.interval_ns <= 0):
            raise FormatError(f"{self.interval_ns!r} is not a length in ns", "interval_ns")
        if self.time_format != "iso" and self.time_format not in EPOCHS and "%" not in self.time_format:
            raise FormatError(
                f"{self.time_format!r} is no time format",
                "time_format",
                "Use iso, epoch_ms … or a form such as %Y%m%d.",
            )
        try:
            if parse_raw(self.default_size) < 0:
                raise ValueError("negative")
        except ValueError as error:
            raise FormatError(f"{self.default_size!r} is no size ({error})", "default_size") from error
        check_zone(self.timezone)

    def _check_columns(self) -> None:
        known = {*TIME_FIELDS, *REQUIRED[self.data_type], *OPTIONAL[self.data_type]}
        unknown = [name for name in self.columns if name not in known]
        if unknown:
            raise FormatError(f"a {self.data_type} has no field {', '.join(unknown)}", "columns")
        missing = [name for name in REQUIRED[self.data_type] if name not in self.columns]
        if "timestamp" not in self.columns and not {"date", "time"} <= self.columns.keys():
            missing.insert(0, "timestamp")
        if missing:
            raise FormatError(
                f"no column is chosen for {', '.join(missing)}", "columns", f"A {self.data_type} cannot do without."
            )
        if "timestamp" in self.columns and {"date", "time"} & self.columns.keys():
            raise FormatError("both a timestamp and separate date and time are chosen", "columns", "Choose one way.")
        if {"aggressor_side", "is_buyer_maker"} <= self.columns.keys():
            raise FormatError("both aggressor_side and is_buyer_maker are chosen", "columns", "Choose one of them.")

    def resolve(self, header: list[str] | None, field_count: int, where: str) -> dict[str, int]:
        """Positions (from 0) of the mapped columns; FormatError names a column that the file does not have."""
        positions: dict[str, int] = {}
        for name, column in self.columns.items():
            if isinstance(column, int):
                position = column
            elif header is not None and column in header:
                position = header.index(column)
            else:
                position = -1
            if not 0 <= position < field_count:
                has = f"columns are {', '.join(header)}" if header else f"there are {field_count} columns"
                raise FormatError(
                    f"there is no column {column!r} for {name}; {has}", where, "Choose another column in the mapping."
                )
            positions[name] = position
        return positions
