"""Writes the rows of a fill: into the files that they belong to, or into new ones, as one commit of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import ConcurrentChange, InvalidRows, StoreError, VerificationFailed
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.fingerprint import Fingerprint
from catalog_app.store.maintenance import PlannedFile
from catalog_app.store.maintenance.comparing import fingerprint
from catalog_app.store.maintenance.reading import batches, times_of
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.writing import Output
from catalog_app.store.writing.disjoint import require_disjoint
from catalog_app.store.writing.encoding import to_arrow
from catalog_app.store.writing.rows import check_rows
from quality_app.services.gaps.filling.plans import KIND, FillPlan, Part, outputs
from quality_app.services.gaps.filling.sources import FillSource, require_same
from quality_app.services.gaps.filling.taking import rows_for
from quality_app.services.gaps.filling.target import Target, digits

# Called with a number of rows that were written or compared; may raise to stop.
type Done = Callable[[int], None]


def write_fill(
    target: Target,
    source: FillSource,
    plan: FillPlan,
    operation_id: UUID,
    done: Done,
    before_commit: Callable[[], None],
) -> None:
    """Carry a plan out in one commit that `recovery.undo` takes back.

    Raises:
        ConcurrentChange: a file of the target or of the source is not as the preview saw it.
        VerificationFailed: other rows came than were announced.
        StoreError: the rows cannot be stored here. Nothing was changed then.

    """
    _require_listing(target, plan)
    require_same(target.root, plan.touched, "the dataset")
    require_same(source.root, plan.sources, "the source")
    with Transaction(target.root, KIND, plan.directory, operation_id=operation_id) as tx:
        tx.expect_directory(plan.directory, plan.listing)
        for file in plan.touched:
            tx.expect(file.path, file.size_bytes, file.mtime_ns)
            tx.remove(file.path)
        for present, parts, planned in outputs(plan, target.files):
            _require_free(tx, target.root, plan.directory, planned, parts[0])
            if present is None:
                _write_new(tx, target, source, parts[0], planned, done)
            else:
                _write_merged(tx, target, source, present, parts, planned, done)
        tx.require(lambda _: require_same(source.root, plan.sources, "the source"))
        before_commit()
        tx.commit()


def encoder(form: Source, data_type: str) -> Callable[[pl.DataFrame], pa.Table]:
    """Canonical rows as a file of this form stores them; InvalidRows where one cannot be stored so."""
    price, size = (digits(form, key) for key in ("price_precision", "size_precision"))
    version = "v2" if any(pa.types.is_timestamp(kind) for kind in form.schema.types) else "v1"
    instrument = form.metadata("instrument_id") or ""

    def encode(frame: pl.DataFrame) -> pa.Table:
        try:
            check_rows(frame, data_type, price, size, version="v2" if version == "v2" else "v1")
        except InvalidRows as wrong:
            raise InvalidRows(f"{form.path}: a row of the source cannot stand here: {wrong}") from wrong
        return to_arrow(frame, form.schema, instrument_id=instrument, price_precision=price)

    return encode


def merged(there: Iterator[pa.Table], fresh: Iterator[pa.Table], path: str) -> Iterator[tuple[pa.Table, bool]]:
    """Rows of both in order of ts_init, those that are there first among equals; (rows, whether some of them are new).

    Raises:
        StoreError: the rows that are there are not in order.

    """
    piece = next(fresh, None)
    last = 0
    for table in there:
        times = times_of(table)
        if times.size and (times[0] < last or (np.diff(times) < 0).any()):
            raise StoreError(f"{path}: its rows are not in order of ts_init. Sort rows first.")
        last, at = (int(times[-1]) if times.size else last), 0
        while piece is not None and at < times.size and (coming := times_of(piece))[0] < last:
            until = int(np.searchsorted(times, coming[0], "right"))
            if until > at:
                yield table.slice(at, until - at), False
            # What comes before the next row that is there goes as it is; the rest waits for its turn.
            ready = int(np.searchsorted(coming, times[until], "left"))
            yield piece.slice(0, ready), True
            at, piece = until, (piece.slice(ready) if ready < coming.size else next(fresh, None))
        if at < table.num_rows:
            yield table.slice(at), False
    while piece is not None:
        yield piece, True
        piece = next(fresh, None)


def _write_merged(
    tx: Transaction,
    target: Target,
    source: FillSource,
    present: Source,
    parts: Sequence[Part],
    planned: PlannedFile,
    done: Done,
) -> None:
    output = Output(tx, planned, present.schema, in_order=True)
    read, fresh = Fingerprint(), Fingerprint()
    for table, is_new in merged(batches(target.root, present), _encoded(target, source, present, parts), present.path):
        found = fingerprint(table)
        read, fresh = (read, fresh + found) if is_new else (read + found, fresh)
        output.write(table)
        done(table.num_rows)
    if read.rows != present.rows or fresh.rows != sum(part.rows for part in parts) or not output.is_whole:
        raise VerificationFailed(f"{present.path}: other rows came than were announced; nothing was changed")
    if output.finish() != read + fresh:
        raise VerificationFailed(f"{present.path}: the rows written are not those read; nothing was changed")


def _write_new(
    tx: Transaction, target: Target, source: FillSource, part: Part, planned: PlannedFile, done: Done
) -> None:
    form = target.nearest(part.first_ns)
    output, fresh = Output(tx, planned, form.schema, in_order=True), Fingerprint()
    for table in _encoded(target, source, form, [part]):
        fresh += fingerprint(table)
        output.write(table)
        done(table.num_rows)
    if fresh.rows != planned.rows or output.finish() != fresh:
        raise VerificationFailed(f"{planned.path}: other rows came than were announced; nothing was changed")


def _encoded(target: Target, source: FillSource, form: Source, parts: Sequence[Part]) -> Iterator[pa.Table]:
    encode = encoder(form, target.dataset.data_type)
    for part in parts:
        for frame in rows_for(target, source, part.low_ns, part.high_ns, is_exact=part.is_exact):
            yield encode(frame)


def _require_listing(target: Target, plan: FillPlan) -> None:
    if set(target.contents.present) != set(plan.listing):
        raise ConcurrentChange(
            f"{plan.directory}: files came or went since the preview, so nothing was written. Preview it again."
        )


def _require_free(tx: Transaction, root: StoreRoot, directory: str, planned: PlannedFile, part: Part) -> None:
    """Have the commit refuse where another file reaches into what is written."""
    low, high = planned.start_ns or 0, planned.end_ns or 0

    def check(removed: frozenset[str]) -> None:
        require_disjoint(root, directory, low, high, removed | {part.path})

    check(tx.removed)
    tx.require(check)
