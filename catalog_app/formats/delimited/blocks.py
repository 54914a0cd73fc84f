"""A source as blocks of whole lines, in UTF-8."""

import codecs
from collections.abc import Iterator
from typing import Final

from catalog_app.formats.delimited.source import Source
from catalog_app.formats.errors import FormatError

# A line of market data has some hundred bytes; without this limit one line could fill the memory.
MAX_LINE_BYTES: Final = 2**20


def read_blocks(source: Source, encoding: str, block_bytes: int) -> Iterator[bytes]:
    """Blocks of about `block_bytes` that end with a line end (the last one may not).

    Bytes that are not of the encoding become U+FFFD, which the table reader reports by line.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    plain = encoding in {"utf-8", "utf-8-sig"}
    rest = b""
    first = True
    while data := source.read(block_bytes):
        data = rest + (data if plain else _decoded(decoder, data, encoding, source))
        if first:
            data = data.removeprefix(codecs.BOM_UTF8)
            first = False
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if len(rest) > MAX_LINE_BYTES:
            raise FormatError(
                f"a line is longer than {MAX_LINE_BYTES:,} bytes", source.name, "It is not a table with a row per line."
            )
        if end:
            yield _valid(data[:end])
    if not plain:
        rest += decoder.decode(b"", final=True).encode()
    if rest:
        yield _valid(rest)


def _decoded(decoder: codecs.IncrementalDecoder, data: bytes, encoding: str, source: Source) -> bytes:
    try:
        return decoder.decode(data).encode()
    except UnicodeDecodeError as error:  # UTF-16 that does not say its byte order
        raise FormatError(f"it is not {encoding} ({error.reason})", source.name, "Choose another encoding.") from error


def _valid(block: bytes) -> bytes:
    if block.isascii():
        return block
    try:
        block.decode()
    except UnicodeDecodeError:
        return block.decode(errors="replace").encode()
    return block
