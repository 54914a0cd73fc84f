"""Which file of an export may be handed out, and in which parts."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from catalog_app.models import Export
from catalog_app.services.errors import ServiceError

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class NoFileYet(ServiceError):
    """The export has not succeeded: there is no file."""


class FileGone(ServiceError):
    """There was a file, and it is no longer kept."""


class RangeUnsatisfiable(ServiceError):
    """The wanted bytes lie outside of the file."""


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes of a file from `start` on; `is_whole` when nothing else was asked for."""

    start: int
    length: int
    is_whole: bool


def export_file(export: Export) -> Path:
    """Return the whole file of a succeeded export.

    Raises:
        NoFileYet: when the export is not done, or failed.
        FileGone: when the file was removed, or lies outside the exports directory.

    """
    if export.status != "succeeded" or not export.file_path:
        raise NoFileYet("The export has not succeeded: there is no file to download.")
    path = Path(export.file_path).resolve()
    if not path.is_relative_to(settings.EXPORTS_DIR.resolve()) or not path.is_file():
        raise FileGone("The file of this export is no longer kept. Export it again.")
    return path


def wanted_part(header: str, size: int) -> Part:
    """Read a Range header for a file of `size` bytes (RFC 9110, section 14.2).

    A header that asks for several ranges, or that cannot be read, is ignored, as the RFC allows.

    Raises:
        RangeUnsatisfiable: when the range lies outside of the file.

    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return Part(0, size, is_whole=True)
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return Part(0, size, is_whole=True)
    else:
        start, end = max(size - int(last), 0), size - 1
    if start > end or start >= size:
        raise RangeUnsatisfiable(f"The file has {size} bytes; the wanted range lies outside.")
    return Part(start, end - start + 1, is_whole=False)


def read_part(path: Path, part: Part) -> Iterator[bytes]:
    """The bytes of a part, in chunks."""
    with path.open("rb") as source:
        source.seek(part.start)
        left = part.length
        while left and (chunk := source.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


async def read_part_async(path: Path, part: Part) -> AsyncIterator[bytes]:
    """As `read_part`, for ASGI: Django would collect a plain iterator in memory there."""
    chunks = read_part(path, part)
    try:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk
    finally:
        chunks.close()  # type: ignore[attr-defined]
