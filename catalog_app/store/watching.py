"""What changed in a store since the last look, at the price of a look at its directories.

A directory's mtime moves when a file in it comes, goes or is renamed, so most looks need no list of files: 10,000
directories take some hundredths of a second. What it cannot tell, files written in place, is for a whole listing
now and then. Notifications of the kernel (inotify) would need a watch for each directory, and are silent on network
file systems and on directories that are mounted into containers.
"""

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.layout import DATA
from catalog_app.store.listing import ListedFile, list_objects

# An mtime is only as fine as the file system's clock: a directory that changed just now is looked at once more.
RECENT_NS: Final = 2 * 10**9
_UNSURE: Final = -1
# data/<type>/<identifier>: what stands deeper is no dataset, and a whole listing sees it. Links may lead in circles.
_DEPTH: Final = 2


class DirectoryWatch:
    """The directories below a local store's data/, as they were when last looked at."""

    def __init__(self, root: Root) -> None:
        self._root = str(StoreRoot.at(root).path)
        self._seen: dict[str, int] = {}
        self._children: dict[str, list[str]] = {}

    def look(self) -> set[str]:
        """Directories (below the root) that changed since the last look: with all of them at the first.

        A store without data/ is one that nobody has written to yet. Raises StoreError where data/ was there before,
        or where a directory cannot be listed: files unseen are not files gone.
        """
        recent, seen = time.time_ns() - RECENT_NS, self._seen
        found = self._find()
        changed = {path for path, mtime_ns in found.items() if seen.get(path) != mtime_ns}
        gone = seen.keys() - found.keys()
        for path in gone:
            self._children.pop(path, None)
        self._seen = {path: mtime_ns if mtime_ns < recent else _UNSURE for path, mtime_ns in found.items()}
        return changed | gone

    def _find(self) -> dict[str, int]:
        """Every directory with its mtime; one whose mtime is as before is not listed, since its children are known."""
        found: dict[str, int] = {}
        pending = [DATA]
        while pending:
            path = pending.pop()
            full = f"{self._root}/{path}"
            try:
                mtime_ns = os.stat(full).st_mtime_ns  # noqa: PTH116 - strings: a store may hold 10,000 directories
                if self._seen.get(path) != mtime_ns:
                    self._children[path] = _subdirectories(full, path)
            except FileNotFoundError:
                if path == DATA and self._seen:
                    raise StoreError(f"{self._root}: has no {DATA}/ any more; mount it again") from None
                continue
            except OSError as error:
                raise StoreError(f"{full}: cannot be listed ({error.strerror})") from error
            found[path] = mtime_ns
            pending += self._children[path]
        return found


def _subdirectories(full: str, path: str) -> list[str]:
    if path.count("/") >= _DEPTH:
        return []
    with os.scandir(full) as entries:
        return [f"{path}/{entry.name}" for entry in entries if entry.is_dir()]


def list_directories(root: Root, directories: Collection[str]) -> Iterator[ListedFile]:
    """The .parquet files directly in some directories (below the root) of a store; none of one that is gone.

    Raises StoreError where the store itself cannot be listed.
    """
    store = StoreRoot.at(root)
    if store.is_local and not (store.path / DATA).is_dir():
        raise StoreError(f"{store}: has no {DATA}/; set the store's root to the directory that holds it")
    for directory in sorted(directories):
        yield from _files(store.path, directory) if store.is_local else _objects(store, directory)


def _objects(store: StoreRoot, directory: str) -> Iterator[ListedFile]:
    for path, info in list_objects(store, directory):
        if path.endswith(".parquet") and path.rpartition("/")[0] == directory:
            yield ListedFile(path, info.size or 0, info.mtime_ns or 0)


def _files(root: Path, directory: str) -> Iterator[ListedFile]:
    try:
        with os.scandir(root / directory) as entries:
            for entry in entries:
                if entry.name.endswith(".parquet") and entry.is_file():
                    stat = entry.stat()
                    yield ListedFile(_text(f"{directory}/{entry.name}"), stat.st_size, stat.st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(f"{root / directory}: cannot be listed ({error.strerror})") from error


def _text(path: str) -> str:
    """As `list_files` names a path that is not UTF-8."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
