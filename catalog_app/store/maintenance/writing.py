"""One output of a step: rows as they were stored, in a staged file, read back and compared when it is whole."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import VerificationFailed
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.fingerprint import Fingerprint
from catalog_app.store.maintenance.comparing import fingerprint
from catalog_app.store.maintenance.plans import PlannedFile
from catalog_app.store.maintenance.reading import batches, times_of
from catalog_app.store.maintenance.sources import scratch_source
from catalog_app.store.writing.parquet_file import ParquetFile
from catalog_app.store.writing.row_groups import ROW_GROUP_ROWS, group_rows


class Output:
    """Writes one file of a plan. `in_order`: its rows must be in order of ts_init."""

    def __init__(
        self,
        tx: Transaction,
        planned: PlannedFile,
        schema: pa.Schema,
        *,
        in_order: bool,
        compression: str = "zstd",
        row_group_rows: int = ROW_GROUP_ROWS,
    ) -> None:
        self.planned = planned
        self._schema = schema
        self._in_order = in_order
        self._group_rows = group_rows(schema, row_group_rows)
        self._scratch = tx.stage(planned.path)
        with durable.explained(f"cannot write {planned.path}"):
            self._file = ParquetFile(self._scratch, schema, compression, self._group_rows)
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self.rows = 0

    @property
    def is_whole(self) -> bool:
        """Whether all announced rows came."""
        return self.rows >= self.planned.rows

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self.rows += table.num_rows
        self._pending.append(table)
        self._pending_rows += table.num_rows
        if self._pending_rows >= self._group_rows:
            self._flush(keep=self._pending_rows % self._group_rows)

    def finish(self) -> Fingerprint:
        """Close the file and read it back; VerificationFailed unless it holds what was announced."""
        self._flush(keep=0)
        with durable.explained(f"cannot write {self.planned.path}"):
            self._file.close()
        return check_written(self._scratch, self.planned, self._schema, in_order=self._in_order)

    def _flush(self, *, keep: int) -> None:
        if not self._pending_rows:
            return
        table = pa.concat_tables(self._pending).unify_dictionaries()
        with durable.explained(f"cannot write {self.planned.path}"):
            self._file.write(table.slice(0, table.num_rows - keep))
        self._pending = [table.slice(table.num_rows - keep)] if keep else []
        self._pending_rows = keep


def check_written(path: Path, planned: PlannedFile, schema: pa.Schema, *, in_order: bool) -> Fingerprint:
    """The fingerprint of a file as it is on the disk.

    VerificationFailed unless its columns, rows, first and last ts_init, and their order, are as announced.
    """
    source = scratch_source(path)
    if not source.schema.equals(schema, check_metadata=True):
        raise VerificationFailed(f"{planned.path}: the columns read back differ; nothing was changed")
    found, last, low, high, sorted_ = Fingerprint(), None, None, None, True
    for table in batches(StoreRoot.at(path.parent), source):
        times = times_of(table)
        if not times.size:
            continue
        found += fingerprint(table)
        sorted_ = sorted_ and (last is None or last <= times[0]) and bool((np.diff(times) >= 0).all())
        last = times[-1]
        low = times.min() if low is None else min(low, times.min())
        high = times.max() if high is None else max(high, times.max())
    if (found.rows, low, high) != (planned.rows, planned.start_ns, planned.end_ns):
        raise VerificationFailed(
            f"{planned.path}: {found.rows:,} rows from {low} to {high} ns were written, but {planned.rows:,} from "
            f"{planned.start_ns} to {planned.end_ns} ns were announced; nothing was changed"
        )
    if in_order and not sorted_:
        raise VerificationFailed(f"{planned.path}: the rows written are not in order of ts_init; nothing was changed")
    return found
