"""The series: files of real market data, and generated ones whose rates are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.truth.gaps.series import MINUTE_NS, Clock, Int64s, Series, hour_of_week
from benchmarks.truth.materials import Material
from benchmarks.truth.real import real_materials
from catalog_app.store.bar_type import parse_bar_type
from quality_app.calendars import ALWAYS, FX_WEEK, SessionCalendar, calendar_for
from quality_app.sessions import DAY_NS, sessions, zone_of

Floats = npt.NDArray[np.float64]

# Real files that holes are put into, by what their names contain.
_REAL: Final = (
    "6EH4.XCME",
    "gbpusd-m1-bid",
    "gbpusd-m1-ask",
    "ADABTC-1m-2021-11-28",
    "histdata",
    "truefx",
    "ESU4.GLBX trade",
)
_FILES: Final = 10
_LEAST_ROWS: Final = 50
# Clocks of New York are set on 2026-03-08, those of London on 2026-03-29.
_START, _END = "2026-02-16", "2026-04-11"
_TICKS_START, _TICKS_END = "2026-03-01", "2026-03-14"


def real_series(root: Path) -> list[Series]:
    """Bars, quotes and trades of the directory of real data."""
    found = [one for one in real_materials(root) if not one.repeats and any(name in one.name for name in _REAL)]
    return [_real(one) for one in found]


def _real(material: Material) -> Series:
    known = material.instrument
    times = material.frame["ts_init"].sort().to_numpy().astype(np.int64)
    minutes = parse_bar_type(material.bar_type).step if material.bar_type else 0
    return Series(
        name=Path(material.name.partition(":")[0]).name if ":" not in material.name else material.name.split(": ")[1],
        data_type=material.data_type,
        times=times,
        calendar=calendar_for(known.venue, known.asset_class, known.instrument_class, known.symbol),
        real=True,
        minutes=minutes,
        clock=None if minutes else _smoothed(times),
        cuts=_cuts(times),
    )


def _smoothed(times: Int64s) -> Clock:
    """The expected wait of real ticks, from a fifteenth of the file around each time, 50 rows on both sides at least.

    That is what one waits for the next row from any moment, sum(w²) / 2 sum(w): where rows come in bursts it is several
    times the mean wait between two rows, and what a hole has to stand out from.
    """
    half = max((int(times[-1]) - int(times[0])) // 30, 1)
    grid = np.linspace(times[0], times[-1], 2_000).astype(np.int64)
    middle, last = np.searchsorted(times, grid), len(times) - 1
    low = np.maximum(np.minimum(np.searchsorted(times, grid - half), middle - _LEAST_ROWS), 0)
    high = np.minimum(np.maximum(np.searchsorted(times, grid + half), middle + _LEAST_ROWS), last)
    waits = np.diff(times).astype(np.float64)
    squares = np.append(0.0, np.cumsum(waits**2))
    expected = (squares[high] - squares[low]) / (2.0 * np.maximum(times[high] - times[low], 1))
    return _clock(grid, 1 / expected)


def _clock(grid: Int64s, rate: Floats) -> Clock:
    """Add up a rate (expected waits per ns) between times."""
    between = (rate[1:] + rate[:-1]) / 2 * np.diff(grid)
    return Clock(grid, np.append(0.0, np.cumsum(between)))


def _cuts(times: Int64s) -> Int64s:
    """Files of equal length in time, as vendors' daily or hourly files."""
    edges = np.linspace(times[0], times[-1] + 1, _FILES + 1).astype(np.int64)[1:-1]
    if len(times) < 10 * _FILES:
        return np.empty(0, np.int64)
    if times[-1] - times[0] > _FILES * DAY_NS:
        edges = edges // DAY_NS * DAY_NS
    return np.unique(times[np.searchsorted(times, edges)])


def generated_series(seed: int = 1) -> list[Series]:
    """Bars around the clock, thin bars, bars with a lunch break, and quotes of the FX week."""
    random = np.random.default_rng(seed)
    always, fx = SessionCalendar(ALWAYS, ""), SessionCalendar(FX_WEEK, "")
    return [
        _bars("generated: every minute, 24/7", always, random, lambda hour: np.ones(len(hour))),
        _bars("generated: thin future", calendar_for("XCME", "FX", "futures_contract", "6NM6"), random, _thin),
        _bars("generated: Hong Kong share", calendar_for("XHKG", "EQUITY", "equity", "700"), random, _busy),
        _ticks("generated: FX quotes", fx, random),
    ]


def _thin(hour: Int64s) -> Floats:
    """Share of the minutes with a trade: 45 to 97 %, most in the afternoon."""
    return 0.71 + 0.26 * np.sin((hour % 24 - 7) / 24 * 2 * np.pi)


def _busy(hour: Int64s) -> Floats:
    return np.full(len(hour), 0.998)


def _bars(
    name: str, calendar: SessionCalendar, random: np.random.Generator, share: Callable[[Int64s], Floats]
) -> Series:
    closes = _closes(sessions(calendar, _ns(_START), _ns(_END)))
    closes = closes[(closes > _ns(_START)) & (closes <= _ns(_END))]
    kept = random.random(len(closes)) < share(hour_of_week(closes - 1, zone_of(calendar)))
    times = closes[kept]
    return Series(name, "bar", times, calendar, False, minutes=1, cuts=_cuts(times))


def _closes(hours: pl.DataFrame) -> Int64s:
    ends = zip(hours["open_ns"], hours["close_ns"], strict=True)
    return np.concatenate([np.arange(opens + MINUTE_NS, closes + 1, MINUTE_NS) for opens, closes in ends])


def _ticks(name: str, calendar: SessionCalendar, random: np.random.Generator) -> Series:
    """Independent arrivals, one each 10 to 120 seconds by the hour of the day: the expected wait is the mean one."""
    start, end = _ns(_TICKS_START), _ns(_TICKS_END)
    grid = np.arange(start, end, 10 * 1_000_000_000)
    hour = hour_of_week(grid, zone_of(calendar))
    rate = (0.054 + 0.046 * np.sin((hour % 24 - 3) / 24 * 2 * np.pi)) / 1e9
    hours = sessions(calendar, start, end)
    opens, closes = hours["open_ns"].to_numpy(), hours["close_ns"].to_numpy()
    at = np.minimum(np.searchsorted(closes, grid, side="right"), len(opens) - 1)
    clock = _clock(grid, np.where((opens[at] <= grid) & (grid < closes[at]), rate, 0.0))
    total = float(clock.waits[-1])
    arrivals = np.sort(random.uniform(0, total, random.poisson(total)))
    # A rate of nothing over closed hours: the times at which rows are expected there are all one.
    growing = np.append(True, np.diff(clock.waits) > 0)
    times = np.interp(arrivals, clock.waits[growing], clock.times[growing]).astype(np.int64)
    inside = np.minimum(np.searchsorted(closes, times, side="right"), len(opens) - 1)
    times = times[(opens[inside] <= times) & (times < closes[inside])]
    return Series(name, "quote", times, calendar, False, clock=clock, cuts=_cuts(times))


def _ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def all_series(root: Path | None) -> Sequence[Series]:
    """Real files where there are any, and generated ones."""
    return [*(real_series(root) if root else []), *generated_series()]
