"""Which character encoding a file has, and what is no text at all."""

import codecs
from typing import Final

from catalog_app.formats.errors import FormatError

ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "latin-1")

_OTHER_FILES: Final = {
    b"PAR1": "an Apache Parquet file",
    b"ARROW1": "an Arrow file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG picture",
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x1f\x8b": "a gzip file inside a compressed file",
    b"PK\x03\x04": "a zip or Excel file inside a compressed file",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\f")


def detect_encoding(sample: bytes, where: str) -> tuple[str, list[str]]:
    """Encoding of the first bytes of a file, and warnings; FormatError for what is empty or no text."""
    if not sample.strip():
        raise FormatError("the file is empty", where, "Check that the export or download was complete.")
    for magic, kind in _OTHER_FILES.items():
        if sample.startswith(magic):
            raise FormatError(f"not a CSV: it looks like {kind}", where, "Upload delimited text (CSV, TSV).")
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", []
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", []
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in sample[:65536])
    if controls:
        raise FormatError(
            "not a CSV: it holds binary data", where, "Upload delimited text (CSV, TSV), UTF-8 or UTF-16 with a BOM."
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=False)
    except UnicodeDecodeError as error:
        return _latin(sample, where, error)
    return "utf-8", []


def _latin(sample: bytes, where: str, error: UnicodeDecodeError) -> tuple[str, list[str]]:
    high = sum(byte > 127 for byte in sample)
    if high > len(sample) // 5:
        raise FormatError(
            f"not a CSV: byte {error.start} is no UTF-8, and {high * 100 // len(sample)} % of the bytes are no ASCII",
            where,
            "Save the file as UTF-8.",
        )
    line = sample.count(b"\n", 0, error.start) + 1
    return "latin-1", [f"Line {line} is not UTF-8; the file is read as Latin-1. Letters may be wrong, numbers are not."]
