"""Every measurement: what the desk does, what it is held against, and the inputs of both.

Entries are named by text, so that the process that only takes turns loads no library of either side.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

# Input -> its generator, in the order in which they are made: later ones may use earlier ones.
INPUTS: Final = {
    "quote-csv": "benchmarks.inputs.tables:quote_csv",
    "bar-csv": "benchmarks.inputs.tables:bar_csv",
    "large-quotes": "benchmarks.inputs.stores:large_quotes",
    "large-bars": "benchmarks.inputs.stores:large_bars",
    "float-quotes": "benchmarks.inputs.tables:float_quotes",
    "desk-quotes": "benchmarks.inputs.stores:desk_quotes",
    "desk-bars": "benchmarks.inputs.stores:desk_bars",
    "nautilus-quotes": "benchmarks.inputs.stores:nautilus_quotes",
    "nautilus-bars": "benchmarks.inputs.stores:nautilus_bars",
    "many-files": "benchmarks.inputs.many_files:many_files",
    "index": "benchmarks.inputs.index:index",
}


@dataclass(frozen=True, slots=True)
class Side:
    """Who does the work, what it does, and the function that makes it ready ("module:function" of benchmarks.sides).

    `package` names a library that is no requirement of the project: without it the side is left out.
    """

    name: str
    does: str
    entry: str
    package: str = ""

    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        return not self.package or find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One comparison; no peers makes it a figure of its own."""

    name: str
    title: str
    unit: str
    inputs: tuple[str, ...]
    desk: Side
    peers: tuple[Side, ...]


def _side(name: str, does: str, entry: str, package: str = "") -> Side:
    return Side(name, does, f"benchmarks.sides.{entry}", package)


def _import(kind: str, wrangler: str) -> Measurement:
    return Measurement(
        f"import-{kind}s",
        f"Import a CSV of {kind}s into a store",
        "rows",
        (f"{kind}-csv",),
        _side("desk", "parse_batches, DatasetWriter, commit with fsync and hash", f"import_csv:desk_{kind}s"),
        (
            _side(
                "NautilusTrader",
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
        _side("desk's file", "ZSTD, row groups of 131,072, times as deltas", f"upstream_read:{kind}s_of_desk"),
        (_side("its own file", "as write_data makes it", f"upstream_read:{kind}s_of_nautilus"),),
    )


def _export(fmt: str, label: str) -> Measurement:
    return Measurement(
        f"export-{fmt}",
        f"Export quotes as {label}",
        "rows",
        ("large-quotes", "float-quotes"),
        _side("desk", "from the store, exact decimals", f"export:desk_{fmt}"),
        (
            _side("Polars", f"sink_{fmt} from a Parquet file of ready floats", f"export:polars_{fmt}"),
            _side("DuckDB", "COPY from a Parquet file of ready floats", f"export:duckdb_{fmt}", "duckdb"),
        ),
    )


def _page(name: str, title: str) -> Measurement:
    return Measurement(
        f"page-{name.replace('_', '-')}",
        f"Catalog of many datasets: {title}",
        "requests",
        ("index",),
        _side("desk", "Django test client, SQLite, no network", f"pages:{name}"),
        (),
    )


_SCAN_PEERS: Final = (
    _side("Polars", "columns as stored: binary prices, unsigned times", "scan:polars_quotes"),
    _side("Polars decoded", "prices and sizes reinterpreted as Int128", "scan:polars_decoded_quotes"),
    _side("PyArrow", "dataset scanner, columns as stored", "scan:arrow_quotes"),
)
_TIME_PEERS: Final = (
    _side("Polars", "scan_parquet of the one column", "scan:polars_times"),
    _side("PyArrow", "dataset scanner of the one column", "scan:arrow_times"),
)

MEASUREMENTS: Final = (
    _import("quote", "QuoteTickDataWrangler"),
    _import("bar", "BarDataWrangler"),
    Measurement(
        "scan-quotes",
        "Scan all columns of quotes",
        "rows",
        ("large-quotes",),
        _side("desk", "reader.scan: canonical schema, undefined values as null", "scan:desk_quotes"),
        _SCAN_PEERS,
    ),
    Measurement(
        "scan-times",
        "Scan ts_init of bars",
        "rows",
        ("large-bars",),
        _side("desk", "reader.scan of the one column", "scan:desk_times"),
        _TIME_PEERS,
    ),
    _upstream_read("quote", "quote_ticks"),
    _upstream_read("bar", "bars"),
    _export("csv", "CSV"),
    _export("parquet", "Parquet"),
    Measurement(
        "checks-quotes",
        "Run every check over quotes",
        "rows",
        ("large-quotes",),
        _side("desk", "run_checks with positions of rows", "quality:checks"),
        _SCAN_PEERS,
    ),
    Measurement(
        "gaps-bars",
        "Find the gaps of bars",
        "rows",
        ("large-bars",),
        _side("desk", "scan_bars with causes", "quality:gaps"),
        _TIME_PEERS,
    ),
    Measurement(
        "sync-first",
        "Index a store of many small files",
        "files",
        ("many-files",),
        _side("desk", "sync_store into an empty index", "sync:desk_first"),
        (_side("bare", "stat and PyArrow footer of every file, 8 threads", "sync:bare_footers"),),
    ),
    Measurement(
        "sync-again",
        "Sync it again, nothing changed",
        "files",
        ("many-files",),
        _side("desk", "sync_store", "sync:desk_again"),
        (_side("bare", "stat of every file", "sync:bare_walk"),),
    ),
    _page("browser", "first page of the browser"),
    _page("search", "search"),
    _page("filtered", "two filters and an order"),
    _page("last_page", "last page"),
    _page("tree", "instruments of a venue"),
)
