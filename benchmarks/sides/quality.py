"""All checks of quotes, and the gap scan of bars; their peers are the bare scans of benchmarks.sides.scan."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.inputs.frames import MINUTE_NS
from benchmarks.subjects import BARS, QUOTES
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader
from catalog_app.store.footer import read_footer
from catalog_app.store.schema import SCALE_DIGITS
from quality_app.bar_scan import BarSeries, scan_bars
from quality_app.calendars import calendar_for
from quality_app.checks.check import CheckContext
from quality_app.checks.run import run_checks
from quality_app.grid import Int64s

# 2100-01-01: no row of any size lies in the future.
_NOW_NS: Final = 4_102_444_800_000_000_000
# What services.gap_scan reads at a time.
_BATCH_ROWS: Final = 1_000_000


def checks(workspace: Workspace) -> Work:
    """Every check of quotes, increments known, with the positions of rows."""
    store = workspace.path("large-quotes")
    paths = QUOTES.paths(store)
    context = CheckContext(
        data_type="quote",
        now_ns=_NOW_NS,
        price_precision=QUOTES.price_precision,
        size_precision=QUOTES.size_precision,
        price_increment=10 ** (SCALE_DIGITS - QUOTES.price_precision),
        size_increment=10 ** (SCALE_DIGITS - QUOTES.size_precision),
        negative_prices_allowed=False,
    )

    def run(_: Path) -> Done:
        outcomes, left_out = run_checks(reader.scan(store, paths, "quote", positions=True), context)
        if left_out:
            raise ValueError(f"checks that did not run: {left_out}")
        return Done(outcomes[0].rows, figures={"checks": len(outcomes)})

    return Work(run)


def gaps(workspace: Workspace) -> Work:
    """Gaps of one-minute bars around the clock, with their causes."""
    store = workspace.path("large-bars")
    (path,) = BARS.paths(store)
    footer = read_footer(store, path)
    calendar = calendar_for("BINANCE")

    def batches() -> Iterator[Int64s]:
        frame = reader.scan(store, [path], "bar").select("ts_init")
        for batch in frame.collect_batches(chunk_size=_BATCH_ROWS, lazy=True, engine="streaming"):
            yield np.asarray(batch["ts_init"].to_numpy(), np.int64)

    def run(_: Path) -> Done:
        series = BarSeries(batches, footer.rows, MINUTE_NS, footer.start_ns or 0, footer.end_ns or 0)
        found = scan_bars(series, calendar)
        return Done(found.present, figures={"gaps": len(found.gaps)})

    return Work(run)
