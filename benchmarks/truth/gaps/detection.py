"""The desk's own detection, over the rows of a series as its files hold them."""

import polars as pl

from benchmarks.truth.gaps.series import Int64s, Series
from quality_app.gaps.bar_scan import scan_bars
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.tick_times import TickTimes
from quality_app.gaps.ticks import scan_ticks


def find(series: Series, times: Int64s, wanted: tuple[int, int] | None = None) -> pl.DataFrame:
    """Return gaps (start_ns, end_ns, missing, cause) of rows of a series; `wanted`: a range that should be there.

    Each file is read for itself and only its summary is kept, as the desk does.
    """
    start_ns, end_ns = wanted or (None, None)
    if series.minutes:
        bars = [BarTimes.unpack(BarTimes.of([rows], series.step_ns).pack()) for rows in series.files(times)]
        return scan_bars(bars, BarStep(series.minutes, "MINUTE"), series.calendar, start_ns, end_ns).gaps
    ticks = [TickTimes.unpack(TickTimes.of([rows]).pack()) for rows in series.files(times)]
    return scan_ticks(ticks, series.data_type, series.calendar, start_ns, end_ns).gaps
