"""Files of a bucket merge into a local one. The server is moto's."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.parquet.merge import merge, mergeable
from catalog_app.tests.s3_server import bucket, s3_endpoint
from catalog_app.tests.store.test_parquet_merge import assert_same_rows, table

__all__ = ["bucket", "s3_endpoint"]


def test_files_of_a_bucket_merge(bucket: str, tmp_path: Path) -> None:
    store = StoreRoot.at(bucket)
    names = ["data/a", "data/b"]
    for name, start in zip(names, (0, 300), strict=True):
        part = table(300, start=start)
        pq.write_table(part, store.full(name), filesystem=store.fs, row_group_size=70, write_page_index=True)

    assert mergeable(bucket, names) is None
    assert merge(bucket, names, tmp_path / "merged").rows == 600
    assert_same_rows(pq.read_table(tmp_path / "merged"), table(600))


def test_a_missing_object_is_unreadable(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="does not exist"):
        merge(bucket, ["data/a"], tmp_path / "merged")
