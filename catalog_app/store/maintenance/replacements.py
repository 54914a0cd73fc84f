"""Finds the row of another store that tells the same as a bad one: by its time at the venue, and just one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import Root
from catalog_app.store.reader import ROW_ERRORS, scan

_BATCH_ROWS = 262_144


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bad row by its times (ns, UTC); of a trade also by its id."""

    ts_event_ns: int
    ts_init_ns: int
    trade_id: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The row of the other store that fits, or why none does."""

    file: str = ""
    row: int = -1
    reason: str = ""


def find_replacements(
    root: Root,
    paths: Sequence[str],
    data_type: str,
    wanted: Sequence[Wanted],
    tolerance_ns: int,
    seen: Callable[[int], None],
) -> list[Match]:
    """For each bad row, the one row whose ts_event is nearest to its own, within a tolerance in ns.

    There is none where two are equally near (trades: unless one has the same trade id), where it is the nearest of two
    bad rows, or where it became known only after the bad row's ts_init: a backtest would see the future.
    `seen` gets the rows that were read, and may raise to stop. Raises UnreadableFile.
    """
    times = np.unique(np.array([one.ts_event_ns for one in wanted], np.int64))
    found = [_near(root, path, data_type, times, tolerance_ns, seen) for path in paths]
    candidates = pl.concat(found).sort("ts_event", maintain_order=True) if found else None
    matches = [_match(one, candidates, tolerance_ns) for one in wanted]
    taken = [(match.file, match.row) for match in matches if not match.reason]
    return [
        Match(reason="The row there is the nearest to more than one bad row.")
        if not match.reason and taken.count((match.file, match.row)) > 1
        else match
        for match in matches
    ]


def _near(
    root: Root, path: str, data_type: str, times: np.ndarray, tolerance_ns: int, seen: Callable[[int], None]
) -> pl.DataFrame:
    """The rows of a file that are near to one of the times (sorted)."""
    names = ["file", "row", "ts_event", *(["trade_id"] if data_type == "trade" else [])]
    lazy = scan(root, [path], data_type, positions=True).select(names)
    near = [lazy.limit(0).collect()]
    try:
        for batch in lazy.collect_batches(chunk_size=_BATCH_ROWS, lazy=True, engine="streaming"):
            at = batch["ts_event"].to_numpy()
            after = np.searchsorted(times, at).clip(0, len(times) - 1)
            before = (after - 1).clip(0)
            distance = np.minimum(np.abs(times[after] - at), np.abs(times[before] - at))
            near.append(batch.filter(pl.Series(distance <= tolerance_ns)))
            seen(batch.height)
    except ROW_ERRORS as error:
        raise UnreadableFile(path, f"its rows cannot be read ({error})") from error
    return pl.concat(near)


def _match(one: Wanted, candidates: pl.DataFrame | None, tolerance_ns: int) -> Match:
    if candidates is None or candidates.is_empty():
        return Match(reason="The other dataset has no row at this time.")
    at = candidates["ts_event"].to_numpy()
    low, high = np.searchsorted(at, [one.ts_event_ns - tolerance_ns, one.ts_event_ns + tolerance_ns + 1])
    if low == high:
        return Match(reason="The other dataset has no row at this time.")
    near = candidates.slice(low, high - low)
    distance = (near["ts_event"] - one.ts_event_ns).abs()
    nearest = near.filter(distance == distance.min())
    if one.trade_id is not None and nearest.height > 1:
        nearest = nearest.filter(pl.col("trade_id") == one.trade_id)
    if nearest.height != 1:
        return Match(reason=f"The other dataset has {near.height:,} rows at this time, and none is the one.")
    found = nearest.row(0, named=True)
    if found["ts_event"] > max(one.ts_event_ns, one.ts_init_ns):
        return Match(reason="The row there is later than this one was known: a backtest would see the future.")
    return Match(found["file"], found["row"])
