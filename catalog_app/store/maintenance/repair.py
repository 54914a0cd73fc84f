"""Plans the repair of single rows: each file that holds one is written anew, with all its other rows as they are."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.maintenance.draft import Draft
from catalog_app.store.maintenance.plans import Step
from catalog_app.store.maintenance.reading import time_batches
from catalog_app.store.maintenance.requests import Pinned, Repair, RowRepair
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.tally import Cell


def plan_repair(draft: Draft, request: Repair) -> None:
    """Add a step for each file with a row to repair.

    Raises ConcurrentChange where a file, here or in the other store, is not as the request has it any more, StoreError
    where replaced values could not be stored.
    """
    require_pinned(draft.root, request.files)
    if request.source_root is not None:
        require_pinned(request.source_root, request.source_files)
    known = {source.path: source for source in draft.contents.sources}
    for file in request.files:
        if file.path not in known:
            raise ConcurrentChange(f"{file.path}: the file is no longer readable here; validate the dataset again")
        _plan_file(draft, known[file.path], [one for one in request.rows if one.file == file.path])
    draft.notes.append(_told(request))


def require_pinned(root: Root, files: Iterable[Pinned]) -> None:
    """ConcurrentChange unless each file is still as given."""
    store = StoreRoot.at(root)
    # A bucket tells times to the second or finer, depending on how it is asked.
    unit = 1 if store.is_local else 10**9
    for file in files:
        info = store.fs.get_file_info(store.full(file.path))
        is_same = info.is_file and info.size == file.size_bytes and info.mtime_ns is not None
        if not is_same or info.mtime_ns // unit != file.mtime_ns // unit:
            raise ConcurrentChange(f"{file.path}: the file changed since its rows were judged; validate it again")


def _plan_file(draft: Draft, source: Source, repairs: Sequence[RowRepair]) -> None:
    replaces = any(one.source_file is not None for one in repairs)
    if replaces and pa.binary(8) in source.schema.types:
        raise StoreError(f"{source.path}: its values are stored in 8 bytes; convert the store before replacing rows")
    cell = _rest(draft, source, repairs)
    if cell is None:
        draft.steps.append(Step("remove", (source.path,)))
    else:
        draft.rewrite("repair", [source], [cell])


def _rest(draft: Draft, source: Source, repairs: Sequence[RowRepair]) -> Cell | None:
    """The rows that stay or are replaced, which keep their ts_init; None where none does."""
    wanted = {one.row: one for one in repairs}
    rows, low, high, at = 0, None, None, 0
    for times in time_batches(draft.root, source):
        here = [row for row in wanted if at <= row < at + times.size]
        for row in here:
            if times[row - at] != wanted[row].ts_init_ns:
                raise ConcurrentChange(f"{source.path}: row {row} has another ts_init; validate the dataset again")
        left = np.delete(times, [row - at for row in here if wanted[row].source_file is None])
        if left.size:
            rows += left.size
            low = int(left.min()) if low is None else min(low, int(left.min()))
            high = int(left.max()) if high is None else max(high, int(left.max()))
        at += times.size
        draft.seen(times.size)
    if beyond := [row for row in wanted if row >= at]:
        raise ConcurrentChange(f"{source.path}: it has no row {beyond[0]}; validate the dataset again")
    return None if low is None or high is None else Cell(rows, low, high)


def _told(request: Repair) -> str:
    dropped = len(request.rows) - request.replaced
    parts = [f"{dropped:,} {'row is' if dropped == 1 else 'rows are'} dropped"] if dropped else []
    parts += [f"{request.replaced:,} rows are replaced by rows of {request.source_root}"] if request.replaced else []
    return f"{', '.join(parts)}; all other rows stay as they are, in their order."
