"""Open Parquet files of a store, and say what is wrong with those that are none."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot


@contextmanager
def opened(root: StoreRoot, path: str) -> Iterator[pq.ParquetFile]:
    """A Parquet file (`path` below the root); UnreadableFile where it is missing, empty, truncated or damaged."""
    with explained(root, path), root.open_input(path) as file, pq.ParquetFile(file) as parquet:
        yield parquet


@contextmanager
def explained(root: StoreRoot, path: str) -> Iterator[None]:
    """Turn what reading a file may raise into UnreadableFile, with the reason."""
    try:
        yield
    except FileNotFoundError:
        raise UnreadableFile(path, "the file does not exist") from None
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise UnreadableFile(path, _damage(root, path, error)) from error


def _damage(root: StoreRoot, path: str, error: Exception) -> str:
    try:
        if root.fs.get_file_info(root.full(path)).size == 0:
            return "the file is empty"
    except (OSError, pa.ArrowException):
        pass
    text = str(error)
    return f"not a whole Parquet file ({text.splitlines()[0] if text else type(error).__name__})"
