"""When an instrument was halted, by the status messages in its store."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import polars as pl

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.store import reader
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.gaps.halts import halt_spans
from quality_app.gaps.spans import SPANS
from quality_app.services.context import data_files

logger = logging.getLogger(__name__)

BATCH_ROWS = 200_000


def halts_for(dataset: Dataset, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Return the halts (schema SPANS, in order) of a dataset's instrument that meet a range (UNIX ns, inclusive).

    They come from the status messages of the same instrument in the same store, from the first one on: what holds at
    the start was said before. Only changes of state are held in memory. Files that cannot be read tell nothing; the
    log names them.
    """
    if dataset.data_type == DataType.STATUS or not dataset.instrument_id:
        return pl.DataFrame(schema=SPANS)
    same = Dataset.objects.filter(store=dataset.store_id, instrument_id=dataset.instrument_id)
    found = list(same.filter(data_type=DataType.STATUS).exclude(state=IndexState.UNSUPPORTED).select_related("store"))
    spans = halt_spans((batch for status in found for batch in _batches(status, end_ns)), end_ns)
    return spans.filter(pl.col("end_ns") > start_ns, pl.col("start_ns") <= end_ns)


def _batches(status: Dataset, end_ns: int) -> Iterator[pl.DataFrame]:
    root = StoreRoot.at(status.store.root)
    for file in data_files(status):
        if file.state != IndexState.OK or (file.start_ns is not None and file.start_ns > end_ns):
            continue
        try:
            rows = reader.scan(root, [file.path], DataType.STATUS, end_ns=end_ns)
            chosen = rows.select("action", "is_trading", "ts_event")
            yield from chosen.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming")
        except (StoreError, *reader.ROW_ERRORS) as error:
            logger.warning("%s tells no halts: it cannot be read (%s).", file.path, error)
