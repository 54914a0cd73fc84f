"""The first lines of a file as a table: encoding, delimiter, lines before the header, header."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catalog_app.formats.delimited.cells import split_cells
from catalog_app.formats.delimited.encoding import detect_encoding
from catalog_app.formats.delimited.mapping import DELIMITERS
from catalog_app.formats.delimited.names import is_known
from catalog_app.formats.delimited.source import Source
from catalog_app.formats.delimited.time_formats import guess_time_format, is_clock
from catalog_app.formats.errors import FormatError

_SAMPLE_BYTES: Final = 2**18
_SAMPLE_LINES: Final = 1_000
# Rarer marks first: a comma may be a decimal mark, a space part of a time.
_BY_TELLING: Final = ("\t", ";", "|", ",", " ")
_STEADY: Final = 0.9
_HEADER_WITHIN: Final = 10
_KIND_ROWS: Final = 200
# A column is of values when this share of its cells is.
_MAJORITY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Sample:
    """What the first 256 KiB show. header: names, or None. rows: cells of the lines after it, of one width.

    typical: those of the first rows that look alike, for guessing: a broken row must not hide what a column is.
    """

    compression: str
    encoding: str
    delimiter: str
    skip_lines: int
    header: list[str] | None
    rows: list[list[str]]
    typical: list[list[str]]
    rows_estimate: int
    warnings: list[str]


def read_sample(path: Path, name: str, max_bytes: int) -> Sample:
    """Read the head of a file; FormatError when it is empty, no text, or no table."""
    with Source(path, name, max_bytes=max_bytes) as source:
        data = _read_head(source)
        warnings = list(source.warnings)
        compression, text_bytes = source.compression, source.text_bytes
    encoding, notes = detect_encoding(data, name)
    warnings += notes
    whole = len(data) < _SAMPLE_BYTES
    lines = _lines(data, encoding, name, whole=whole)
    if not lines:
        raise FormatError("it holds only blank lines", name, "Check that the export or download was complete.")
    delimiter = _delimiter(lines, name)
    table = split_cells(lines, delimiter)
    width = _width(table)
    skip = next(at for at, row in enumerate(table) if len(row) == width)
    # A header may lack the name of a trailing empty cell; a preamble has another width.
    body = [row for row in table[skip:] if len(row) == width]
    header = body[0] if _is_header(body) else None
    rows = body[1:] if header else body
    estimate = (
        len(rows) if whole and len(lines) < _SAMPLE_LINES else int(text_bytes / max(len(data), 1) * data.count(b"\n"))
    )
    if not rows:
        raise FormatError("it has a header but no rows", name, "Check that the export or download was complete.")
    return Sample(
        compression,
        encoding,
        delimiter,
        skip,
        header,
        rows[:_SAMPLE_LINES],
        _typical(rows[:_KIND_ROWS]),
        estimate,
        warnings,
    )


def _read_head(source: Source) -> bytes:
    parts = []
    size = 0
    while size < _SAMPLE_BYTES and (data := source.read(_SAMPLE_BYTES - size)):
        parts.append(data)
        size += len(data)
    return b"".join(parts)


def _lines(data: bytes, encoding: str, name: str, *, whole: bool) -> list[str]:
    text = data.decode(encoding, errors="replace")
    if "\r" in text and "\n" not in text:
        raise FormatError("its lines end with a bare CR", name, "Save the file with LF or CRLF line ends.")
    lines = text.split("\n")
    if not whole and len(lines) > 1:
        lines.pop()  # may be cut
    return [line.rstrip("\r") for line in lines if line.strip()][:_SAMPLE_LINES]


def _delimiter(lines: list[str], name: str) -> str:
    possible = []
    for delimiter in _BY_TELLING:
        rows = split_cells(lines, delimiter)
        width, count = Counter(map(len, rows)).most_common(1)[0]
        if width > 1 and count >= min(_STEADY * len(lines), max(len(lines) - 2, 1)):
            if any(sum(map(is_known, row)) > 1 for row in rows[:_HEADER_WITHIN]):
                return delimiter
            possible.append(delimiter)
    if possible:
        return possible[0]
    marks = ", ".join({"\t": "tab", " ": "space"}.get(mark, mark) for mark in DELIMITERS)
    raise FormatError(
        f"not a CSV: its lines have no common number of fields with any of the delimiters {marks}",
        name,
        "Upload delimited text with one row per line.",
    )


def _width(table: list[list[str]]) -> int:
    """Fields of most lines; of the longer ones where two widths are equally many (header and one row)."""
    widths = Counter(len(row) for row in table)
    most = max(widths.values())
    return max(width for width, count in widths.items() if count == most)


def _typical(rows: list[list[str]]) -> list[list[str]]:
    """Rows without words in columns of numbers and times."""
    values = [[not cell or _is_value(cell) for cell in row] for row in rows]
    of_values = [sum(column) >= _MAJORITY * len(rows) for column in zip(*values, strict=True)]
    return [row for row, kinds in zip(rows, values, strict=True) if _fits(kinds, of_values)] or rows


def _fits(kinds: list[bool], of_values: list[bool]) -> bool:
    return all(value or not needed for value, needed in zip(kinds, of_values, strict=True))


def _is_header(body: list[list[str]]) -> bool:
    """Names, no values: no cell of the first row is a number or a time."""
    first = [cell for cell in body[0] if cell]
    if not first or any(_is_value(cell) for cell in first):
        return False
    return any(is_known(cell) for cell in first) or any(_is_value(cell) for row in body[1:3] for cell in row)


def _is_value(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return guess_time_format([cell])[0] is not None or is_clock([cell])
    return True
