"""Joins whole files byte for byte, and proves it.

The proof: in the footer of the written file, each row group says what the source's says, byte for byte, but for its
positions, which are all moved by the same distance; and at that distance stand the source's bytes. Columns and metadata
are alike, else nothing is joined. So it decodes to equal rows in the order of the sources; nothing need be decoded.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import VerificationFailed
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.maintenance.plans import PlannedFile, Step
from catalog_app.store.maintenance.sources import scratch_source
from catalog_app.store.parquet.footer import MAGIC, read_raw_footer
from catalog_app.store.parquet.merge import merge
from catalog_app.store.parquet.positions import MovedGroups

# Small enough to stay in the processor's cache between reading and comparing.
_BLOCK: Final = 1 << 19


def join(root: Root, tx: Transaction, step: Step, files: Sequence[PlannedFile]) -> None:
    """Write the row groups of the step's files, which follow each other in time, as one file.

    Raises UnsupportedFile, with nothing staged, where they cannot stand side by side.
    """
    [planned] = step.outputs
    scratch = tx.scratch()
    merge(root, step.inputs, scratch)
    tx.adopt(scratch, planned.path)
    written = scratch_source(scratch)
    follows = all((before.end_ns or 0) <= (after.start_ns or 0) for before, after in pairwise(files))
    announced = (planned.rows, planned.start_ns, planned.end_ns)
    if not follows or (written.rows, written.start_ns, written.end_ns) != announced:
        raise VerificationFailed(f"{planned.path}: the joined rows are not those announced; nothing was changed")
    _compare(StoreRoot.at(root), step.inputs, scratch)


def _compare(store: StoreRoot, paths: Sequence[str], scratch: Path) -> None:
    at, first = len(MAGIC), 0
    with pa.OSFile(str(scratch)) as target:
        joined = MovedGroups(read_raw_footer(target, scratch.name))
        for path in paths:
            with store.open_input(path) as file:
                footer = read_raw_footer(file, path)
                groups, size = MovedGroups(footer), footer.start - len(MAGIC)
                if not joined.are_from(groups, first, at - len(MAGIC)):
                    raise VerificationFailed(f"{path}: the joined file describes it otherwise; nothing was changed")
                if not _same_bytes(file, len(MAGIC), target, at, size):
                    raise VerificationFailed(f"{path}: its bytes in the joined file differ; nothing was changed")
            at, first = at + size, first + len(groups)
    if first != len(joined):
        raise VerificationFailed(f"{scratch.name}: the joined file has too many rows; nothing was changed")


def _same_bytes(source: pa.NativeFile, at: int, target: pa.NativeFile, to: int, size: int) -> bool:
    for offset in range(0, size, _BLOCK):
        length = min(_BLOCK, size - offset)
        ours = source.read_at(length, at + offset)
        if len(ours) != length or ours != target.read_at(length, to + offset):
            return False
    return True
