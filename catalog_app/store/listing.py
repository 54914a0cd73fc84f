"""Which files a store holds."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog_app.store.durable import explained
from catalog_app.store.errors import StoreError
from catalog_app.store.layout import DATA


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file and the identity by which changes are seen; `path` is below the store's root."""

    path: str
    size_bytes: int
    mtime_ns: int


def list_files(root: Path) -> Iterator[ListedFile]:
    """All .parquet files below <root>/data, sorted by path. Linked directories are followed once.

    Raises StoreError where the root or a directory in it cannot be listed, since a file unseen is not a file gone.
    """
    root = Path(root)
    data = root / DATA
    with explained(f"cannot read the store {root}"):
        if not root.is_dir():
            raise StoreError(f"{root}: no such directory; set the store's root to the directory that holds data/")
        if not data.is_dir():
            return
    yield from _walk(str(data), DATA, ())


def _walk(directory: str, rel_path: str, ancestors: tuple[tuple[int, int], ...]) -> Iterator[ListedFile]:
    stat = os.stat(directory)  # noqa: PTH116 - strings: a store may hold 20,000 files
    identity = (stat.st_dev, stat.st_ino)
    if identity in ancestors:
        return
    try:
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
        try:
            if entry.is_dir():
                yield from _walk(entry.path, child, (*ancestors, identity))
            elif entry.name.endswith(".parquet"):
                stat = entry.stat()
                yield ListedFile(_text(child), stat.st_size, stat.st_mtime_ns)
        except FileNotFoundError:
            continue


def _text(path: str) -> str:
    """A name that is not UTF-8 is listed escaped: it will be found unreadable, not hidden."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
