"""NautilusTrader's own reader on files as the desk writes them and as NautilusTrader does."""

from pathlib import Path

from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Done, Work, Workspace


def quotes_of_desk(workspace: Workspace) -> Work:
    """Read the quotes that the desk wrote."""
    return _read(workspace.path("desk-quotes"), QUOTES)


def quotes_of_nautilus(workspace: Workspace) -> Work:
    """Read the quotes that NautilusTrader wrote."""
    return _read(workspace.path("nautilus-quotes"), QUOTES)


def bars_of_desk(workspace: Workspace) -> Work:
    """Read the bars that the desk wrote."""
    return _read(workspace.path("desk-bars"), BARS)


def bars_of_nautilus(workspace: Workspace) -> Work:
    """Read the bars that NautilusTrader wrote."""
    return _read(workspace.path("nautilus-bars"), BARS)


def _read(store: Path, subject: Subject) -> Work:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    catalog = ParquetDataCatalog(str(store))
    size_bytes = subject.file(store).stat().st_size

    def run(_: Path) -> Done:
        if subject.data_type == "bar":
            records = catalog.bars(bar_types=[str(subject.bar_type)])
        else:
            records = catalog.quote_ticks(instrument_ids=[subject.instrument_id])
        return Done(len(records), size_bytes)

    return Work(run)
