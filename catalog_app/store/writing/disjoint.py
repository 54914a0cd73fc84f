"""Whether an interval is free in a dataset's directory."""

from functools import lru_cache
from typing import Final

import pyarrow.fs as pafs

from catalog_app.store import layout
from catalog_app.store.errors import FileProblem, Overlap
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.footer import read_footer

# Files whose rows' interval is remembered: a commit asks for those of a whole directory again.
_REMEMBERED: Final = 50_000


def require_disjoint(root: Root, directory: str, start_ns: int, end_ns: int, removed: frozenset[str]) -> None:
    """Overlap where a file of the directory, by its name or its rows, shares a nanosecond with the interval.

    NautilusTrader compares closed intervals: one that starts where another ends is refused too. `removed` are paths
    that leave.
    """
    store = StoreRoot.at(root)
    selector = pafs.FileSelector(store.full(directory), allow_not_found=True)
    for info in sorted(store.fs.get_file_info(selector), key=lambda info: info.base_name):
        path = f"{directory}/{info.base_name}"
        if not info.is_file or info.extension != "parquet" or path in removed:
            continue
        intervals = (
            layout.parse_file_name(info.base_name),
            _rows_interval(store, path, info.size, info.mtime_ns),
        )
        if any(touch(interval, start_ns, end_ns) for interval in intervals if interval is not None):
            raise Overlap(directory, start_ns, end_ns, info.base_name)


def touch(interval: tuple[int, int], start_ns: int, end_ns: int) -> bool:
    """Whether closed intervals share a nanosecond."""
    return interval[0] <= end_ns and start_ns <= interval[1]


@lru_cache(_REMEMBERED)
def _rows_interval(store: StoreRoot, path: str, _size_bytes: int, _mtime_ns: int) -> tuple[int, int] | None:
    """What the footer says; size and modification time stand for the content."""
    try:
        footer = read_footer(store, path)
    except FileProblem:
        return None
    if footer.start_ns is None or footer.end_ns is None:
        return None
    return footer.start_ns, footer.end_ns
