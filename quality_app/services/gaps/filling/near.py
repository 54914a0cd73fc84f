"""Rows of a dataset next to a moment, read in windows that grow until they hold enough."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from catalog_app.store import reader
from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance.sources import Source

_FIRST_NS = 10**9
_GROWTH = 8


def rows_before(root: StoreRoot, files: Sequence[Source], data_type: str, before_ns: int, count: int) -> pl.DataFrame:
    """Up to `count` rows with ts_init < before_ns, the last ones, in order of ts_init."""
    reach = [one for one in files if one.start_ns < before_ns]
    window, least = _FIRST_NS, min((one.start_ns for one in reach), default=before_ns)
    last = min(max((one.end_ns for one in reach), default=before_ns), before_ns - 1)
    while True:
        low = max(last - window, least)
        found = read_rows(root, reach, data_type, low, last)
        if found.height >= count or low <= least:
            return found.tail(count)
        window *= _GROWTH


def rows_after(root: StoreRoot, files: Sequence[Source], data_type: str, after_ns: int, count: int) -> pl.DataFrame:
    """Up to `count` rows with ts_init > after_ns, the first ones, in order of ts_init."""
    reach = [one for one in files if one.end_ns > after_ns]
    window, greatest = _FIRST_NS, max((one.end_ns for one in reach), default=after_ns)
    first = max(min((one.start_ns for one in reach), default=after_ns), after_ns + 1)
    while True:
        high = min(first + window, greatest)
        found = read_rows(root, reach, data_type, first, high)
        if found.height >= count or high >= greatest:
            return found.head(count)
        window *= _GROWTH


def read_rows(root: StoreRoot, files: Sequence[Source], data_type: str, low: int, high: int) -> pl.DataFrame:
    """The rows with low ≤ ts_init ≤ high, in order of ts_init; UnreadableFile where a file is damaged."""
    paths = [one.path for one in files if one.start_ns <= high and one.end_ns >= low]
    try:
        frame = reader.scan(root, paths, data_type, start_ns=low, end_ns=high).collect(engine="streaming")
    except reader.ROW_ERRORS as error:
        raise UnreadableFile(paths[0], f"its rows cannot be read ({error})") from error
    return frame if frame["ts_init"].is_sorted() else frame.sort("ts_init", maintain_order=True)


def times_within(root: StoreRoot, files: Sequence[Source], data_type: str, low: int, high: int) -> pl.Series:
    """The ts_init with low ≤ ts_init ≤ high, as they come."""
    paths = [one.path for one in files if one.start_ns <= high and one.end_ns >= low]
    try:
        frame = reader.scan(root, paths, data_type, start_ns=low, end_ns=high).select("ts_init")
        return frame.collect(engine="streaming")["ts_init"]
    except reader.ROW_ERRORS as error:
        raise UnreadableFile(paths[0], f"its rows cannot be read ({error})") from error
