"""Importing, exporting, the index and its pages."""

from typing import Final

from benchmarks.measurement import Measurement, Target, side
from benchmarks.store_measurements import NAUTILUS

_MANY_FILES: Final = 20_000


def _import(kind: str, wrangler: str) -> Measurement:
    return Measurement(
        f"import-{kind}s",
        f"Import a CSV of {kind}s into a store",
        "rows",
        (f"{kind}-csv",),
        side("desk", "parse_batches, DatasetWriter, commit with fsync and hash", f"import_csv:desk_{kind}s"),
        (
            side(
                NAUTILUS,
                f"pandas read_csv, {wrangler}, ParquetDataCatalog.write_data",
                f"import_csv:nautilus_{kind}s",
            ),
        ),
    )


def _upstream_read(kind: str, method: str) -> Measurement:
    return Measurement(
        f"read-{kind}s",
        f"NautilusTrader reads {kind}s: ParquetDataCatalog.{method}()",
        "rows",
        (f"{kind}-csv", f"desk-{kind}s", f"nautilus-{kind}s"),
        side("desk's file", "ZSTD, row groups of 131,072, times as deltas", f"upstream_read:{kind}s:desk-{kind}s"),
        (side("its own file", "as write_data makes it", f"upstream_read:{kind}s:nautilus-{kind}s"),),
    )


def _export(fmt: str, label: str) -> Measurement:
    return Measurement(
        f"export-{fmt}",
        f"Export quotes as {label}",
        "rows",
        ("large-quotes", "float-quotes"),
        side("desk", "from the store, exact decimals", f"export:desk_{fmt}"),
        (
            side("Polars", f"sink_{fmt} from a Parquet file of ready floats", f"export:polars_{fmt}"),
            side("DuckDB", "COPY from a Parquet file of ready floats", f"export:duckdb_{fmt}", "duckdb"),
        ),
    )


def _page(name: str, title: str) -> Measurement:
    return Measurement(
        f"page-{name.replace('_', '-')}",
        f"Catalog of many datasets: {title}",
        "requests",
        ("index",),
        side("desk", "Django test client, SQLite, no network", f"pages:{name}"),
    )


_TIME_PEERS: Final = (
    side("Polars", "scan_parquet of the one column", "scan:polars_times:large-bars"),
    side("PyArrow", "dataset scanner of the one column", "scan:arrow_times:large-bars"),
)

DESK: Final = (
    _import("quote", "QuoteTickDataWrangler"),
    _import("bar", "BarDataWrangler"),
    Measurement(
        "scan-times",
        "Scan ts_init of bars",
        "rows",
        ("large-bars",),
        side("desk", "reader.scan of the one column", "scan:desk_times:large-bars"),
        _TIME_PEERS,
    ),
    _upstream_read("quote", "quote_ticks"),
    _upstream_read("bar", "bars"),
    _export("csv", "CSV"),
    _export("parquet", "Parquet"),
    Measurement(
        "sync-first",
        "Index a store of many small files",
        "files",
        ("many-files",),
        side("desk", "sync_store into an empty index", "sync:desk_first"),
        (side("bare", "stat and PyArrow footer of every file, 8 threads", "sync:bare_footers"),),
        (Target("listed s", 3, units=_MANY_FILES), Target("seconds", 30, units=_MANY_FILES)),
    ),
    Measurement(
        "sync-again",
        "Sync it again, nothing changed",
        "files",
        ("many-files",),
        side("desk", "sync_store", "sync:desk_again"),
        (side("bare", "stat of every file", "sync:bare_walk"),),
        (Target("seconds", 1, units=_MANY_FILES),),
    ),
    _page("browser", "first page of the browser"),
    _page("search", "search"),
    _page("filtered", "two filters and an order"),
    _page("last_page", "last page"),
    _page("tree", "instruments of a venue"),
)
