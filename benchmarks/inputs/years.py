"""A store of one-minute bars of a year for many instruments."""

from typing import Final

import polars as pl
import pyarrow.parquet as pq

from benchmarks.inputs.dialects import FORMS
from benchmarks.inputs.frames import bars
from benchmarks.work import Workspace
from catalog_app.store.layout import dataset_path, format_file_name
from catalog_app.store.writing.arrow_schemas import arrow_schema
from catalog_app.store.writing.encoding import to_arrow

_YEAR: Final = 525_600


def year_bars(workspace: Workspace) -> None:
    """One file each for a tenth of `datasets` instruments, a year long or `rows`; prices stand still, times do not."""
    root, sizes = workspace.path("year-bars"), workspace.sizes
    frame = pl.concat(bars(min(_YEAR, sizes.rows), sizes.seed))
    still = frame.with_columns(pl.col("open", "high", "low", "close", "volume").first())
    name = format_file_name(frame["ts_init"][0], frame["ts_init"][-1])
    table = to_arrow(still, arrow_schema("bar", "A.B", "A.B-1-MINUTE-LAST-EXTERNAL", 2, 6))
    for number in range(max(sizes.datasets // 10, 1)):
        instrument_id = f"Y{number:04d}USDT.BINANCE"
        bar_type = f"{instrument_id}-1-MINUTE-LAST-EXTERNAL"
        directory = root / dataset_path("bar", bar_type)
        directory.mkdir(parents=True)
        metadata = arrow_schema("bar", instrument_id, bar_type, 2, 6).metadata
        pq.write_table(table.replace_schema_metadata(metadata), directory / name, **FORMS["v1-16-desk"].parquet)
