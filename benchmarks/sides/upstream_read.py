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


def quotes_by_file(workspace: Workspace, store: str) -> Work:
    """ParquetDataCatalog.quote_ticks() of one file after the other: all rows at once need too much memory."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    from catalog_app.store.layout import parse_file_name

    stored = Stored.at(workspace.path(store))
    catalog = ParquetDataCatalog(str(stored.root))
    intervals = [found for file in stored.files if (found := parse_file_name(file.name))]

    def run(_: Path) -> Done:
        rows = sum(
            len(catalog.quote_ticks(instrument_ids=[QUOTES.instrument_id], start=start, end=end))
            for start, end in intervals
        )
        return Done(rows, stored.size_bytes)

    return Work(run)


def bars(workspace: Workspace, store: str) -> Work:
    """ParquetDataCatalog.bars()."""
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    stored = Stored.at(workspace.path(store))
    catalog = ParquetDataCatalog(str(stored.root))

    def run(_: Path) -> Done:
        return Done(len(catalog.bars(bar_types=[str(BARS.bar_type)])), stored.size_bytes)

    return Work(run)
