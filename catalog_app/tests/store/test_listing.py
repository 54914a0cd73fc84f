"""Which files a store holds."""

import os
from pathlib import Path

import pytest

from catalog_app.store.errors import StoreError, UnreadableFile
from catalog_app.store.footer import read_footer
from catalog_app.store.listing import list_files
from catalog_app.tests.store.trees import put


def paths(root: Path) -> list[str]:
    return [file.path for file in list_files(root)]


def test_parquet_files_below_data_are_listed_with_their_identity(tmp_path: Path) -> None:
    file = put(tmp_path, "data/quote_tick/X.Y/b.parquet", "12345")
    put(tmp_path, "data/quote_tick/part-0.parquet", "")
    put(tmp_path, "data/quote_tick/X.Y/notes.txt", "")
    put(tmp_path, "live/i/quote.parquet", "")
    put(tmp_path, ".datacatalog/trash/x/data/quote_tick/X.Y/a.parquet", "")
    assert paths(tmp_path) == ["data/quote_tick/X.Y/b.parquet", "data/quote_tick/part-0.parquet"]
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


def test_a_name_that_is_not_text_is_listed_and_found_unreadable(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/data/\xff.parquet")).write_bytes(b"")
    [path] = paths(tmp_path)
    path.encode()
    with pytest.raises(UnreadableFile):
        read_footer(tmp_path, path)
