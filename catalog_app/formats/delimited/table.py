"""A block of lines as a frame of text cells, every row with its true line number and what is wrong with its shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

_REPLACEMENT: Final = "�"
# U+001F: does not occur in text, so that a "row" of one column is the whole line.
_NO_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class TableShape:
    """How lines become cells: `fields` per line, and the positions (from 0) of those that are wanted."""

    delimiter: str
    fields: int
    wanted: tuple[int, ...]


def read_lines(block: bytes) -> pl.Series:
    """The lines of a block, without line ends."""
    return _read(block, _NO_SEPARATOR, ["line"], [0], quote=None).to_series()


def read_table(block: bytes, shape: TableShape, first_line: int) -> pl.DataFrame:
    """Columns: line (Int64, counted from `first_line`), fault (String, null when well formed), "#<position>" as text.

    Blank lines are left out. A record is one line: a quoted cell cannot hold a line end.
    """
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    quoted = b'"' in block
    cells = _cells(block, shape, quoted=quoted)
    if cells is not None and cells.height == lines and _well_formed(block, cells, shape, lines):
        table = cells.drop("overflow").with_columns(fault=pl.lit(None, dtype=pl.String))
    else:
        table = _faulty_table(block, shape)
    named = table.with_row_index("line").with_columns(pl.col("line").cast(pl.Int64) + first_line)
    return named.filter(pl.col("fault").is_null() | (pl.col("fault") != "blank"))


def _well_formed(block: bytes, cells: pl.DataFrame, shape: TableShape, lines: int) -> bool:
    """Cheap proof that every line has the right number of fields; a quoted delimiter fails it, which costs time."""
    if block.count(shape.delimiter.encode()) != lines * (shape.fields - 1):
        return False
    if not block.isascii() and _REPLACEMENT.encode() in block:
        return False
    return bool((cells["overflow"] == "").all())


def _faulty_table(block: bytes, shape: TableShape) -> pl.DataFrame:
    """As the fast way, but line by line: faulty lines are emptied, so that they cannot harm their neighbours."""
    line = pl.col("line")
    # Delimiters inside quotes do not count.
    fields = line.str.replace_all('"[^"]*"', "").str.count_matches(shape.delimiter, literal=True) + 1
    # One empty field more is a trailing delimiter.
    trailing = (fields == shape.fields + 1) & line.str.ends_with(shape.delimiter)
    fault = (
        pl.when(line.str.strip_chars() == "")
        .then(pl.lit("blank"))
        .when(line.str.contains(_REPLACEMENT, literal=True))
        .then(pl.lit("bytes that are not of the file's encoding"))
        .when(line.str.count_matches('"', literal=True) % 2 == 1)
        .then(pl.lit('a quotation mark (") without its partner'))
        .when((fields != shape.fields) & ~trailing)
        .then(pl.format("{} fields instead of {}", fields, pl.lit(shape.fields)))
    )
    lines = read_lines(block).alias("line").to_frame().with_columns(fault=fault)
    kept = lines.select(pl.when(pl.col("fault").is_null()).then(line).otherwise(pl.lit("")))
    text = kept.to_series().str.join("\n").item() + "\n"
    cells = _cells(text.encode(), shape, quoted='"' in text)
    if cells is None or cells.height != lines.height:
        # Quotation marks that no reader agrees on: take the cells as they stand.
        cells = _cells(text.encode(), shape, quoted=False)
    assert cells is not None  # noqa: S101 - without quotes every text is a table
    return cells.drop("overflow").with_columns(lines["fault"])


def _cells(block: bytes, shape: TableShape, *, quoted: bool) -> pl.DataFrame | None:
    names = [f"#{position}" for position in range(shape.fields)] + ["overflow"]
    wanted = [*sorted(set(shape.wanted)), shape.fields]
    try:
        return _read(block, shape.delimiter, names, wanted, quote='"' if quoted else None)
    except pl.exceptions.ComputeError:
        if quoted:
            return None
        raise


def _read(block: bytes, separator: str, names: Sequence[str], wanted: list[int], *, quote: str | None) -> pl.DataFrame:
    return pl.read_csv(
        block,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        columns=wanted,
        separator=separator,
        quote_char=quote,
        empty_string_is_null=False,
        truncate_ragged_lines=True,
        missing_columns="insert",
        extra_columns="ignore",
        infer_schema=False,
    )
