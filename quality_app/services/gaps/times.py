"""When each file of a dataset has rows: read once, kept, and read again only when the file changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services.jobs import Progress
from catalog_app.store import reader
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.found import Unscannable
from quality_app.gaps.grid import Int64s
from quality_app.gaps.sequences import SequenceTimes
from quality_app.gaps.tick_times import TickTimes
from quality_app.models import FileTimes
from quality_app.services.context import interval_of, require_unchanged

# Of what is kept of a file, and how it was found: another one is read anew.
VERSION = 1
_TICKS, _SEQUENCE, _BARS = "ticks", "sequence", "bars"
# What numbers the rows of a data type one by one, where its venue does.
_NUMBERS: Final[Mapping[str, str]] = {DataType.TRADE: "trade_id", DataType.DELTA: "sequence"}


@dataclass(slots=True)
class Times:
    """Summaries of all files of a dataset, in the files' order; of bars or of rows that come when they come."""

    bars: list[BarTimes] = field(default_factory=list)
    ticks: list[TickTimes] = field(default_factory=list)
    sequences: list[SequenceTimes] = field(default_factory=list)


def times_of(dataset: Dataset, files: Sequence[DataFile], progress: Progress | None, *, force: bool = False) -> Times:
    """Return what a dataset's files hold; only files that changed since are read, all of them with `force`.

    Raises:
        Unscannable: a file cannot be read, or its data is of a kind that is not scanned.
        JobFailed: a file is not what the index says.

    """
    readable = [file for file in files if file.state == IndexState.OK and file.rows]
    if not readable:
        raise Unscannable("No file of the dataset can be read.")
    if progress:
        for file in files:
            if file.state == IndexState.UNREADABLE:
                progress.log(f"{file.path} cannot be read: its rows count as missing.", "warning")
    kept = {} if force else {row.path: row for row in FileTimes.objects.filter(dataset=dataset)}
    contents, fresh = {}, []
    for file in readable:
        identity, known = _identity(dataset, file), kept.get(file.path)
        if known is not None and known.identity == identity:
            contents[file.path] = bytes(known.content)
            if progress:
                progress.advance(file.rows or 0)
        else:
            contents[file.path] = _read(dataset, file, progress)
            fresh.append(FileTimes(dataset=dataset, path=file.path, identity=identity, content=contents[file.path]))
    FileTimes.objects.bulk_create(
        fresh,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["dataset", "path"],
        update_fields=["identity", "content"],
    )
    gone = kept.keys() - contents.keys()
    if gone:
        FileTimes.objects.filter(dataset=dataset, path__in=gone).delete()
    return _unpacked(contents.values())


def _identity(dataset: Dataset, file: DataFile) -> str:
    known = [VERSION, dataset.data_type, interval_of(dataset), file.size_bytes, file.mtime_ns]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def _read(dataset: Dataset, file: DataFile, progress: Progress | None) -> bytes:
    """Summaries of one file, packed."""
    root = StoreRoot.at(dataset.store.root)
    require_unchanged(root, file)
    scan = reader.scan(root, [file.path], dataset.data_type)

    def batches(columns: Sequence[str], *, counted: bool) -> Iterator[pl.DataFrame]:
        for batch in scan.select(columns).collect_batches(lazy=True, engine="streaming", maintain_order=True):
            yield batch
            if progress:
                progress.advance(len(batch) if counted else 0)
                progress.check()

    def times() -> Iterator[Int64s]:
        for batch in batches(["ts_init"], counted=True):
            # As they were decoded: putting them together would take as long as reading them.
            yield from (np.asarray(piece.to_numpy(), np.int64) for piece in batch["ts_init"].get_chunks())

    try:
        if dataset.data_type == DataType.BAR:
            bars = BarTimes.of(times(), interval_of(dataset))
            return _packed({_BARS: bars.pack()})
        parts = {_TICKS: TickTimes.of(times()).pack()}
        if number := _NUMBERS.get(dataset.data_type):
            parts[_SEQUENCE] = SequenceTimes.of(batches(["ts_init", number], counted=False), number).pack()
        return _packed(parts)
    except (StoreError, *reader.ROW_ERRORS) as error:
        raise Unscannable(f"{file.path} cannot be read: {error}. Validate the dataset for details.") from error


def _packed(parts: dict[str, bytes]) -> bytes:
    head = json.dumps([[name, len(content)] for name, content in parts.items()]).encode()
    return head + b"\n" + b"".join(parts.values())


def _unpacked(contents: Iterable[bytes]) -> Times:
    times = Times()
    for content in contents:
        head, _, body = content.partition(b"\n")
        at = 0
        for name, length in json.loads(head):
            part = body[at : at + length]
            at += length
            if name == _BARS:
                times.bars.append(BarTimes.unpack(part))
            elif name == _TICKS:
                times.ticks.append(TickTimes.unpack(part))
            else:
                times.sequences.append(SequenceTimes.unpack(part))
    return times
