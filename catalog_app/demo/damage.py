"""Damage to files of the demo store, done after the regular write.

The store's writer rightly refuses to make such files, so they are made here past it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog_app.demo.defects import DEFECTS, Change, Defect
from catalog_app.demo.universe import DemoInstrument
from catalog_app.store.layout import V1_DIRECTORY, format_file_name
from catalog_app.store.reader import scan
from catalog_app.store.writer import to_arrow


@dataclass(frozen=True, slots=True)
class Damaged:
    """What was done: the file, the positions of bad rows in it, rows lost, and the times (ts_init, ns) touched."""

    file: str
    first_ns: int
    last_ns: int
    rows: tuple[int, ...] = ()
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Damage:
    """Damage to the file of a dataset that holds a time."""

    key: str
    instrument_id: str
    dataset: str  # below data/
    at: str  # ISO time, UTC
    checks: tuple[str, ...]
    summary: str
    inflict: Callable[[Path, str, int], Damaged]

    @property
    def at_ns(self) -> int:
        """`at` in nanoseconds."""
        return int(datetime.fromisoformat(self.at).timestamp()) * 1_000_000_000

    def apply(self, root: Path) -> Damaged | None:
        """Inflict the damage; None where the store does not hold the dataset at that time."""
        file = _file_at(root, f"data/{self.dataset}", self.at_ns)
        return self.inflict(root, file, self.at_ns) if file else None


def plant_refused(root: Path, instruments: tuple[DemoInstrument, ...]) -> list[tuple[Defect, str, Change]]:
    """Plant the rows that the store's writer refuses into written files; returns each with its file."""
    known = {item.instrument_id: item for item in instruments}
    wanted = [item for item in DEFECTS if item.refused and item.instrument_id in known]
    done = []
    for defect in wanted:
        file = _file_at(root, f"data/{defect.dataset}", defect.at_ns)
        change = _replant(root, file, defect, known[defect.instrument_id]) if file else None
        if file and change:
            done.append((defect, file, change))
    return done


def _replant(root: Path, file: str, defect: Defect, instrument: DemoInstrument) -> Change | None:
    directory = defect.dataset.partition("/")[0]
    data_type = next(name for name, v1 in V1_DIRECTORY.items() if v1 == directory)
    change = defect.apply(scan(root, [file], data_type).collect(), instrument)
    if change is not None:
        _write(to_arrow(change.frame, pq.read_schema(root / file)), root / file)
    return change


def damage_files(root: Path) -> list[tuple[Damage, Damaged]]:
    """Damage the store's files; returns what was done."""
    done = ((item, item.apply(root)) for item in DAMAGES)
    return [(item, damaged) for item, damaged in done if damaged is not None]


def _file_at(root: Path, directory: str, at_ns: int) -> str | None:
    for path in sorted((root / directory).glob("*.parquet")):
        ts = pq.read_table(path, columns=["ts_init"])["ts_init"]
        if ts[0].as_py() <= at_ns <= ts[-1].as_py():
            return f"{directory}/{path.name}"
    return None


def _times(table: pa.Table) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.asarray(table["ts_init"].to_numpy())


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", row_group_size=131_072)


def _unsort(root: Path, file: str, at_ns: int) -> Damaged:
    table = pq.read_table(root / file)
    start = int(np.searchsorted(_times(table), at_ns))
    rows = range(start, start + 10)
    order = np.arange(table.num_rows)
    order[rows.start : rows.stop] = order[rows.start : rows.stop][::-1]
    first, last = (int(_times(table)[row]) for row in (rows[0], rows[-1]))
    _write(table.take(pa.array(order)), root / file)
    # Nine times a row is earlier than the one before it.
    return Damaged(file, first, last, tuple(rows[1:]))


def _truncate(root: Path, file: str, _at_ns: int) -> Damaged:
    times = _times(pq.read_table(root / file, columns=["ts_init"]))
    os.truncate(root / file, (root / file).stat().st_size * 6 // 10)
    return Damaged(file, int(times[0]), int(times[-1]), missing=times.size)


def _cut_rows(root: Path, file: str, at_ns: int) -> Damaged:
    """Drop the rows from a time on, and leave the file's name."""
    table = pq.read_table(root / file)
    times = _times(table)
    kept = int(np.searchsorted(times, at_ns))
    _write(table.slice(0, kept), root / file)
    return Damaged(file, int(times[kept]), int(times[-1]), missing=table.num_rows - kept)


def _split_overlapping(root: Path, file: str, at_ns: int) -> Damaged:
    """Move a day's rows to a second file, whose interval lies inside the first one's."""
    table = pq.read_table(root / file)
    start = int(np.searchsorted(_times(table), at_ns))
    moved = table.slice(start, 24)
    times = _times(moved)
    rest = pa.concat_tables([table.slice(0, start), table.slice(start + moved.num_rows)])
    second = str(Path(file).with_name(format_file_name(int(times[0]), int(times[-1]))))
    _write(moved, root / second)
    _write(rest, root / file)
    return Damaged(second, int(times[0]), int(times[-1]), tuple(range(moved.num_rows)))


def _eight_byte_quotes(root: Path, file: str, _at_ns: int) -> Damaged:
    """Write quotes as NautilusTrader did with 64-bit values, from the closes of bid and ask bars."""
    bid = pq.read_table(root / file).slice(0, 500)
    ask_file = file.replace("-1-MINUTE-BID-", "-1-MINUTE-ASK-")
    ask = pq.read_table(root / ask_file).slice(0, 500)
    prices = [_as_eight_bytes(table["close"]) for table in (bid, ask)]
    size = _as_eight_bytes(bid["volume"])
    metadata = {key: value for key, value in bid.schema.metadata.items() if key != b"bar_type"}
    metadata[b"instrument_id"] = b"USD/MXN.SIM"
    names = ("bid_price", "ask_price", "bid_size", "ask_size", "ts_event", "ts_init")
    columns = [*prices, size, size, bid["ts_event"], bid["ts_init"]]
    table = pa.table(dict(zip(names, columns, strict=True))).replace_schema_metadata(metadata)
    return _write_leftover(root, "data/quote_tick/USDMXN.SIM", table, _times(bid))


def _as_eight_bytes(column: pa.ChunkedArray) -> pa.FixedSizeBinaryArray:
    # Sixteen little-endian bytes at scale 16 become eight at scale 9; the values are small enough for Int64.
    raw = b"".join(column.to_pylist())
    low = np.frombuffer(raw, dtype="<i8")[::2].astype(np.uint64)
    high = np.frombuffer(raw, dtype="<i8")[1::2]
    if not (high == 0).all():
        raise ValueError("a value does not fit into 64 bits")
    packed = (low // 10**7).astype("<i8").tobytes()
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), len(low), [None, pa.py_buffer(packed)])


