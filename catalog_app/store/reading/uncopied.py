"""Scans of 1.x files whose 16-byte values stay where Polars read them, instead of being copied into integers.

Polars reads fixed-size binary into one buffer and puts views over it; that buffer already is the integers'. There is
no expression for it, and a function of Python in an expression waits for the interpreter with each column; a source
that hands on whole batches does not. A scan of quotes takes 1.2 to 1.4 times a bare one so, else 1.7 times.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from polars.io.plugins import register_io_source

from catalog_app.store.schema import INT128_MAX

# What stands for no price and for no size (the largest unsigned integer, read as a signed one).
UNDEFINED_PRICE: Final = INT128_MAX
UNDEFINED_SIZE: Final = -1

_WIDTH: Final = 16
# Arrow has no integers of 128 bits, but decimals of as many.
RAW: Final = pl.Decimal(38, 0)
_ARROW_RAW: Final = pa.decimal128(38, 0)
_UNCOPIED: Final = pl.CompatLevel.newest()
_VIEWS: Final = pa.binary_view()
# Views are compared at every 257th row besides the ends: cheap, and no multiple of a page's or batch's size.
_PROBE_STEP: Final = 257


def scan_uncopied(frame: pl.LazyFrame, undefined: Mapping[str, int | None]) -> pl.LazyFrame:
    """The rows of a scan, with some columns as Decimal(38, 0) of equal bytes.

    `undefined` has these columns, of 16-byte binary values (little-endian), and which integer is null in each:
    UNDEFINED_PRICE or UNDEFINED_SIZE, None where no row has it. Projections and filters reach the scan or its batches;
    a slice does not, so that its rows are reached by reading those before it.
    """
    stored = frame.collect_schema()
    schema = pl.Schema({name: RAW if name in undefined else kind for name, kind in stored.items()})

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        chosen = frame if with_columns is None else frame.select(with_columns)
        limited = chosen if n_rows is None else chosen.head(n_rows)
        for batch in limited.collect_batches(lazy=True, engine="streaming", maintain_order=True):
            columns = (
                _integers(column, undefined[column.name]) if column.name in undefined else column
                for column in batch.iter_columns()
            )
            rows = pl.DataFrame(list(columns))
            yield rows if predicate is None else rows.filter(predicate)

    return register_io_source(batches, schema=schema, is_pure=True)


def _integers(values: pl.Series, undefined: int | None) -> pl.Series:
    stored = values.to_arrow(compat_level=_UNCOPIED) if values.n_chunks() == 1 else None
    buffer = None if stored is None else _contiguous(stored)
    valid = None
    if buffer is None:
        copied = values.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.binary(_WIDTH))
        buffer = copied.buffers()[1].slice(_WIDTH * copied.offset, _WIDTH * len(copied))
        valid = copied.is_valid() if copied.null_count else None
    if undefined is not None:
        valid = _defined(buffer, undefined, valid)
    bits = None if valid is None else valid.buffers()[1]
    return pl.Series(values.name, pa.Array.from_buffers(_ARROW_RAW, len(values), [bits, buffer]))


def _defined(buffer: pa.Buffer, undefined: int, valid: pa.BooleanArray | None) -> pa.BooleanArray | None:
    """Which values are some; None where all are. In most batches the greatest of all halves tells it: a half of an
    undefined value is as great as can be, and next to never another one.
    """
    words = np.frombuffer(buffer, np.int64 if undefined == UNDEFINED_PRICE else np.uint64)
    greatest = np.iinfo(words.dtype).max
    if not len(words) or words.max() < greatest:
        return valid
    lower, upper = words.view(np.int64)[::2], words[1::2]
    defined = pa.array((lower != -1) | (upper != greatest))
    return defined if valid is None else pc.and_(defined, valid)


def _contiguous(values: pa.Array) -> pa.Buffer | None:
    """The bytes of the values one after the other, where they lie so in memory.

    A view is length, prefix, buffer and offset, in 16 bytes. Polars makes them in the order of the rows; filters and
    slices only leave some out. Offsets therefore grow, and the ends being 16 x (rows - 1) bytes apart means that none
    is missing between.
    """
    rows, buffers = len(values), values.buffers()
    if not rows or len(buffers) != 3 or values.type != _VIEWS or values.null_count:
        return None
    views = np.frombuffer(buffers[1], np.uint64)[2 * values.offset : 2 * (values.offset + rows)]
    if int(views[0]) & 0xFFFFFFFF != _WIDTH:
        return None
    places = views[1::2]  # buffer number (low), offset (high)
    first = int(places[0]) >> 32
    probes = places[::_PROBE_STEP]
    steps = np.arange(len(probes), dtype=np.uint64) * np.uint64(_WIDTH * _PROBE_STEP) + np.uint64(first)
    if int(places[-1]) != (first + _WIDTH * (rows - 1)) << 32 or not np.array_equal(probes, steps << np.uint64(32)):
        return None
    return buffers[2].slice(first, _WIDTH * rows)
