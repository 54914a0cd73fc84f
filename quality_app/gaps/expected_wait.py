"""How long the next row is waited for at each open hour. Pure: no Django.

r = sum(w²) / (2 sum(w)) is the expected time to the next row from any moment (the mean residual life of renewal
theory; Cox, Renewal Theory, 1962, ch. 5). For a Poisson stream it is the mean wait; for real ticks, which come in
bursts, it is several times that, and what a hole has to stand out from.

It is the product of two parts. *Season*: r by hour of the week, in the zone of the market's calendar, shrunk by
PRIOR_ROWS rows to that of the hour of the day, and that as much to the whole. *Activity*: the rows expected in an hour
(the median over weeks) over those that came, as the running median over the ACTIVITY_HOURS open hours around it.

A hole must not explain itself. Medians pass over it; and the waits of an hour of the week are taken up in order of
length, until one is improbable for the shorter ones (an inward test for many outliers; Rosner, Technometrics 1975).
What most weeks have at that hour is ordinary, and so is the lower half. An hour of the week in which no wait starts
goes by the one before: waits that lie in it started there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.gaps.grid import HOUR_NS, Int64s
from quality_app.gaps.open_hours import WEEK_HOURS, OpenHours
from quality_app.gaps.tick_times import LONG_NS, SQUARE_SHIFT, TickTimes

Floats = npt.NDArray[np.float64]

PRIOR_ROWS: Final = 60.0
ACTIVITY_HOURS: Final = 13
# Rows that an hour must have been expected to have to tell how active its day is; and how many such hours are needed.
_ACTIVE_ROWS: Final = 50
_ACTIVE_HOURS: Final = 5
_GREATEST_CHANGE: Final = 8.0
# Hours that together tell how long the longest wait of such an hour usually is.
_LEAST_HOURS: Final = 3
# Waits that are longer than so many expected waits may be improbable.
_LEAST_IMPROBABLE: Final = 8.0
_DAY: Final = np.arange(WEEK_HOURS) % 24


@dataclass(frozen=True, slots=True)
class _Sums:
    """By hour of the week: rows, and the sum and the sum of squares of waits, in open nanoseconds."""

    rows: Floats
    spans: Floats
    squares: Floats


@dataclass(frozen=True, slots=True)
class _Waits:
    """Waits by hour of the week, their length in open nanoseconds, and the length up to which they are ordinary."""

    week: Int64s
    length: Floats
    least: Floats


def expected_waits(times: TickTimes, hours: OpenHours) -> Floats | None:
    """Return the expected wait of each open hour in nanoseconds; None where no wait starts in open hours."""
    activity = _activity(times, hours)
    waits = _kept(times, hours, activity)
    sums = _without_holes(waits, _short(times, hours, activity))
    if not sums.spans.any() or not sums.squares.any():
        return None
    return np.asarray(_season(sums)[hours.week] * activity)


def _activity(times: TickTimes, hours: OpenHours) -> Floats:
    """How much longer than usual waits are around each open hour."""
    counts = np.zeros(len(hours.hours))
    is_open = hours.contain(times.hours)
    counts[hours.at(times.hours[is_open])] = times.counts[is_open]
    frame = pl.DataFrame({"week": hours.week, "rows": counts, "open": np.diff(hours.edges)})
    rate = pl.when(pl.col("rows") > 0).then(pl.col("rows") / pl.col("open"))
    expected = rate.median().over("week") * pl.col("open")
    slow = pl.when((expected >= _ACTIVE_ROWS) & (pl.col("rows") > 0)).then((expected / pl.col("rows")).log())
    around = slow.rolling_median(ACTIVITY_HOURS, min_samples=_ACTIVE_HOURS, center=True)
    change = frame.select(around.fill_null(0.0)).to_series().to_numpy()
    return np.asarray(np.clip(np.exp(change), 1 / _GREATEST_CHANGE, _GREATEST_CHANGE))


def _short(times: TickTimes, hours: OpenHours, activity: Floats) -> _Sums:
    """Sums of the waits that are not kept one by one."""
    is_open = hours.contain(times.hours)
    place = hours.at(times.hours[is_open])
    spans, squares = times.spans[is_open].astype(np.float64), times.squares[is_open].astype(np.float64)
    # Kept waits below LONG_NS are in the sums of their hours.
    kept = times.wait_end - times.wait_start < LONG_NS
    length, hour = (times.wait_end - times.wait_start)[kept], times.wait_start[kept] // HOUR_NS
    in_open = hours.contain(hour)
    at = np.searchsorted(times.hours[is_open], hour[in_open])
    units = (length[in_open] >> SQUARE_SHIFT).astype(np.float64)
    np.subtract.at(spans, at, length[in_open].astype(np.float64))
    np.subtract.at(squares, at, units**2)
    spans, squares = np.maximum(spans, 0.0), np.maximum(squares, 0.0) * 4.0**SQUARE_SHIFT
    week = hours.week[place]
    return _Sums(
        np.bincount(week, times.counts[is_open], WEEK_HOURS),
        np.bincount(week, spans / activity[place], WEEK_HOURS),
        np.bincount(week, squares / activity[place] ** 2, WEEK_HOURS),
    )


def _kept(times: TickTimes, hours: OpenHours, activity: Floats) -> _Waits:
    hour = times.wait_start // HOUR_NS
    is_open = hours.contain(hour)
    place = hours.at(hour[is_open])
    length = hours.open_between(times.wait_start[is_open], times.wait_end[is_open]) / activity[place]
    return _Waits(hours.week[place], length, _usual_longest(hours.week[place], place, length))


def _usual_longest(week: Int64s, place: Int64s, length: Floats) -> Floats:
    """For each wait, what the longest wait of its hour usually is over weeks, or over days; 0 where too few tell."""
    frame = pl.DataFrame({"place": place, "week": week, "day": week % 24, "length": length}).with_columns(
        pl.col("length").max().over("place").alias("longest"), pl.col("place").is_first_distinct().alias("first")
    )

    def over(period: str) -> pl.Expr:
        of_hours = pl.col("longest").filter("first")
        middle = of_hours.quantile(0.5, "lower").over(period)
        return pl.when(of_hours.len().over(period) >= _LEAST_HOURS).then(middle)

    return frame.select(pl.coalesce(over("week"), over("day"), 0.0)).to_series().to_numpy()


def _without_holes(waits: _Waits, short: _Sums) -> _Sums:
    """Add waits to the sums of their hours of the week, from short to long, up to the first improbable one."""
    order = np.lexsort((waits.length, waits.week))
    week, length, least = waits.week[order], waits.length[order], waits.least[order]
    count = np.bincount(week, minlength=WEEK_HOURS)
    rank = np.arange(len(week)) - (np.cumsum(count) - count)[week]
    lower = 2 * rank < count[week]
    ordinary = _Sums(short.rows, *_added(short, week[lower], length[lower]))
    prior_spans, prior_squares = _prior(ordinary)
    spans = short.spans[week] + _before(week, length) + prior_spans[week]
    squares = short.squares[week] + _before(week, length**2) + prior_squares[week]
    expected = squares / (2 * np.maximum(spans, 1.0))
    trials = (short.spans.sum() + length.sum()) / float(np.median(expected)) if len(expected) else 1.0
    limit = max(_LEAST_IMPROBABLE, float(np.log(max(trials, 1.0))))
    improbable = ~lower & (length > least) & (length > limit * expected)
    taken = (_before(week, improbable.astype(np.float64)) == 0) & ~improbable
    return _Sums(short.rows, *_added(short, week[taken], length[taken]))


def _added(sums: _Sums, week: Int64s, length: Floats) -> tuple[Floats, Floats]:
    spans = sums.spans + np.bincount(week, length, WEEK_HOURS)
    return spans, sums.squares + np.bincount(week, length**2, WEEK_HOURS)


def _before(week: Int64s, values: Floats) -> Floats:
    """Sums of the values before each one in its hour of the week; these are in order."""
    frame = pl.DataFrame({"week": week, "value": values})
    return frame.select((pl.col("value").cum_sum() - pl.col("value")).over("week")).to_series().to_numpy()


def _prior(sums: _Sums) -> tuple[Floats, Floats]:
    """What PRIOR_ROWS rows of an hour of the day, shrunk to the whole, add to an hour of the week."""
    rows = np.bincount(_DAY, sums.rows, 24)
    share = PRIOR_ROWS / max(float(rows.sum()), 1.0)
    spans, squares = (
        (np.bincount(_DAY, column, 24) + share * column.sum()) * (PRIOR_ROWS / (rows + PRIOR_ROWS))
        for column in (sums.spans, sums.squares)
    )
    return spans[_DAY], squares[_DAY]


def _season(sums: _Sums) -> Floats:
    """The expected wait by hour of the week, in nanoseconds."""
    prior_spans, prior_squares = _prior(sums)
    expected = (sums.squares + prior_squares) / (2 * (sums.spans + prior_spans))
    known = np.flatnonzero(sums.spans > 0)
    return np.asarray(expected[known[np.searchsorted(known, np.arange(WEEK_HOURS), side="right") - 1]])
