"""Directories that changed are found by their mtimes, and none is missed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.errors import StoreError
from catalog_app.store.listing import list_files
from catalog_app.store.watching import DirectoryWatch, list_directories

LONG_AGO = 10**18


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with two datasets whose directories are old."""
    for directory in ("data/bar/X.Y-1-MINUTE-BID-EXTERNAL", "data/quote_tick/X.Y"):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "a.parquet").write_bytes(b"a")
    settle(tmp_path)
    return tmp_path


def settle(root: Path) -> None:
    """Make every directory look old, as they are in a store at rest."""
    for directory in [root / "data", *(root / "data").rglob("*")]:
        if directory.is_dir():
            os.utime(directory, ns=(LONG_AGO, LONG_AGO))


def test_the_first_look_finds_all_and_the_next_nothing(root: Path) -> None:
    watch = DirectoryWatch(root)

    assert watch.look() == {
        "data", "data/bar", "data/bar/X.Y-1-MINUTE-BID-EXTERNAL", "data/quote_tick", "data/quote_tick/X.Y",
    }  # fmt: skip
    assert watch.look() == set()


def test_files_that_come_and_go_are_found_in_their_directory(root: Path) -> None:
    watch = DirectoryWatch(root)
    watch.look()
    (root / "data/quote_tick/X.Y/b.parquet").write_bytes(b"b")
    assert watch.look() == {"data/quote_tick/X.Y"}

    settle(root)
    watch.look()
    (root / "data/quote_tick/X.Y/b.parquet").unlink()
    assert watch.look() == {"data/quote_tick/X.Y"}


def test_a_directory_that_changed_just_now_is_found_again(root: Path) -> None:
    watch = DirectoryWatch(root)
    watch.look()
    (root / "data/quote_tick/X.Y/b.parquet").write_bytes(b"b")

    assert watch.look() == watch.look() == {"data/quote_tick/X.Y"}


def test_directories_that_come_and_go_are_found_with_all_below(root: Path) -> None:
    watch = DirectoryWatch(root)
    watch.look()
    (root / "data/trade_tick/N.N").mkdir(parents=True)
    assert {"data/trade_tick", "data/trade_tick/N.N"} <= watch.look()

    (root / "data/trade_tick/N.N").rmdir()
    assert "data/trade_tick/N.N" in watch.look()


def test_a_link_that_leads_in_a_circle_ends(root: Path) -> None:
    (root / "data/quote_tick/X.Y/loop").symlink_to(root / "data")

    assert "data/quote_tick/X.Y" in DirectoryWatch(root).look()


def test_a_store_that_nobody_wrote_to_yet_is_no_error(tmp_path: Path) -> None:
    watch = DirectoryWatch(tmp_path)
    assert watch.look() == set()
    (tmp_path / "data/bar").mkdir(parents=True)
    assert watch.look() == {"data", "data/bar"}


def test_a_store_without_data_is_an_error_and_no_loss(root: Path) -> None:
    watch = DirectoryWatch(root)
    watch.look()
    (root / "data").rename(root / "gone")
    with pytest.raises(StoreError, match="mount it again"):
        watch.look()

    (root / "gone").rename(root / "data")
    assert watch.look() == set()


def test_listing_takes_the_files_of_the_named_directories_alone(root: Path) -> None:
    (root / "data/quote_tick/X.Y/notes.txt").write_bytes(b"no data")

    [file] = list_directories(root, {"data/quote_tick/X.Y", "data/trade_tick/GONE"})

    assert (file.path, file.size_bytes) == ("data/quote_tick/X.Y/a.parquet", 1)


def test_a_name_that_is_not_utf8_is_listed_as_a_whole_listing_names_it(root: Path) -> None:
    (root / "data/quote_tick/X.Y" / os.fsdecode(b"b\xff.parquet")).write_bytes(b"b")

    found = {file.path for file in list_directories(root, {"data/quote_tick/X.Y"})}

    assert found == {file.path for file in list_files(root) if "quote_tick" in file.path}


def test_listing_a_store_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has no data/"):
        list(list_directories(tmp_path, {"data/quote_tick/X.Y"}))


@given(steps=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.booleans()), max_size=30))
def test_every_change_is_found_by_the_next_look(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    root = tmp_path_factory.mktemp("watched")
    (root / "data").mkdir()
    watch, now = DirectoryWatch(root), LONG_AGO
    watch.look()
    for directory, name, comes in steps:
        file = root / "data/quote_tick" / directory / f"{name}.parquet"
        before = file.exists()
        if comes:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"a")
        elif before:
            file.unlink()
        if file.exists() != before:
            now += 1
            os.utime(file.parent, ns=(now, now))  # old, but not as before
            assert f"data/quote_tick/{directory}" in watch.look()
