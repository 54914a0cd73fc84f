"""Opening a delimited file: plain, gzip or zip, as a bounded stream of its decompressed bytes."""

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Final, Self, cast

from catalog_app.formats.errors import FormatError

DEFAULT_MAX_BYTES: Final = 64 * 2**30
# A market-data CSV compresses 3 to 30 times; deflate's limit, which bombs come near, is about 1,030.
MAX_RATIO: Final = 200
# Below this many decompressed bytes the ratio says nothing: a short file may repeat one row.
RATIO_FROM_BYTES: Final = 16 * 2**20

_DAMAGED = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError)
_NOTES: Final = frozenset({".txt", ".md", ".pdf", ".html", ".htm"})
_TABLES: Final = frozenset({".csv", ".tsv", ".psv"})


class Source:
    """A context manager over the decompressed bytes; raises FormatError past the limits or on damage.

    `bytes_read` and `bytes_total` count the file on disk (compressed), for progress.
    """

    def __init__(self, path: Path, name: str | None = None, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.path = path
        self.name = name or path.name
        self.max_bytes = max_bytes
        self.bytes_total = path.stat().st_size
        self.compression = _compression(path)
        self.warnings: list[str] = []
        self.text_bytes = self._stated_text_bytes()
        self._decompressed = 0

    def __enter__(self) -> Self:
        self._file = self.path.open("rb")
        try:
            self._stream = self._open_stream()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stream.close()
        self._file.close()

    @property
    def bytes_read(self) -> int:
        """How far the file on disk was read."""
        return min(self._file.tell(), self.bytes_total) if not self._file.closed else self.bytes_total

    def read(self, size: int) -> bytes:
        """The next `size` decompressed bytes, fewer only at the end."""
        try:
            data = self._stream.read(size)
        except _DAMAGED as error:
            raise FormatError(
                f"the {self.compression} data is damaged or cut off ({error})", self.name, "Upload the file again."
            ) from error
        self._decompressed += len(data)
        self._check_limits(self._decompressed, self.bytes_read)
        return data

    def _stated_text_bytes(self) -> int:
        """Decompressed size as the file states it, for estimates only (gzip: modulo 4 GiB, of its last member)."""
        if self.compression != "gzip" or self.bytes_total < 8:
            return self.bytes_total
        with self.path.open("rb") as file:
            file.seek(-4, 2)
            return max(int.from_bytes(file.read(4), "little"), self.bytes_total)

    def _check_limits(self, text_bytes: int, packed_bytes: int) -> None:
        if text_bytes > self.max_bytes:
            raise FormatError(
                f"it holds more than the allowed {self.max_bytes:,} bytes of text",
                self.name,
                "Split the file, or have the limit raised.",
            )
        if self.compression == "none" or text_bytes < RATIO_FROM_BYTES:
            return
        if text_bytes > MAX_RATIO * max(packed_bytes, 1):
            raise FormatError(
                f"it expands more than {MAX_RATIO} times, which market data does not: it may be a zip bomb",
                self.name,
                "Decompress it yourself and upload the plain file if you trust it.",
            )

    def _open_stream(self) -> IO[bytes]:
        if self.compression == "gzip":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._file))
        if self.compression == "zip":
            return self._open_member()
        return self._file

    def _open_member(self) -> IO[bytes]:
        try:
            archive = zipfile.ZipFile(self._file)
            member = self._choose_member(archive.infolist())
            self.text_bytes = member.file_size
            # A zip states the size of its member: what it admits to is refused before a byte is read.
            self._check_limits(member.file_size, member.compress_size)
            return archive.open(member)
        except (*_DAMAGED, RuntimeError) as error:
            raise FormatError(f"the zip file cannot be read ({error})", self.name, "Make it again.") from error

    def _choose_member(self, infos: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
        for info in infos:
            _refuse_path(info.filename, self.name)
        files = [info for info in infos if not info.is_dir()]
        data = files
        if len(files) > 1:
            # HistData and others put a status report beside the one table.
            tables = [info for info in files if PurePosixPath(info.filename).suffix.lower() in _TABLES]
            rest = [info for info in files if info not in tables]
            if len(tables) == 1 and all(PurePosixPath(info.filename).suffix.lower() in _NOTES for info in rest):
                self.warnings.append(f"Only {tables[0].filename} is read; left out: {_names(rest)}.")
                data = tables
        if len(data) != 1:
            found = f"it holds {len(data)} files ({_names(data)})" if data else "it holds no file"
            raise FormatError(found, self.name, "Put exactly one data file into the zip.")
        if data[0].flag_bits & 1:
            raise FormatError("it is encrypted", self.name, "Make a zip without a password.")
        return data[0]


def _names(infos: list[zipfile.ZipInfo]) -> str:
    names = ", ".join(info.filename for info in infos[:5])
    return f"{names} …" if len(infos) > 5 else names


def _refuse_path(member: str, where: str) -> None:
    if "/" in member or "\\" in member or member in {"", ".", ".."} or ":" in member:
        raise FormatError(
            f"the member name {member!r} holds a path", where, "Zip the data file itself, without its folder."
        )


def _compression(path: Path) -> str:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        return "gzip"
    if magic in {b"PK\x03\x04", b"PK\x05\x06"}:
        return "zip"
    return "none"
