"""Read files for the index, several at a time: footers of market data, and the definitions of instruments."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from catalog_app.store.errors import StoreError, UnreadableFile, UnsupportedFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.footer import Footer, read_footer
from catalog_app.store.instruments.definitions import Definition, read_definitions
from catalog_app.store.layout import Located, locate
from catalog_app.store.listing import ListedFile

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1000
# Local footers are taken apart in Python, where threads only wait for each other; a bucket's cost a round trip each.
LOCAL_THREADS, REMOTE_THREADS = 1, 32
# A file that cannot be read and was written this recently may be on its way.
SETTLING_NS = 10 * 10**9
BEING_WRITTEN = "it is not whole yet and was written within the last seconds; it is looked at again"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as found: its footer and definitions, or what is wrong with it. `settling`: it may still be written."""

    entry: ListedFile
    located: Located
    footer: Footer | None = None
    definitions: tuple[Definition, ...] = ()
    problem: StoreError | None = None
    settling: bool = False


def read_files(
    root: StoreRoot, entries: Sequence[ListedFile], type_directories: Collection[str], *, patient: bool
) -> Iterator[list[ReadFile]]:
    """Read files in chunks, in the order given; the next chunk is read while the caller works on one.

    Args:
        root: The store.
        entries: What to read.
        type_directories: The names below the store's data/, by which some dialects are told apart.
        patient: Take what cannot be read and is only seconds old as being written, not as damaged.

    """
    threads = LOCAL_THREADS if root.is_local else REMOTE_THREADS
    pool = ThreadPoolExecutor(threads, thread_name_prefix="footer")

    def read(entry: ListedFile) -> ReadFile:
        return _read(root, entry, type_directories, patient=patient and root.is_local)

    try:
        ahead: list[Future[ReadFile]] = []
        for chunk in batched(entries, CHUNK):
            current, ahead = ahead, _submit(pool, read, chunk)
            if current:
                yield [future.result() for future in current]
        if ahead:
            yield [future.result() for future in ahead]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submit(
    pool: ThreadPoolExecutor, read: Callable[[ListedFile], ReadFile], chunk: Sequence[ListedFile]
) -> list[Future[ReadFile]]:
    return [pool.submit(read, entry) for entry in chunk]


def _read(root: StoreRoot, entry: ListedFile, type_directories: Collection[str], *, patient: bool) -> ReadFile:
    located = locate(entry.path)
    try:
        if located.role == "unknown":
            raise UnsupportedFile(entry.path, located.note)
        footer = read_footer(root, entry.path, type_directories=type_directories)
        definitions = read_definitions(root, entry.path) if located.role == "definition" else ()
    except UnreadableFile as error:
        settling = patient and 0 <= time.time_ns() - entry.mtime_ns < SETTLING_NS
        return ReadFile(entry, located, problem=error, settling=settling)
    except UnsupportedFile as error:
        return ReadFile(entry, located, problem=error)
    return ReadFile(entry, located, footer, tuple(definitions))
