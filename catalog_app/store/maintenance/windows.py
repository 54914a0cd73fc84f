"""Rows of files that are not in order, sorted piece by piece: in windows of time, each small enough for memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from catalog_app.store.filesystem import Root
from catalog_app.store.fingerprint import Fingerprint
from catalog_app.store.maintenance.comparing import comparable, fingerprint
from catalog_app.store.maintenance.reading import batches, groups_between, times_of
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.tally import quantile_cuts
from catalog_app.store.schema import INT64_MAX
from catalog_app.store.writing.row_groups import row_bytes

WINDOW_BYTES: Final = 1 << 26
WINDOW_ROWS: Final = 2_000_000

# Called with the fingerprint of rows that were read.
type OnRead = Callable[[Fingerprint], None]


def sorted_rows(root: Root, sources: Sequence[Source], on_read: OnRead) -> Iterator[pa.Table]:
    """All rows in order of ts_init; those of one ts_init in the order of the files, then of their rows, and in one
    table. Row groups are read again for each window that their ts_init reach into.
    """
    rows = sum(source.rows for source in sources)
    window_rows = max(1, min(WINDOW_ROWS, WINDOW_BYTES // row_bytes(sources[0].schema)))
    cuts = quantile_cuts(root, sources, -(-rows // window_rows))
    for low, high in zip([0, *cuts], [*cuts, INT64_MAX + 1], strict=True):
        table = _window(root, sources, low, high)
        on_read(fingerprint(table))
        times = times_of(table)
        if (np.diff(times) < 0).any():
            table = table.take(pa.array(np.argsort(times, kind="stable")))
        yield table


def first_of_identical(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Rows (in order of ts_init) without those that are identical to an earlier row in every column, and the rows left
    out.
    """
    same_time = np.diff(times_of(table)) == 0
    at = np.flatnonzero(np.append(same_time, False) | np.insert(same_time, 0, False))
    if not len(at):
        return table, table.slice(0, 0)
    frame = comparable(table.take(pa.array(at)))
    # Hashes find the few candidates, exact comparison decides.
    candidates = frame.hash_rows(seed=0).is_duplicated()
    if not candidates.any():
        return table, table.slice(0, 0)
    alike = candidates.arg_true()
    first = frame[alike].select(pl.struct(pl.all()).is_first_distinct()).to_series()
    left_out = np.zeros(table.num_rows, bool)
    left_out[at[alike.filter(~first).to_numpy()]] = True
    return table.filter(pa.array(~left_out)), table.filter(pa.array(left_out))


def _window(root: Root, sources: Sequence[Source], low: int, high: int) -> pa.Table:
    parts = [sources[0].schema.empty_table()]
    for source in sources:
        if source.end_ns < low or source.start_ns >= high:
            continue
        for table in batches(root, source, groups=groups_between(source, low, high)):
            times = times_of(table)
            inside = (times >= low) & (times < high)
            parts.append(table if inside.all() else table.filter(pa.array(inside)))
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()
