"""Small files for the tests of delimited text."""

import gzip
import zipfile
from pathlib import Path

import polars as pl

from catalog_app.formats.delimited import Mapping, ParseStats, parse_batches
from catalog_app.store.decimals import parse_raw

BAR_HEADER = "timestamp,open,high,low,close,volume\n"
BAR_ROWS = (
    "2024-01-02 00:00:00,1.10000,1.10020,1.09990,1.10010,12\n"
    "2024-01-02 00:01:00,1.10010,1.10030,1.10000,1.10020,7\n"
    "2024-01-02 00:02:00,1.10020,1.10020,1.09980,1.09990,0\n"
)
MINUTE_NS = 60 * 10**9
JANUARY_2 = 1_704_153_600 * 10**9
BARS = Mapping(
    data_type="bar",
    columns={name: name for name in ("timestamp", "open", "high", "low", "close", "volume")},
    interval_ns=MINUTE_NS,
)
QUOTES = Mapping(data_type="quote", columns={"timestamp": "time", "bid_price": "bid", "ask_price": "ask"})
TRADES = Mapping(data_type="trade", columns={"timestamp": "time", "price": "price", "size": "size"})


def write(directory: Path, text: str | bytes, name: str = "file.csv") -> Path:
    path = directory / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def write_gzip(directory: Path, text: str) -> Path:
    return write(directory, gzip.compress(text.encode()), "file.csv.gz")


def write_zip(directory: Path, members: dict[str, str]) -> Path:
    path = directory / "file.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def parse(path: Path, mapping: Mapping, **options: object) -> tuple[pl.DataFrame, pl.DataFrame, ParseStats]:
    """All accepted rows, all rejected rows and the stats; precision 5 and 0 unless told."""
    parser = parse_batches(path, mapping, **{"price_precision": 5, "size_precision": 0, **options})
    batches = list(parser)
    accepted = pl.concat([batch.frame for batch in batches])
    return accepted, pl.concat([batch.rejected for batch in batches]), parser.stats


def raw(*texts: str) -> list[int]:
    return [parse_raw(text) for text in texts]
