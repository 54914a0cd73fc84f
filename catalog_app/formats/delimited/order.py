"""Order and duplicates over a whole file, carried from batch to batch."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

_LINES_KEPT: Final = 20


@dataclass(slots=True)
class ParseStats:
    """What a whole file was like; complete when its last batch was taken.

    lines: data lines (no header, no blank lines) = accepted + rejected.
    out_of_order: accepted rows whose ts_init is before that of an earlier row; their first lines.
    identical: rows equal to the row before in all that the file says; same_time: equal ts_init, other values (usual
    for ticks, a conflict for bars). Both look at neighbours, so sort first where out_of_order > 0.
    start_ns, end_ns: lowest and highest ts_init of accepted rows; None when there is none.
    """

    lines: int = 0
    accepted: int = 0
    rejected: int = 0
    out_of_order: int = 0
    out_of_order_lines: list[int] = field(default_factory=list)
    identical: int = 0
    identical_lines: list[int] = field(default_factory=list)
    same_time: int = 0
    same_time_lines: list[int] = field(default_factory=list)
    start_ns: int | None = None
    end_ns: int | None = None
    volume_missing: bool = False
    sizes_missing: bool = False
    trade_ids_generated: bool = False


class OrderTracker:
    """Feeds ParseStats with accepted rows in file order."""

    def __init__(self, stats: ParseStats, compared: list[str]) -> None:
        self.stats = stats
        self._compared = compared
        self._last: pl.DataFrame | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Take the next accepted rows: line, ts_init and the compared columns."""
        if frame.is_empty():
            return
        stats = self.stats
        stats.accepted += frame.height
        rows = frame.select("line", *self._compared)
        carried = rows if self._last is None else pl.concat([self._last, rows])
        ts = pl.col("ts_init")
        times = carried.select("line", late=ts < _highest_before(stats.end_ns), same=ts == ts.shift(1))
        # The carried row was judged with its own batch.
        judged = times if self._last is None else times.slice(1)
        stats.out_of_order += _note(judged.filter("late"), stats.out_of_order_lines)
        if judged["same"].any():
            self._compare(carried)
        low, high = frame.select(low=ts.min(), high=ts.max()).row(0)
        stats.start_ns = low if stats.start_ns is None else min(low, stats.start_ns)
        stats.end_ns = high if stats.end_ns is None else max(high, stats.end_ns)
        self._last = rows.tail(1)

    def _compare(self, carried: pl.DataFrame) -> None:
        ts = pl.col("ts_init")
        equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in self._compared)
        same = carried.select("line", same=ts == ts.shift(1), equal=equal).slice(1).filter("same")
        self.stats.identical += _note(same.filter("equal"), self.stats.identical_lines)
        self.stats.same_time += _note(same.filter(~pl.col("equal")), self.stats.same_time_lines)


def _highest_before(end_ns: int | None) -> pl.Expr:
    """Highest ts_init of all earlier rows, those of earlier batches (end_ns) included."""
    within = pl.col("ts_init").cum_max().shift(1)
    return within if end_ns is None else pl.max_horizontal(within, pl.lit(end_ns, pl.Int64))


def _note(rows: pl.DataFrame, lines: list[int]) -> int:
    lines += rows["line"].head(_LINES_KEPT - len(lines)).to_list()
    return rows.height
