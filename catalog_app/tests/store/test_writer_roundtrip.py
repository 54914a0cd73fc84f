"""Whatever a store may hold comes back from both versions' files, value by value."""

from pathlib import Path
from uuid import uuid4

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_app.store.layout import VERSIONS, Version, dataset_path
from catalog_app.store.reader import scan
from catalog_app.tests.store.frames import INSTRUMENT, TYPES, UNIT, bar_type_of, frame, frames, write
from catalog_app.tests.store.plain_decoder import decode


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data_type", TYPES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_frames_come_back_equal(version: Version, data_type: str, data: st.DataObject, tmp_path: Path) -> None:
    precisions = {name: data.draw(st.integers(0, 16)) for name in ("price_precision", "size_precision")}
    one = data.draw(frames(data_type, **precisions, version=version))
    root = tmp_path / uuid4().hex
    root.mkdir()
    [file] = write(root, data_type, one, **precisions, version=version).files_after
    assert file.path.startswith(dataset_path(data_type, bar_type_of(data_type) or INSTRUMENT, version) + "/")
    assert file.rows == one.height
    assert decode(root / file.path, data_type).equals(one)
    assert scan(root, [file.path], data_type).collect(engine="streaming").equals(one)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("data_type", TYPES)
def test_rows_of_many_batches_stay_in_order_across_row_groups(version: Version, data_type: str, tmp_path: Path) -> None:
    one = frame(data_type, list(range(100))).with_columns(ts_event=pl.col("ts_init") * 7)
    batches = [one.slice(at, 9) for at in range(0, 100, 9)]
    [file] = write(tmp_path, data_type, *batches, version=version, row_group_rows=16).files_after
    metadata = pq.read_metadata(tmp_path / file.path)
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [16] * 6 + [4]
    assert decode(tmp_path / file.path, data_type).equals(one)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_the_codec_can_be_chosen(compression: str, tmp_path: Path) -> None:
    [file] = write(tmp_path, "quote", frame("quote", [1, 2]), compression=compression).files_after
    column = pq.read_metadata(tmp_path / file.path).row_group(0).column(0)
    assert column.compression == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_a_slice_of_a_frame_with_undefined_prices_keeps_its_own(tmp_path: Path) -> None:
    whole = pl.concat(
        [frame("delta", [at]).with_columns(price=pl.lit(None if at % 3 else at * UNIT, pl.Int128)) for at in range(50)]
    ).rechunk()
    [file] = write(tmp_path, "delta", whole.slice(7, 30)).files_after
    assert decode(tmp_path / file.path, "delta").equals(whole.slice(7, 30))
