"""NautilusTrader's own reader, on files as the desk writes them or as NautilusTrader does."""

from pathlib import Path

from benchmarks.subjects import BARS, QUOTES, Stored
from benchmarks.work import Done, Work, Workspace


def quotes(workspace: Workspace, store: str) -> Work:
    """ParquetDataCatalog.quote_ticks()."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    stored = Stored.at(workspace.path(store))
    catalog = ParquetDataCatalog(str(stored.root))

    def run(_: Path) -> Done:
        return Done(len(catalog.quote_ticks(instrument_ids=[QUOTES.instrument_id])), stored.size_bytes)

    return Work(run)


def bars(workspace: Workspace, store: str) -> Work:
    """ParquetDataCatalog.bars()."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    stored = Stored.at(workspace.path(store))
    catalog = ParquetDataCatalog(str(stored.root))

    def run(_: Path) -> Done:
        return Done(len(catalog.bars(bar_types=[str(BARS.bar_type)])), stored.size_bytes)

    return Work(run)
