"""Feather streams of live and backtest runs: <root>/<live|backtest>/<instance id>/…, Arrow IPC that a node appends to.

1.231.0's StreamingFeatherWriter makes a file per class, `<class>_<creation ns>.feather`, and for market data one per
instrument, `<class>/<identifier>/<identifier>_<creation ns>.feather`; it flushes once a second and writes the end of
the stream when the run closes. Its catalog reads them only by `read_live_run` and `read_backtest`, or after
`convert_stream_to_data`. 2.0.0rc7 makes `<class>/<class>_<number>.feather`, with the identifier in a column.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.listing import list_objects, walk
from catalog_app.store.reading.decoding import is_ns_timestamp
from catalog_app.store.schema import INT64_MAX

RunKind = Literal["live", "backtest"]
RUN_KINDS: Final[tuple[RunKind, ...]] = ("backtest", "live")
_SUFFIX: Final = ".feather"
_TS_INIT: Final = "ts_init"
# What ends an Arrow IPC stream.
_END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_CREATION = re.compile(r"_\d+$", re.ASCII)


@dataclass(frozen=True, slots=True)
class StreamFile:
    """A stream of a run and its identity; `path` is below the store's root.

    `class_name` is NautilusTrader's (quote_tick, order_filled …), `identifier` the directory of an instrument or bar
    type, "" where a file holds all of them.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    kind: RunKind
    instance_id: str
    class_name: str
    identifier: str


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """What a stream holds as far as it can be read. start_ns and end_ns are the least and greatest ts_init (ns, UTC).

    `problem` says why there may be more ("" for a whole stream).
    """

    rows: int
    columns: tuple[str, ...]
    start_ns: int | None
    end_ns: int | None
    metadata: dict[str, str]
    problem: str


def list_runs(root: Root) -> Iterator[StreamFile]:
    """The Feather files of all runs, sorted by path; none where the store has no runs.

    Raises StoreError where the root or a directory in it cannot be listed.
    """
    store = StoreRoot.at(root)
    for kind in RUN_KINDS:
        if not store.is_local:
            for path, info in list_objects(store, kind):
                yield from _stream(path, info.size or 0, info.mtime_ns or 0, kind)
            continue
        for path, entry in walk(store, kind):
            try:
                stat = entry.stat()
            except FileNotFoundError:  # removed while we walked
                continue
            yield from _stream(path, stat.st_size, stat.st_mtime_ns, kind)


def _stream(path: str, size_bytes: int, mtime_ns: int, kind: RunKind) -> Iterator[StreamFile]:
    parts = path.split("/")
    if len(parts) < 3 or not path.endswith(_SUFFIX):
        return
    below = parts[2:]
    stem = _CREATION.sub("", below[-1].removesuffix(_SUFFIX))
    class_name = below[0] if len(below) > 1 else stem
    identifier = below[1] if len(below) > 2 else ""
    yield StreamFile(path, size_bytes, mtime_ns, kind, parts[1], class_name, identifier)


def describe_stream(root: Root, path: str) -> StreamSummary:
    """Count a stream's rows and find its range, batch by batch.

    A stream that a node still writes, or that it left when it was killed, counts as far as it goes. Raises
    UnreadableFile where it is missing or no Arrow stream.
    """
    store = StoreRoot.at(root)
    try:
        with store.open_input(path) as file:
            return _summarise(file, path)
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFile(path, f"not an Arrow stream ({_first_line(error)})") from error


def _summarise(file: pa.NativeFile, path: str) -> StreamSummary:
    size = file.size()
    if not size:
        raise UnreadableFile(path, "the file is empty: its writer has not flushed it yet")
    tail = file.read_at(min(size, len(_END)), max(size - len(_END), 0))
    file.seek(0)
    problem = "" if tail == _END else "its writer has not closed it: the run goes on, or it was killed"
    with pa.ipc.open_stream(file) as stream:
        schema = stream.schema
        rows, bounds = 0, []
        while True:
            try:
                batch = stream.read_next_batch()
            except StopIteration:
                break
            except (pa.ArrowException, OSError) as error:
                problem = f"its last rows are not whole ({_first_line(error)}): the run goes on, or it was killed"
                break
            rows += batch.num_rows
            bounds += _bounds(batch)
    metadata = {_text(key): _text(value) for key, value in (schema.metadata or {}).items()}
    start, end = (min(bounds), max(bounds)) if bounds else (None, None)
    return StreamSummary(rows, tuple(schema.names), start, end, metadata, problem)


def _bounds(batch: pa.RecordBatch) -> list[int]:
    """Least and greatest ts_init; nothing where a batch has none."""
    if batch.schema.names.count(_TS_INIT) != 1:
        return []
    times = batch.column(_TS_INIT)
    if not (pa.types.is_uint64(times.type) or pa.types.is_int64(times.type) or is_ns_timestamp(times.type)):
        return []
    found = pc.min_max(times.cast(pa.int64(), safe=False))
    least, greatest = found["min"].as_py(), found["max"].as_py()
    return [least, greatest] if least is not None and 0 <= least <= greatest <= INT64_MAX else []


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
