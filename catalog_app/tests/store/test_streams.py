"""Feather streams of runs are listed and described, whole or not."""

from pathlib import Path

import pyarrow as pa
import pytest

from catalog_app.store.errors import StoreError, UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.streams import StreamFile, describe_stream, list_runs
from catalog_app.tests.s3_server import bucket, s3_endpoint
from catalog_app.tests.store.trees import put
from catalog_app.tests.store.upstream import run_python
from catalog_app.tests.store.upstream_v2 import run_v2

__all__ = ["bucket", "s3_endpoint"]

_RUN = """
import os, sys
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock
from nautilus_trader.persistence.writer import StreamingFeatherWriter
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.data import TestDataStubs

instrument = TestInstrumentProvider.default_fx_ccy("EUR/USD")
cache = Cache()
cache.add_instrument(instrument)
writer = StreamingFeatherWriter(sys.argv[1], cache, LiveClock())
writer.write(instrument)
for at in range(5):
    writer.write(TestDataStubs.quote_tick(instrument=instrument, ts_event=at, ts_init=at + 10))
writer.flush()
if sys.argv[2] == "killed":
    os._exit(0)
writer.close()
"""

_RUN_V2 = """
import json, sys
from nautilus_trader.common import Cache, Clock
from nautilus_trader.model import InstrumentId, Price, Quantity, QuoteTick
from nautilus_trader.persistence import StreamingFeatherWriter

one = Quantity.from_str("1")
writer = StreamingFeatherWriter(sys.argv[1], Cache(), Clock.new_test())
writer.write(QuoteTick(InstrumentId.from_str("A.B"), Price.from_str("1.1"), Price.from_str("1.2"), one, one, 5, 6))
writer.close()
print(json.dumps(None))
"""


def write_run(root: Path, end: str) -> list[StreamFile]:
    done = run_python(_RUN, str(root / "live" / "abc-1"), end)
    assert done.returncode == 0, done.stderr[-2000:]
    return list(list_runs(root))


@pytest.mark.parametrize(("end", "problem"), [("closed", ""), ("killed", "has not closed it")])
def test_the_streams_of_a_node_are_listed_and_described(tmp_path: Path, end: str, problem: str) -> None:
    found = write_run(tmp_path, end)
    assert {(file.kind, file.instance_id) for file in found} == {("live", "abc-1")}
    [quotes] = [file for file in found if file.class_name == "quote_tick"]
    assert quotes.identifier == "EURUSD.SIM"
    stat = (tmp_path / quotes.path).stat()
    assert (quotes.size_bytes, quotes.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    summary = describe_stream(tmp_path, quotes.path)
    assert (summary.rows, summary.start_ns, summary.end_ns) == (5, 10, 14)
    assert summary.columns[:2] == ("bid_price", "ask_price")
    assert summary.metadata["instrument_id"] == "EUR/USD.SIM"
    assert problem in summary.problem
    assert bool(summary.problem) == bool(problem)
    [pair] = [file for file in found if file.class_name == "currency_pair"]
    assert (pair.identifier, describe_stream(tmp_path, pair.path).rows) == ("", 1)


def test_the_streams_of_2_0_are_listed_and_described(tmp_path: Path, requires_v2: None) -> None:
    run_v2(_RUN_V2, tmp_path / "backtest" / "run")
    [file] = list_runs(tmp_path)
    assert (file.kind, file.instance_id, file.class_name) == ("backtest", "run", "quotes")
    summary = describe_stream(tmp_path, file.path)
    assert (summary.rows, summary.start_ns, summary.end_ns, summary.problem) == (1, 6, 6, "")


def test_a_stream_cut_anywhere_counts_as_far_as_it_goes(tmp_path: Path) -> None:
    schema = pa.schema([("ts_init", pa.uint64())])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        for at in range(4):
            stream.write_batch(pa.record_batch([pa.array([at], pa.uint64())], schema=schema))
    whole = sink.getvalue().to_pybytes()
    path = tmp_path / "live/i/x_1.feather"
    path.parent.mkdir(parents=True)
    seen: list[int] = []
    for length in range(1, len(whole) + 1):
        path.write_bytes(whole[:length])
        try:
            summary = describe_stream(tmp_path, "live/i/x_1.feather")
        except UnreadableFile as error:
            assert not seen, error
            continue
        assert bool(summary.problem) == (length < len(whole))
        assert summary.end_ns == (summary.rows - 1 if summary.rows else None)
        seen.append(summary.rows)
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("content", "reason"), [("", "not flushed"), ("no stream at all", "not an Arrow stream"), (None, "does not exist")]
)
def test_what_is_no_stream_is_explained(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        put(tmp_path, "backtest/i/x_1.feather", content)
    with pytest.raises(UnreadableFile, match=reason):
        describe_stream(tmp_path, "backtest/i/x_1.feather")


@pytest.mark.parametrize("kind", [pa.string(), pa.timestamp("us"), None])
def test_streams_without_times_have_rows_but_no_range(tmp_path: Path, kind: pa.DataType | None) -> None:
    name = "x" if kind is None else "ts_init"
    batch = pa.record_batch([pa.nulls(3, kind or pa.int64())], [name])
    path = tmp_path / "live/i/x_1.feather"
    path.parent.mkdir(parents=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    summary = describe_stream(tmp_path, "live/i/x_1.feather")
    assert (summary.rows, summary.start_ns, summary.problem) == (3, None, "")


def test_other_files_are_no_streams(tmp_path: Path) -> None:
    for path in ("live/x_1.feather", "live/i/config.json", "data/live/i/x_1.feather", "live/i/bar/A.B/A.B_7.feather"):
        put(tmp_path, path, "")
    [file] = list_runs(tmp_path)
    assert (file.path, file.class_name, file.identifier) == ("live/i/bar/A.B/A.B_7.feather", "bar", "A.B")


def test_a_missing_root_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such directory"):
        list(list_runs(tmp_path / "none"))


def test_runs_of_a_bucket_are_listed(bucket: str, tmp_path: Path) -> None:
    write_run(tmp_path, "closed")
    store = StoreRoot.at(bucket)
    for file in list_runs(tmp_path):
        with store.fs.open_output_stream(store.full(file.path)) as sink:
            sink.write((tmp_path / file.path).read_bytes())
    found = list(list_runs(bucket))
    assert [file.path for file in found] == [file.path for file in list_runs(tmp_path)]
    [quotes] = [file for file in found if file.identifier]
    assert quotes.size_bytes == (tmp_path / quotes.path).stat().st_size
    assert describe_stream(bucket, quotes.path).rows == 5
