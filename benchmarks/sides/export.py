"""Quotes into a file for analysts: the desk's exact decimals against writers that start from ready floats."""

import importlib
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.subjects import QUOTES
from benchmarks.work import Done, Work, Workspace
from catalog_app.formats.export import open_writer
from catalog_app.store import reader

# What services.exporting reads at a time.
_BATCH_ROWS: Final = 131_072
_ISO_NS: Final = "%Y-%m-%dT%H:%M:%S%.9fZ"


def desk_csv(workspace: Workspace) -> Work:
    """From the store to CSV."""
    return _desk(workspace, "csv")


def desk_parquet(workspace: Workspace) -> Work:
    """From the store to Parquet, ZSTD."""
    return _desk(workspace, "parquet")


def polars_csv(workspace: Workspace) -> Work:
    """From a Parquet file of floats to CSV, with the same digits."""

    def run(scratch: Path) -> Done:
        path = scratch / "quotes.csv"
        pl.scan_parquet(_floats(workspace)).sink_csv(
            path, float_precision=QUOTES.price_precision, datetime_format=_ISO_NS
        )
        return Done(workspace.sizes.rows, path.stat().st_size)

    return Work(run)


def polars_parquet(workspace: Workspace) -> Work:
    """From a Parquet file of floats to Parquet, ZSTD."""

    def run(scratch: Path) -> Done:
        path = scratch / "quotes.parquet"
        pl.scan_parquet(_floats(workspace)).sink_parquet(path, compression="zstd")
        return Done(workspace.sizes.rows, path.stat().st_size)

    return Work(run)


def duckdb_csv(workspace: Workspace) -> Work:
    """From a Parquet file of floats to CSV."""
    return _duckdb(workspace, "csv", "FORMAT csv, HEADER")


def duckdb_parquet(workspace: Workspace) -> Work:
    """From a Parquet file of floats to Parquet, ZSTD."""
    return _duckdb(workspace, "parquet", "FORMAT parquet, COMPRESSION zstd")


def _floats(workspace: Workspace) -> Path:
    return workspace.path("float-quotes") / "quotes.parquet"


def _desk(workspace: Workspace, fmt: str) -> Work:
    store = workspace.path("large-quotes")
    paths = QUOTES.paths(store)

    def run(scratch: Path) -> Done:
        path = scratch / f"quotes.{fmt}"
        frames = reader.scan(store, paths, "quote").collect_batches(chunk_size=_BATCH_ROWS, maintain_order=True)
        prices, sizes = QUOTES.price_precision, QUOTES.size_precision
        with open_writer(fmt, path, "quote", price_precision=prices, size_precision=sizes) as writer:
            for frame in frames:
                writer.write(frame)
        return Done(writer.rows, path.stat().st_size)

    return Work(run)


def _duckdb(workspace: Workspace, fmt: str, options: str) -> Work:
    # By name: it is not one of the project's requirements.
    connection = importlib.import_module("duckdb").connect()
    source = _floats(workspace)

    def run(scratch: Path) -> Done:
        path = scratch / f"quotes.{fmt}"
        connection.execute(f"COPY (SELECT * FROM '{source}') TO '{path}' ({options})")
        return Done(workspace.sizes.rows, path.stat().st_size)

    return Work(run)
