"""The store engine: scan, load, write, consolidate, convert; and how much memory it needs for huge datasets."""

from typing import Final

from benchmarks.measurement import Measurement, Side, Target, faster, side

# Stores as each NautilusTrader writes them: "<records>-<dialect>".
DIALECT_STORES: Final = (
    *(f"quotes-{dialect}" for dialect in ("v1-16", "v1-8", "rc4", "v2")),
    *(f"{records}-{dialect}" for records in ("trades", "deltas") for dialect in ("v1-16", "v2")),
)
# In the row groups and compression that the desk writes.
DESK_STORE: Final = "quotes-v1-16-desk"
NAUTILUS: Final = "NautilusTrader"
# From how many rows on a ratio tells something: below, starting threads and committing is all there is.
_FEW: Final = 100_000
_MANY: Final = 1_000_000
_HUGE_ROWS: Final = 100_000_000


def scan_peers(store: str) -> tuple[Side, ...]:
    """Bare scans of all columns of a store."""
    return (
        side("Polars", "scan_parquet, columns as stored", f"scan:polars:{store}"),
        side("PyArrow", "dataset scanner, columns as stored", f"scan:arrow:{store}"),
    )


def decoded_peers(store: str) -> tuple[Side, ...]:
    """Bare scans, and what Polars alone needs to make integers of 16-byte values."""
    title = "scan_parquet, prices and sizes reinterpreted as Int128"
    return (*scan_peers(store), side("Polars decoded", title, f"scan:polars_decoded:{store}"))


SCAN_PEERS: Final = decoded_peers("large-quotes")
_IN_16_BYTES: Final = frozenset({"quotes-v1-16", "quotes-rc4"})


def _scan(store: str, title: str, peers: tuple[Side, ...]) -> Measurement:
    return Measurement(
        f"scan-{store}",
        f"Scan all columns of {title}",
        "rows",
        (store,),
        side("desk", "reader.scan: canonical schema, undefined values as null", f"scan:desk:{store}"),
        peers,
        (Target("time ratio", 1.3, "Polars", _MANY),),
    )


def _consolidate(store: str, title: str) -> Measurement:
    return Measurement(
        f"consolidate-{store}",
        title,
        "rows",
        (store,),
        side("desk", "plan and execute: joined, proven, committed", f"maintenance:consolidate:{store}"),
        (side(NAUTILUS, "ParquetDataCatalog.consolidate_data()", f"upstream_change:consolidate:{store}"),),
        (faster(10, NAUTILUS, _MANY),),
    )


def _convert(store: str, to: str, *peers: Side) -> Measurement:
    return Measurement(
        f"convert-{store}-to-{to}",
        f"Convert {store} to {to}",
        "rows",
        (store,),
        side("desk", "convert into a new store, everything read back and compared", f"convert:{to}:{store}"),
        peers,
    )


def _huge(verb: str, title: str, entry: str) -> Measurement:
    return Measurement(
        f"huge-{verb}",
        f"Huge dataset: {title}",
        "rows",
        ("huge-quotes",),
        side("desk", title, f"{entry}:huge-quotes"),
        targets=(Target("peak MiB", 1024, units=_HUGE_ROWS),),
        rounds=1,
    )


STORE: Final = (
    _scan("large-quotes", "quotes as the desk writes them", SCAN_PEERS),
    *(
        _scan(store, store, decoded_peers(store) if store in _IN_16_BYTES else scan_peers(store))
        for store in DIALECT_STORES
    ),
    Measurement(
        "load-quotes",
        "Load quotes that NautilusTrader wrote",
        "rows",
        ("quote-csv", "nautilus-quotes"),
        side("desk", "reader.scan into a frame of all columns", "load:desk:nautilus-quotes"),
        (side(NAUTILUS, "ParquetDataCatalog.quote_ticks()", "upstream_read:quotes:nautilus-quotes"),),
        (faster(8, NAUTILUS, _FEW),),
    ),
    Measurement(
        "write-quotes",
        "Write quotes that are in memory",
        "rows",
        (),
        side("desk", "canonical frame, DatasetWriter, commit with fsync and hash", "write:desk"),
        (side(NAUTILUS, "pandas frame, QuoteTickDataWrangler, write_data", "write:nautilus"),),
        (faster(10, NAUTILUS, _FEW),),
    ),
    _consolidate("quotes-v1-16", "Consolidate the files of a dataset into one, as 1.x writes them"),
    _consolidate(DESK_STORE, "Consolidate the files of a dataset into one, as the desk writes them"),
    _convert(
        "quotes-v1-16",
        "v2",
        side(
            f"{NAUTILUS} 2",
            "migrate_from_legacy_parquet_path(), nothing compared",
            "upstream_v2:migrate:quotes-v1-16",
            environment="v2",
        ),
    ),
    _convert("quotes-v2", "v1"),
    _convert("quotes-v1-8", "v1"),
    _huge("scan", "scan all columns", "scan:desk"),
    _huge("consolidate", "consolidate into one file", "maintenance:consolidate"),
    _huge("deduplicate", "drop one row of a thousand", "maintenance:deduplicate"),
    _huge("recompress", "ZSTD, row groups of 131,072", "maintenance:recompress"),
    _huge("convert", "convert to v2 and compare", "convert:v2"),
)