def _next_dialect_trades(root: Path, file: str, _at_ns: int) -> Damaged:
    """Write trades as NautilusTrader 2 does (directory, decimals, timestamps, dictionaries), from bars' closes."""
    bars = pq.read_table(root / file).slice(0, 500)
    decimal = pa.decimal128(38, 16)
    price, size = (_as_decimals(bars[name], decimal) for name in ("close", "volume"))
    side = pa.array(["BUY" if row % 2 else "SELL" for row in range(bars.num_rows)]).dictionary_encode()
    stamp = pa.timestamp("ns", tz="UTC")
    moments = pc.cast(pc.cast(bars["ts_init"], pa.int64()), stamp)
    ids = pa.array([f"S{row}" for row in range(bars.num_rows)])
    metadata = {**bars.schema.metadata, b"type_name": b"TradeTick", b"instrument_id": b"BNBUSDT.BINANCE"}
    metadata.pop(b"bar_type", None)
    columns = {"price": price, "size": size, "aggressor_side": side, "trade_id": ids}
    table = pa.table({**columns, "ts_event": moments, "ts_init": moments}).replace_schema_metadata(metadata)
    return _write_leftover(root, "data/trades/BNBUSDT.BINANCE", table, _times(bars))


def _as_decimals(column: pa.ChunkedArray, decimal: pa.DataType) -> pa.Array:
    # The sixteen bytes of a fixed-point value are those of a decimal with sixteen digits.
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return pa.Array.from_buffers(decimal, len(array), [None, pa.py_buffer(b"".join(array.to_pylist()))])


def _write_leftover(
    root: Path, directory: str, table: pa.Table, times: np.ndarray[Any, np.dtype[np.uint64]]
) -> Damaged:
    first, last = int(times[0]), int(times[-1])
    file = f"{directory}/{format_file_name(first, last)}"
    (root / directory).mkdir(parents=True)
    _write(table, root / file)
    return Damaged(file, first, last, tuple(range(table.num_rows)))


DAMAGES: Final = (
    Damage(
        "unsorted-rows",
        "GE.XNYS",
        "bar/GE.XNYS-1-MINUTE-LAST-EXTERNAL",
        "2026-03-11T15:00:00Z",
        ("time.order",),
        "ten bars in reverse order",
        _unsort,
    ),
    Damage(
        "truncated-file",
        "EUR/GBP.SIM",
        "bar/EURGBP.SIM-1-MINUTE-ASK-EXTERNAL",
        "2026-02-11T12:00:00Z",
        ("file.unreadable", "gap"),
        "the file ends at 60 % of its bytes, so that its footer is missing",
        _truncate,
    ),
    Damage(
        "name-promises-more",
        "PFE.XNYS",
        "bar/PFE.XNYS-1-MINUTE-LAST-EXTERNAL",
        "2026-03-25T13:31:00Z",
        ("file.interval",),
        "the file's name runs to the end of March, its rows to the 24th",
        _cut_rows,
    ),
    Damage(
        "overlapping-files",
        "CLJ6.GLBX",
        "bar/CLJ6.GLBX-1-HOUR-LAST-EXTERNAL",
        "2026-02-18T00:00:00Z",
        ("file.overlap", "time.order"),
        "24 rows stand in a second file inside the first one's interval",
        _split_overlapping,
    ),
    # From here on other datasets are made of the named one: leftovers of other NautilusTrader releases.
    Damage(
        "eight-byte-file",
        "USD/MXN.SIM",
        "bar/USDMXN.SIM-1-MINUTE-BID-EXTERNAL",
        "2026-01-14T00:00:00Z",
        ("dialect",),
        "quotes with 64-bit values: reading them aborts NautilusTrader 1.231",
        _eight_byte_quotes,
    ),
    Damage(
        "next-dialect-file",
        "BNBUSDT.BINANCE",
        "bar/BNBUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL",
        "2026-01-14T00:00:00Z",
        ("dialect",),
        "trades in the layout of NautilusTrader 2: 1.231 does not see them",
        _next_dialect_trades,
    ),
)
