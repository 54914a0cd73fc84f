"""Joins whole files byte for byte, and proves it.

The proof: each column chunk of the written file has, by its footer, the column, codec, count and compressed length of
the source's, and the bytes at its place on the disk are the source's. Pages say their encodings themselves, so equal
bytes of equal columns decode to equal rows; chunks in the order of the sources keep the rows' order. Nothing need be
decoded.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.maintenance.errors import VerificationFailed
from catalog_app.store.maintenance.plans import PlannedFile, Step
from catalog_app.store.maintenance.sources import essential, scratch_source
from catalog_app.store.parquet.merge import merge

# Small enough to stay in the processor's cache between reading and comparing.
_BLOCK: Final = 1 << 19


def join(root: Root, tx: Transaction, step: Step, files: Sequence[PlannedFile]) -> None:
    """Write the row groups of the step's files, which follow each other in time, as one file.

    Raises UnsupportedFile, with nothing staged, where they cannot stand side by side.
    """
    [planned] = step.outputs
    scratch = tx.scratch()
    merge(root, step.inputs, scratch)
    written = scratch_source(scratch)
    follows = all((before.end_ns or 0) <= (after.start_ns or 0) for before, after in pairwise(files))
    announced = (planned.rows, planned.start_ns, planned.end_ns)
    if not follows or (written.rows, written.start_ns, written.end_ns) != announced:
        raise VerificationFailed(f"{planned.path}: the joined rows are not those announced; nothing was changed")
    _compare(StoreRoot.at(root), step.inputs, scratch)
    tx.adopt(scratch, planned.path)


def _compare(store: StoreRoot, paths: Sequence[str], scratch: Path) -> None:
    with pa.OSFile(str(scratch)) as target:
        written = pq.ParquetFile(target)
        groups = iter(range(written.metadata.num_row_groups))
        for path in paths:
            with store.open_input(path) as file:
                source = pq.ParquetFile(file)
                chunks = [
                    pair
                    for number in range(source.metadata.num_row_groups)
                    for pair in _chunk_pairs(
                        source.metadata.row_group(number), written.metadata.row_group(next(groups))
                    )
                ]
                alike = essential(source.schema_arrow).equals(essential(written.schema_arrow), check_metadata=True)
                if not alike or not all(_same_chunk(ours, theirs) for ours, theirs in chunks):
                    raise VerificationFailed(f"{path}: the joined file describes it otherwise; nothing was changed")
                for at, to, size in _ranges(chunks):
                    if not _same_bytes(file, at, target, to, size):
                        raise VerificationFailed(f"{path}: its bytes in the joined file differ; nothing was changed")
        if next(groups, None) is not None:
            raise VerificationFailed(f"{scratch.name}: the joined file has too many rows; nothing was changed")


def _chunk_pairs(ours: Any, theirs: Any) -> Iterator[tuple[Any, Any]]:
    if (ours.num_rows, ours.num_columns) != (theirs.num_rows, theirs.num_columns):
        raise VerificationFailed("a row group of the joined file has other rows or columns; nothing was changed")
    for column in range(ours.num_columns):
        yield ours.column(column), theirs.column(column)


def _same_chunk(ours: Any, theirs: Any) -> bool:
    return bool(
        (ours.compression, ours.num_values, ours.total_compressed_size)
        == (theirs.compression, theirs.num_values, theirs.total_compressed_size)
        and theirs.data_page_offset - ours.data_page_offset == _start(theirs) - _start(ours)
    )


def _start(chunk: Any) -> int:
    offsets = (chunk.dictionary_page_offset, chunk.data_page_offset)
    return min(int(offset) for offset in offsets if offset)


def _ranges(chunks: Sequence[tuple[Any, Any]]) -> Iterator[tuple[int, int, int]]:
    """(place in the source, place in the joined file, length) of chunks, neighbours taken together."""
    spans = sorted((_start(ours), _start(theirs), ours.total_compressed_size) for ours, theirs in chunks)
    at, to, size = spans[0]
    for next_at, next_to, next_size in spans[1:]:
        if (next_at, next_to) == (at + size, to + size):
            size += next_size
            continue
        yield at, to, size
        at, to, size = next_at, next_to, next_size
    yield at, to, size


def _same_bytes(source: pa.NativeFile, at: int, target: pa.NativeFile, to: int, size: int) -> bool:
    for offset in range(0, size, _BLOCK):
        length = min(_BLOCK, size - offset)
        ours = source.read_at(length, at + offset)
        if len(ours) != length or ours != target.read_at(length, to + offset):
            return False
    return True
