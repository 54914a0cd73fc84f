"""Which files a store holds."""

import os
from pathlib import Path

import pytest

from catalog_app.store.errors import StoreError, UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.footer import read_footer
from catalog_app.store.listing import list_files, list_names, list_type_directories
from catalog_app.tests.s3_server import bucket, s3_endpoint
from catalog_app.tests.store.trees import put

__all__ = ["bucket", "s3_endpoint"]


def paths(root: Path) -> list[str]:
    return [file.path for file in list_files(root)]


def test_parquet_files_below_data_are_listed_with_their_identity(tmp_path: Path) -> None:
    file = put(tmp_path, "data/quote_tick/X.Y/b.parquet", "12345")
    put(tmp_path, "data/quote_tick/part-0.parquet", "")
    put(tmp_path, "data/quote_tick/X.Y/notes.txt", "")
    put(tmp_path, "live/i/quote.parquet", "")
    put(tmp_path, ".datacatalog/trash/x/data/quote_tick/X.Y/a.parquet", "")
    assert paths(tmp_path) == ["data/quote_tick/X.Y/b.parquet", "data/quote_tick/part-0.parquet"]
    assert list(list_names(tmp_path)) == paths(tmp_path)
    [first, _] = list_files(tmp_path)
    assert (first.size_bytes, first.mtime_ns) == (5, file.stat().st_mtime_ns)


def test_a_root_without_data_is_an_empty_store(tmp_path: Path) -> None:
    assert paths(tmp_path) == []


def test_a_missing_root_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such directory"):
        paths(tmp_path / "none")


def test_linked_directories_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/X.Y/a.parquet", "")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/quote_tick").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/X.Y/loop").symlink_to(tmp_path / "data")
    (tmp_path / "data/dangling.parquet").symlink_to(tmp_path / "none")
    assert paths(tmp_path) == ["data/quote_tick/X.Y/a.parquet"]
    assert list(list_names(tmp_path)) == ["data/dangling.parquet", "data/quote_tick/X.Y/a.parquet"]


def test_a_name_that_is_not_text_is_listed_and_found_unreadable(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/data/\xff.parquet")).write_bytes(b"")
    [path] = paths(tmp_path)
    path.encode()
    with pytest.raises(UnreadableFile):
        read_footer(tmp_path, path)


def test_a_bucket_lists_as_a_directory_does(bucket: str, tmp_path: Path) -> None:
    names = ["data/a/X.Y/b.parquet", "data/a/X.Y-1/a.parquet", "data/a/z.parquet", "data/a/n.txt", "live/i/x.parquet"]
    store = StoreRoot.at(bucket)
    for number, name in enumerate(names):
        put(tmp_path, name, "x" * number)
        with store.fs.open_output_stream(store.full(name)) as sink:
            sink.write(b"x" * number)
    assert list(list_names(bucket)) == list(list_names(tmp_path))
    assert [(f.path, f.size_bytes) for f in list_files(bucket)] == [
        (f.path, f.size_bytes) for f in list_files(tmp_path)
    ]
    assert list_type_directories(bucket) == list_type_directories(tmp_path) == {"a"}


def test_a_bucket_that_is_not_there_is_explained(bucket: str) -> None:
    with pytest.raises(StoreError, match="no such bucket"):
        list(list_files(f"{bucket.removesuffix('/catalog')}-none/catalog"))
