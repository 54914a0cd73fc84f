"""What footers say of row groups: as PyArrow reads it, and refused where they are damaged, whatever was damaged."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.listing import list_files
from catalog_app.store.reading.metadata import read_metadata
from catalog_app.tests.market import market_path
from catalog_app.tests.store.frames import frame, write
from datacatalog.settings import BASE_DIR

STORES = ["stores/nautilus-1.231", "stores/nautilus-2.0.0rc7", "stores/nautilus-2.0.0rc4"]


def require_as_pyarrow(root: Path, path: str) -> None:
    found = read_metadata(StoreRoot.at(root), path)
    with pq.ParquetFile(root / path) as file:
        expected, schema = file.metadata, file.schema_arrow
    assert (found.rows, found.schema, found.leaves) == (expected.num_rows, schema, tuple(expected.schema.names))
    assert (found.schema.metadata or {}) == (schema.metadata or {})
    groups = found.row_groups()
    assert len(groups) == expected.num_row_groups
    for number, group in enumerate(groups):
        theirs = expected.row_group(number)
        assert (group.rows, list(group.chunks)) == (theirs.num_rows, list(range(theirs.num_columns)))
        for at, chunk in group.chunks.items():
            column = theirs.column(at)
            assert (chunk.physical_type, chunk.codec) == (column.physical_type, column.compression)
            assert (chunk.values, chunk.compressed_bytes) == (column.num_values, column.total_compressed_size)
            starts = [column.dictionary_page_offset, column.data_page_offset]
            assert (chunk.start, chunk.data_start) == (min(start for start in starts if start), starts[1])
            if chunk.physical_type == "INT64" and column.statistics and column.statistics.has_min_max:
                assert chunk.interval == (column.statistics.min_raw, column.statistics.max_raw)


@pytest.mark.parametrize("store", STORES)
def test_files_of_every_dialect_are_described_as_pyarrow_describes_them(store: str) -> None:
    root = market_path(store)
    paths = [file.path for file in list_files(root)]
    for path in paths:
        require_as_pyarrow(root, path)
    assert paths


def test_many_row_groups_with_and_without_statistics(tmp_path: Path) -> None:
    texts = [None if number % 7 == 0 else "x" * (number % 5) for number in range(3_000)]
    table = pa.table({"ts_init": range(3_000), "text": texts, "nested": [[number] for number in range(3_000)]})
    for name, options in {
        "plain": {},
        "bare": {"write_statistics": False, "compression": "none", "use_dictionary": False},
        "indexed": {"write_page_index": True, "compression": "zstd", "data_page_version": "2.0"},
    }.items():
        pq.write_table(table, tmp_path / name, row_group_size=100, **options)
        require_as_pyarrow(tmp_path, name)


# A crash would end the process that reads.
_FLIP = """
import sys
from pathlib import Path
from catalog_app.store.errors import FileProblem
from catalog_app.store.footer import read_footer
from catalog_app.store.reader import ROW_ERRORS, scan

root, path, part, stride = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
whole = (root / path).read_bytes()
footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
start, end = (footer, len(whole)) if part == "footer" else (4, footer)
read = refused = 0
for bit in range(start * 8, end * 8, stride):
    spoilt = bytearray(whole)
    spoilt[bit // 8] ^= 1 << bit % 8
    (root / path).write_bytes(spoilt)
    try:
        if part == "footer":
            read_footer(root, path)
        else:
            scan(root, [path], "quote").collect(engine="streaming")
        read += 1
    except (FileProblem, *ROW_ERRORS):
        refused += 1
print(read, refused)
"""


@pytest.mark.parametrize(("part", "stride"), [("footer", 3), ("pages", 1)])
def test_a_file_with_any_bit_flipped_is_read_or_refused(tmp_path: Path, part: str, stride: int) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [5, 6, 7])).files_after
    arguments = [sys.executable, "-c", _FLIP, str(tmp_path), file.path, part, str(stride)]
    done = subprocess.run(arguments, cwd=BASE_DIR, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2_000:])
    read, refused = map(int, done.stdout.split())
    assert read > 100 and refused > 100
