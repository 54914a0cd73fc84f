"""Files of any schema, those of custom data included, are written and read back whole."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.writing.parquet_file import ParquetFile

COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "sequence": (pa.string(), ["a", "b", None]),
    "order_id": (pa.uint64(), [1, 2**64 - 1, 3]),
    "ratio": (pa.float64(), [0.5, float("nan"), None]),
    "tags": (pa.map_(pa.string(), pa.int32()), [[("a", 1)], [], None]),
    "path": (pa.list_(pa.list_(pa.float32())), [[[1.0, 2.0], []], [], None]),
    "legs": (pa.large_list(pa.struct([("price", pa.int64()), ("ts_event", pa.int64())])), [[(1, 2)], [], None]),
    "greeks": (pa.struct([("delta", pa.float64()), ("name", pa.string())]), [(0.5, "x"), None, (None, None)]),
    "ts_event": (pa.timestamp("ns", tz="UTC"), [1, 2, 3]),
    "ts_init": (pa.uint64(), [1, 2, 3]),
}


def test_columns_of_any_type_come_back(tmp_path: Path) -> None:
    table = pa.table({name: pa.array(values, kind) for name, (kind, values) in COLUMNS.items()})
    file = ParquetFile(tmp_path / "custom.parquet", table.schema, "zstd", 2)
    file.write(table)
    file.write(table.slice(1))
    file.close()
    found = pq.ParquetFile(file.path).read()
    # PyArrow renames the entries of a map on the way, whoever wrote it.
    assert found.drop_columns("tags").schema.equals(table.drop_columns("tags").schema, check_metadata=True)
    # As text: not-a-number equals itself there.
    assert str(found.to_pylist()) == str(pa.concat_tables([table, table.slice(1)]).to_pylist())


def test_floats_have_no_statistics_and_times_are_packed(tmp_path: Path) -> None:
    table = pa.table({name: pa.array(values, kind) for name, (kind, values) in COLUMNS.items()})
    file = ParquetFile(tmp_path / "custom.parquet", table.schema, "zstd", 10)
    file.write(table)
    file.close()
    group = pq.read_metadata(file.path).row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    floats = {"ratio", "path.list.item.list.item", "greeks.delta"}
    assert {path for path, column in columns.items() if column.statistics is None} == floats
    assert "DELTA_BINARY_PACKED" in columns["ts_init"].encodings
    assert "DELTA_BINARY_PACKED" in columns["ts_event"].encodings
