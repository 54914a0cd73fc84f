"""The rows of a dataset from a source into the target: canonical batches, in bounded memory."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Final

import polars as pl

from catalog_app.store import layout
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.conversion.pieces import Advance, Piece
from catalog_app.store.conversion.plans import Part, Unit
from catalog_app.store.errors import InvalidRows, UnreadableFile, UnsortedRows, VerificationFailed
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.fingerprint import OrderedFingerprint
from catalog_app.store.layout import Version
from catalog_app.store.reader import ROW_ERRORS, scan
from catalog_app.store.writer import DatasetWriter
from catalog_app.store.writing.losses import losses, reduced

# A batch of quotes takes 50 MB, one of depths (up to 1 KB a row) 32 MB.
_BATCH_ROWS: Final = 524_288
_DEPTH_BATCH_ROWS: Final = 32_768
# What is sorted is held in memory, twice for a moment.
_SORTED_BYTES: Final = 256 << 20
_ROW_BYTES: Final = 96
_DEPTH_ROW_BYTES: Final = 1_200


class RowsPiece(Piece):
    """Files of a dataset that become one file, their rows in order of ts_init."""

    def __init__(self, source: StoreRoot, unit: Unit, part: Part, to: Version) -> None:
        directory = layout.dataset_path(unit.data_type, unit.bar_type or unit.instrument_id, to)
        start_ns, end_ns = min(file.start_ns for file in part.files), max(file.end_ns for file in part.files)
        super().__init__(f"{directory}/{layout.format_file_name(start_ns, end_ns)}", part.files)
        self._source = source
        self._unit = unit
        self._to = to
        self._in_sequence = part.in_sequence
        self._seen: OrderedFingerprint | None = None
        self._read = 0
        self._lost: dict[str, int] = {}

    def stage(self, tx: Transaction, advance: Advance) -> None:
        """Write the rows as they come; files that turn out to be out of order are sorted where memory allows."""
        self._require_writable()
        try:
            self._write(tx, advance)
        except UnsortedRows:
            if not self._in_sequence:
                raise
            self._in_sequence = False
            self._require_writable()
            self._write(tx, advance)

    @property
    def rows(self) -> int:
        """Rows of the source files, without those that the version cannot hold once they are known."""
        return self._seen.rows if self._seen is not None else super().rows

    def losses(self) -> list[str]:
        """What the version cannot hold of some rows, with their number."""
        names = ", ".join(file.path for file in self.sources)
        return [f"{names}: {text} ({count:,} rows)" for text, count in self._lost.items()]

    def verify(self, target: StoreRoot) -> None:
        """Count, content and order of all rows."""
        if self._seen is None:
            self._seen = OrderedFingerprint.of(self._frames())
        paths = [self.path]
        held = OrderedFingerprint.of(
            _batches(scan(target, paths, self._unit.data_type, sliced=True), self._unit.data_type, self.path)
        )
        if held != self._seen and self._in_sequence and held.rows == self._seen.rows:
            # A file that is there from an earlier run may have been sorted on the way.
            self._in_sequence = False
            self._seen = OrderedFingerprint.of(self._frames()) if self._fits_memory() else self._seen
        if held != self._seen:
            raise VerificationFailed(
                f"{self.path}: {held.rows:,} rows that are not those of the source ({self._seen.rows:,} rows)"
            )

    def _write(self, tx: Transaction, advance: Advance) -> None:
        writer = DatasetWriter(
            tx,
            self._unit.data_type,
            self._unit.instrument_id,
            bar_type=self._unit.bar_type,
            price_precision=self.sources[0].price_precision,
            size_precision=self.sources[0].size_precision,
            version=self._to,
        )
        seen = OrderedFingerprint()
        with closing(self._frames()) as frames:
            for frame in frames:
                writer.write(frame)
                seen = seen.then(frame)
                advance(frame.height)
        if self._read != sum(file.rows for file in self.sources):
            raise UnreadableFile(self.sources[0].path, f"it has {self._read} rows, its footer promises others")
        paths = writer.finish()
        if not paths:
            raise InvalidRows(f"{', '.join(self._lost)}: no row is left")
        if paths != [self.path] and seen.rows == self._read:
            raise InvalidRows("the first and last ts_init of the rows are not those of the footer")
        # Rows that are left out may have been the first or last.
        [self.path] = paths
        self._seen = seen

    def _frames(self) -> Generator[pl.DataFrame]:
        """The rows in the order that the target has them, as the target's version can hold them."""
        self._read, self._lost = 0, {}
        lazy = scan(self._source, [file.path for file in self.sources], self._unit.data_type, sliced=True)
        name = self.sources[0].path
        if not self._in_sequence:
            with _told(name):
                lazy = lazy.collect(engine="streaming").sort("ts_init", maintain_order=True).lazy()
        for frame in _batches(lazy, self._unit.data_type, name):
            self._read += frame.height
            yield self._as_held(frame)

    def _as_held(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows without what the version cannot hold, which is counted."""
        first = self.sources[0]
        precisions = {"price_precision": first.price_precision, "size_precision": first.size_precision}
        lost = losses(frame, self._unit.data_type, self._to, **precisions)
        for text, lost_rows in lost.items():
            self._lost[text] = self._lost.get(text, 0) + lost_rows
        return reduced(frame, self._unit.data_type, self._to, **precisions) if lost else frame

    def _require_writable(self) -> None:
        names = ", ".join(file.path.rpartition("/")[2] for file in self.sources)
        if len({(file.price_precision, file.size_precision) for file in self.sources}) > 1:
            raise InvalidRows(f"{names} overlap and declare different precisions: repair the source first")
        if not self._in_sequence and not self._fits_memory():
            raise InvalidRows(
                f"{names}: {super().rows:,} rows overlap or are out of order, more than can be sorted on the way: "
                "sort the rows or split the overlaps in the source first"
            )

    def _fits_memory(self) -> bool:
        width = _DEPTH_ROW_BYTES if self._unit.data_type == "depth10" else _ROW_BYTES
        return super().rows * width <= _SORTED_BYTES


def _batches(lazy: pl.LazyFrame, data_type: str, name: str) -> Iterator[pl.DataFrame]:
    """Slices, one after the other: Polars' own batches read ahead, and take three times as much memory."""
    rows = _DEPTH_BATCH_ROWS if data_type == "depth10" else _BATCH_ROWS
    for offset in count(0, rows):
        with _told(name):
            frame = lazy.slice(offset, rows).collect(engine="streaming")
        if frame.height:
            yield frame
        if frame.height < rows:
            return


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Damage of a file that only shows when its rows are read."""
    try:
        yield
    except ROW_ERRORS as error:
        raise UnreadableFile(name, f"its rows cannot be read ({error})") from error
