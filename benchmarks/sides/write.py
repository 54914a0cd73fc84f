"""Quotes that are in memory into a store, each side from the frame that it takes."""

from pathlib import Path

import polars as pl

from benchmarks.inputs.frames import quotes
from benchmarks.sides.import_csv import quote_wrangler
from benchmarks.subjects import QUOTES
from benchmarks.work import Done, Work, Workspace
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.decimals import as_decimal


def desk(workspace: Workspace) -> Work:
    """Canonical frames, checked row by row, written and committed."""
    frames = list(quotes(workspace.sizes.few, workspace.sizes.seed))

    def run(store: Path) -> Done:
        with Transaction(store, "import", QUOTES.directory) as tx:
            writer = QUOTES.writer(tx)
            for frame in frames:
                writer.write(frame)
            writer.finish()
            tx.commit()
        return Done(writer.rows, QUOTES.file(store).stat().st_size)

    return Work(run)


def nautilus(workspace: Workspace) -> Work:
    """A pandas frame of floats through QuoteTick objects."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    numbers = ("bid_price", "ask_price", "bid_size", "ask_size")
    frame = (
        pl.concat(quotes(workspace.sizes.few, workspace.sizes.seed))
        .select(
            pl.from_epoch("ts_init", time_unit="ns").dt.replace_time_zone("UTC").alias("timestamp"),
            *(as_decimal(pl.col(name)).cast(pl.Float64) for name in numbers),
        )
        .to_pandas()
        .set_index("timestamp")
    )
    wrangler = quote_wrangler()

    def run(store: Path) -> Done:
        records = wrangler.process(frame)
        ParquetDataCatalog(str(store)).write_data(records)
        return Done(len(records), QUOTES.file(store).stat().st_size)

    return Work(run)
