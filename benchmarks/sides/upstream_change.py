"""NautilusTrader's own maintenance of a dataset."""

from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.copies import copy_path, renew_copy
from benchmarks.subjects import QUOTES, Stored
from benchmarks.work import Done, Work, Workspace


def consolidate(workspace: Workspace, store: str) -> Work:
    """ParquetDataCatalog.consolidate_data() of all files."""
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    def run(_: Path) -> Done:
        root = copy_path(workspace, store, "nautilus")
        # Files that do not touch are the rule; it would leave them alone.
        ParquetDataCatalog(str(root)).consolidate_data(QuoteTick, QUOTES.instrument_id, ensure_contiguous_files=False)
        (file,) = Stored.at(root).files
        return Done(pq.read_metadata(file).num_rows, file.stat().st_size, {"files": 1})

    return Work(run, partial(renew_copy, workspace, store, "nautilus"))
