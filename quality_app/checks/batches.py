"""A file's rows in batches of a size that checks work on quickly."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from catalog_app.store import reader
from catalog_app.store.filesystem import Root

# Temporary arrays of more rows come fresh from the system each time, which costs more than they do.
BATCH_ROWS: Final = 131_072


def file_batches(root: Root, path: str, data_type: str) -> Iterator[pl.DataFrame]:
    """Yield canonical rows with `file` and `row`, in order and bounded memory; a frame's columns lie in pieces.

    Positions are added here: a scan without them is cheaper. Raises UnreadableFile, UnsupportedFile, and one of
    reader.ROW_ERRORS where pages are damaged.
    """
    row = 0
    for batch in _batches(reader.scan(root, [path], data_type)):
        # Not as expressions: those would wait for the threads that decode the rows to come.
        places = pl.Series("row", np.arange(row, row + len(batch)))
        yield batch.hstack([pl.Series("file", [path]).new_from_index(0, len(batch)), places])
        row += len(batch)


def _batches(frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Put pieces as they are decoded together, without copying them as `chunk_size` does."""
    pieces: list[pl.DataFrame] = []
    for piece in frame.collect_batches(lazy=True, engine="streaming", maintain_order=True):
        for part in piece.iter_slices(BATCH_ROWS):
            if pieces and sum(map(len, pieces)) + len(part) > BATCH_ROWS:
                yield pl.concat(pieces)
                pieces = []
            pieces.append(part)
    if pieces:
        yield pl.concat(pieces)
