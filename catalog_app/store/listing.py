"""Which files a store holds."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.fs as pafs

from catalog_app.store.commit.durable import explained
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.layout import DATA


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file and the identity by which changes are seen; `path` is below the store's root."""

    path: str
    size_bytes: int
    mtime_ns: int


def list_files(root: Root) -> Iterator[ListedFile]:
    """All .parquet files below <root>/data, sorted by path. Linked directories are followed once.

    Raises StoreError where the root or a directory in it cannot be listed, since a file unseen is not a file gone.
    """
    store = StoreRoot.at(root)
    if not store.is_local:
        yield from (
            ListedFile(path, info.size or 0, info.mtime_ns or 0)
            for path, info in list_objects(store, DATA)
            if path.endswith(".parquet")
        )
        return
    for path, entry in walk(store, DATA):
        if path.endswith(".parquet"):
            try:
                stat = entry.stat()
            except FileNotFoundError:  # removed while we walked, or a link to nothing
                continue
            yield ListedFile(_text(path), stat.st_size, stat.st_mtime_ns)


def list_names(root: Root) -> Iterator[str]:
    """The paths of list_files without their identities: no look at any file, so several times as fast."""
    store = StoreRoot.at(root)
    found = walk(store, DATA) if store.is_local else list_objects(store, DATA)
    return (_text(path) for path, _ in found if path.endswith(".parquet"))


def list_type_directories(root: Root) -> frozenset[str]:
    """The names below <root>/data, which tell the dialects of a store apart; none where there is no data/."""
    store = StoreRoot.at(root)
    with explained(f"cannot read the store {store}"):
        found = store.fs.get_file_info(pafs.FileSelector(store.full(DATA), allow_not_found=True))
    return frozenset(info.base_name for info in found if info.type == pafs.FileType.Directory)


def list_objects(store: StoreRoot, below: str) -> Iterator[tuple[str, pafs.FileInfo]]:
    """All objects of a bucket below a prefix of the store, sorted by path (below the store's root)."""
    selector = pafs.FileSelector(store.full(below), recursive=True, allow_not_found=True)
    with explained(f"cannot read the store {store}"):
        found = store.fs.get_file_info(selector)
        bucket = store.full().partition("/")[0]
        if not found and store.fs.get_file_info(bucket).type == pafs.FileType.NotFound:
            raise StoreError(f"{store}: no such bucket, or it is not to be seen with these credentials")
    start = len(store.full()) + 1
    files = ((info.path[start:], info) for info in found if info.type == pafs.FileType.File)
    yield from sorted(files, key=lambda file: file[0].split("/"))


def walk(store: StoreRoot, below: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All files below a directory of a local store, sorted by path (below its root, as the disk names it)."""
    with explained(f"cannot read the store {store}"):
        if not store.path.is_dir():
            raise StoreError(f"{store}: no such directory; set the store's root to the directory that holds {DATA}/")
        if not (store.path / below).is_dir():
            return
    yield from _walk(str(store.path / below), below, ())


def _walk(
    directory: str, rel_path: str, ancestors: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        stat = os.stat(directory)  # noqa: PTH116 - strings: a store may hold 20,000 files
        identity = (stat.st_dev, stat.st_ino)
        if identity in ancestors:
            return
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:  # removed while we walked
        return
    except OSError as error:
        raise StoreError(
            f"{directory}: cannot be listed ({error.strerror}); give this user the right to read"
        ) from error
    for entry in entries:
        child = f"{rel_path}/{entry.name}"
        if entry.is_dir():
            yield from _walk(entry.path, child, (*ancestors, identity))
        else:
            yield child, entry


def _text(path: str) -> str:
    """A name that is not UTF-8 is listed escaped: it will be found unreadable, not hidden."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
