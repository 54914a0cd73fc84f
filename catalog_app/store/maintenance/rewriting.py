"""Carries out the steps that write rows anew, and proves by fingerprints that each row arrived just once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import VerificationFailed
from catalog_app.store.filesystem import Root
from catalog_app.store.fingerprint import Fingerprint
from catalog_app.store.maintenance.comparing import fingerprint
from catalog_app.store.maintenance.plans import PlannedFile, Step
from catalog_app.store.maintenance.reading import batches, groups_between, times_of
from catalog_app.store.maintenance.requests import Archive, DeleteRange, Recompress, Request
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.windows import first_of_identical, sorted_rows
from catalog_app.store.maintenance.writing import Output

# Called with a number of rows that were read; may raise to stop.
type Done = Callable[[int], None]


@dataclass
class _Books:
    """What was read, what of it was left out, and what is on the disk."""

    done: Done
    read: Fingerprint = field(default_factory=Fingerprint)
    left_out: Fingerprint = field(default_factory=Fingerprint)
    written: Fingerprint = field(default_factory=Fingerprint)

    def note_read(self, found: Fingerprint) -> None:
        self.read += found
        self.done(found.rows)


def rewrite(root: Root, tx: Transaction, step: Step, sources: Sequence[Source], request: Request, done: Done) -> None:
    """Write a step's outputs into a transaction; VerificationFailed where they are not what was announced."""
    books = _Books(done)
    partial = isinstance(request, DeleteRange | Archive)
    form: dict[str, Any] = {"in_order": step.method != "recode" and not partial}
    if isinstance(request, Recompress):
        form |= {"compression": request.compression, "row_group_rows": request.row_group_rows}
    outputs: dict[str, Output] = {}
    for planned, piece in _pieces(root, step, sources, books):
        if planned.path not in outputs:
            outputs[planned.path] = Output(tx, planned, sources[0].schema, **form)
        output = outputs[planned.path]
        output.write(piece)
        if output.is_whole:
            books.written += output.finish()
    if missing := [
        planned.path for planned in step.outputs if not (at := outputs.get(planned.path)) or not at.is_whole
    ]:
        raise VerificationFailed(f"{missing[0]}: fewer rows came than were announced; nothing was changed")
    if books.written != books.read - books.left_out:
        raise VerificationFailed(f"{step.outputs[0].path}: the rows written are not those read; nothing was changed")
    announced = sum(planned.rows for planned in step.outputs)
    if not partial and books.read.rows != sum(source.rows for source in sources):
        raise VerificationFailed(f"{step.inputs[0]}: not all of its rows were read; nothing was changed")
    if books.read.rows - books.left_out.rows != announced:
        raise VerificationFailed(
            f"{step.inputs[0]}: {announced:,} rows were announced, others came; nothing was changed"
        )


def _pieces(root: Root, step: Step, sources: Sequence[Source], books: _Books) -> Iterator[tuple[PlannedFile, pa.Table]]:
    """Rows with the output that they go to."""
    if step.method in {"sort", "unique"}:
        for table in sorted_rows(root, sources, books.note_read):
            kept = table
            if step.method == "unique":
                kept, left_out = first_of_identical(table)
                books.left_out += fingerprint(left_out)
            yield from _routed(kept, step.outputs)
        return
    low = min(output.start_ns or 0 for output in step.outputs)
    high = max(output.end_ns or 0 for output in step.outputs) + 1
    for source in sources:
        for table in batches(root, source, groups=groups_between(source, low, high)):
            for planned, piece in _routed(table, step.outputs):
                books.note_read(fingerprint(piece))
                yield planned, piece


def _routed(table: pa.Table, outputs: Sequence[PlannedFile]) -> Iterator[tuple[PlannedFile, pa.Table]]:
    times = times_of(table)
    if not times.size:
        return
    first, last = int(times.min()), int(times.max())
    for planned in outputs:
        low, high = planned.start_ns or 0, planned.end_ns or 0
        if low > last or high < first:
            continue
        inside = (times >= low) & (times <= high)
        at = np.flatnonzero(inside)
        if at.size == times.size:
            yield planned, table
        elif at.size and at[-1] - at[0] + 1 == at.size:
            yield planned, table.slice(int(at[0]), at.size)
        elif at.size:
            yield planned, table.filter(pa.array(inside))
