"""NautilusTrader 2, in an environment of its own: only what it brings may be imported here."""

from pathlib import Path

from benchmarks.work import Done, Work, Workspace


def migrate(workspace: Workspace, store: str) -> Work:
    """Its own migration of a store of 1.x."""
    import pyarrow.parquet as pq
    from nautilus_trader.persistence import ParquetDataCatalog  # type: ignore[attr-defined]

    source = workspace.path(store)

    def run(scratch: Path) -> Done:
        ParquetDataCatalog(str(scratch)).migrate_from_legacy_parquet_path(str(source))
        files = list(scratch.rglob("*.parquet"))
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        return Done(rows, sum(file.stat().st_size for file in files), {"files": len(files)})

    return Work(run)
