"""Parse a vendor's file and commit it as one store operation; nothing is written unless all of it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl

from catalog_app.formats.delimited import BatchParser, Mapping, ParseStats, parse_batches
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import Progress
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.moves import Committed
from catalog_app.store.filesystem import Root
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.store.writer import DatasetWriter

if TYPE_CHECKING:
    from nautilus_trader.model.instruments import Instrument

KEPT_REJECTED = 1000
# Sorting is the one step that holds all rows, about 100 bytes each and twice: below the memory a job may use.
MAX_SORTED_ROWS = 4_000_000


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import will do. Precisions are those of the store's definition, None where it is new."""

    root: Root
    operation_id: UUID
    original_name: str
    mapping: Mapping
    instrument_id: str
    bar_type: str | None
    directory: str
    price_precision: int | None
    size_precision: int | None
    negative_prices_allowed: bool
    new_instrument: dict[str, Any] | None
    skip_rejected: bool
    sort_rows: bool
    check_lease: Callable[[UUID, Sequence[str]], None]


@dataclass(slots=True)
class Written:
    """What came of it: the commit, or None where rejected rows stopped it; the first rejected rows, all counted."""

    row_count: int = 0
    rejected_count: int = 0
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)
    committed: Committed | None = None

    def reject(self, rows: Sequence[dict[str, Any]], count: int) -> None:
        """Count rejected rows and keep the first of them."""
        self.rejected_count += count
        self.rejected_rows += rows[: KEPT_REJECTED - len(self.rejected_rows)]


def write_import(progress: Progress, plan: ImportPlan, path: Path) -> Written:
    """Read the file by the plan's mapping and commit its rows, with the instrument where it is new.

    Raises:
        JobFailed: when the file holds no usable rows, or rows out of order that are not to be sorted.
        FormatError, StoreError: as parser and store say; nothing is written then.

    """
    instrument = _new_instrument(plan)
    precisions = _precisions(plan, instrument)
    with Transaction(plan.root, "import", plan.directory, operation_id=plan.operation_id) as tx:
        parser = parse_batches(
            path,
            plan.mapping,
            price_precision=precisions[0],
            size_precision=precisions[1],
            negative_prices_allowed=plan.negative_prices_allowed,
            name=plan.original_name,
        )
        staged = _Staged(plan, tx, precisions)
        written = Written()
        _read(progress, parser, plan, staged, written)
        _judge_order(parser.stats, plan)
        _report(progress, parser.stats)
        if written.rejected_count and not plan.skip_rejected:
            written.row_count = parser.stats.accepted
            return written
        written.row_count = staged.finish(progress)
        if not written.row_count:
            raise JobFailed(f"{plan.original_name} has no row that can be used, so nothing was written.")
        if instrument is not None:
            write_instrument(tx, instrument)
        progress.stage("Committing")
        progress.check()
        plan.check_lease(progress.claim, [plan.directory])
        written.committed = tx.commit()
    return written


def _read(progress: Progress, parser: BatchParser, plan: ImportPlan, staged: _Staged, written: Written) -> None:
    total = parser.path.stat().st_size
    progress.stage("Reading the file", total=total, unit="bytes")
    done = 0
    for batch in parser:
        progress.check()
        written.reject(batch.rejected.head(KEPT_REJECTED).to_dicts(), batch.rejected.height)
        unsorted = parser.stats.out_of_order and not plan.sort_rows
        if not unsorted and (plan.skip_rejected or not written.rejected_count):
            staged.write(batch.frame)
        progress.advance(batch.bytes_read - done)
        done = batch.bytes_read
    if plan.mapping.data_type == "bar":
        _reject_repeats(parser.stats, written)


def _reject_repeats(stats: ParseStats, written: Written) -> None:
    """A time has one bar: a second one is rejected, whether it agrees or not."""
    for count, lines, reason in (
        (stats.identical, stats.identical_lines, "the same bar as the row before"),
        (stats.same_time, stats.same_time_lines, "another bar has this time already, with other values"),
    ):
        written.reject([{"line": line, "reason": reason, "text": ""} for line in lines], count)


def _judge_order(stats: ParseStats, plan: ImportPlan) -> None:
    if stats.out_of_order and not plan.sort_rows:
        lines = ", ".join(f"{line:,}" for line in stats.out_of_order_lines[:5])
        raise JobFailed(
            f"{stats.out_of_order:,} rows come before an earlier row's time (lines {lines}"
            f"{' …' if stats.out_of_order > 5 else ''}), so nothing was written. "
            "Sort the file by time, or import again and let the rows be sorted."
        )


def _report(progress: Progress, stats: ParseStats) -> None:
    if stats.volume_missing:
        progress.log("The file has no volume: bars are stored with volume 0.", "warning")
    if stats.sizes_missing:
        progress.log("The file has no sizes: quotes are stored with the size that the mapping names.", "warning")
    if stats.trade_ids_generated:
        progress.log("The file has no trade ids: they are made from time and row.", "warning")
    if stats.out_of_order:
        progress.log(f"{stats.out_of_order:,} rows were out of order and are sorted.", "warning")


class _Staged:
    """Rows on their way into the transaction: straight into the writer, or held back to be sorted."""

    def __init__(self, plan: ImportPlan, tx: Transaction, precisions: tuple[int, int]) -> None:
        self._plan = plan
        self._writer = DatasetWriter(
            tx,
            plan.mapping.data_type,
            plan.instrument_id,
            bar_type=plan.bar_type,
            price_precision=precisions[0],
            size_precision=precisions[1],
        )
        self._last_ns: int | None = None
        self._held: list[pl.DataFrame] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Take rows in file order."""
        if not self._plan.sort_rows:
            self._write_sorted(frame)
            return
        self._held.append(frame)
        if sum(held.height for held in self._held) > MAX_SORTED_ROWS:
            raise JobFailed(
                f"Up to {MAX_SORTED_ROWS:,} rows can be sorted on import, and this file has more. "
                "Sort or split it first."
            )

    def finish(self, progress: Progress) -> int:
        """Write what was held back, close the file; return the rows."""
        if self._held:
            progress.stage("Sorting")
            # Stable: of repeated bars the one that came first in the file is kept.
            rows = pl.concat(self._held).sort("ts_init", maintain_order=True)
            self._held.clear()
            progress.stage("Writing", total=rows.height)
            for frame in rows.iter_slices(250_000):
                progress.check()
                self._write_sorted(frame)
                progress.advance(frame.height)
        self._writer.finish()
        return self._writer.rows

    def _write_sorted(self, frame: pl.DataFrame) -> None:
        if self._plan.mapping.data_type == "bar" and frame.height:
            repeated = frame["ts_init"] == frame["ts_init"].shift(1, fill_value=self._last_ns)
            self._last_ns = frame["ts_init"][-1]
            frame = frame.filter(~repeated.fill_null(False))
        self._writer.write(frame)


def _new_instrument(plan: ImportPlan) -> Instrument | None:
    if plan.new_instrument is None:
        return None
    return build_instrument(instrument_id=plan.instrument_id, **plan.new_instrument)


def _precisions(plan: ImportPlan, instrument: Instrument | None) -> tuple[int, int]:
    if instrument is not None:
        return instrument.price_precision, instrument.size_precision
    if plan.price_precision is None or plan.size_precision is None:
        raise JobFailed(
            f"The store has no usable definition of {plan.instrument_id}. Import again and fill in the instrument."
        )
    return plan.price_precision, plan.size_precision
