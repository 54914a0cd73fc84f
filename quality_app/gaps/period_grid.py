"""The grid of bars of a day and longer: one expected bar for each period that has a session. Pure: no Django.

Vendors stamp such bars at the close or open of the session, or at UTC midnight where the period starts or ends; the
way that fits the data is taken, and so is the first of several days, weeks or months that make a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.grid import DAY_NS, Grid, Int64s, NoGrid
from quality_app.gaps.hours import Hours

Label = Literal["session close", "period end", "session open", "period start"]
_LABELS: Final[tuple[Label, ...]] = ("session close", "period end", "session open", "period start")
_MOST: Final = 400
# Of bars of several periods, so many must be alone in theirs.
_LEAST_FIT: Final = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class PeriodGrid(Grid):
    """One close for each period.

    Attributes:
        label: How bars are stamped.
        sided: Whether the data tells close- from open-stamped; around the clock it does not.
        ends_ns: When each period's last session closes.

    """

    label: Label
    sided: bool
    ends_ns: Int64s

    def alive(self, start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
        """Return the numbers of the first and last period that trade at all between two times; None: no limit."""
        low = 0 if start_ns is None else int(np.searchsorted(self.ends_ns, start_ns, side="right"))
        high = self.total if end_ns is None else int(np.searchsorted(self.begins, end_ns, side="left"))
        return low, high - 1

    def until(self, index: Int64s) -> Int64s:
        """Return when periods' last sessions close."""
        return self.ends_ns[index]


@dataclass(frozen=True, slots=True)
class _Periods:
    """Periods in order: number of the first and last trading interval, and calendar days [starts, ends)."""

    first: Int64s
    last: Int64s
    starts: Int64s
    ends: Int64s


@dataclass(frozen=True, slots=True)
class _Fit:
    """Periods under one way of stamping; times from `from_ns` until before `to_ns` belong to a period."""

    label: Label
    periods: _Periods
    base: Int64s
    from_ns: Int64s
    to_ns: Int64s
    exact: int
    distinct: int


def period_grid(hours: Hours, step: BarStep, stamps: Int64s) -> PeriodGrid:
    """Return the grid of bars of days, weeks, months or years that fits stamps (UNIX ns) best.

    Raises NoGrid where no period has a session, or where bars of several periods follow no common beginning.
    """
    if not len(hours.opens):
        raise NoGrid("The calendar has no session in this range.")
    if step.count > _MOST:
        raise NoGrid(f"Bars of more than {_MOST} {step.unit.lower()}s are not scanned.")
    fits = [_fit(hours, periods, label, stamps) for periods in _choices(hours, step) for label in _LABELS]
    best = max(fits, key=lambda fit: (fit.exact, fit.distinct))
    if step.count > 1 and best.distinct < _LEAST_FIT * len(stamps):
        raise NoGrid(
            f"Bars of {step.count} {step.unit.lower()}s follow no common beginning, "
            "so none is expected at a given time."
        )
    rivals = {fit.label in _LABELS[:2] for fit in fits if (fit.exact, fit.distinct) == (best.exact, best.distinct)}
    return _grid(hours, best, stamps, sided=len(rivals) == 1 and best.exact > 0)


def _choices(hours: Hours, step: BarStep) -> Iterator[_Periods]:
    """Periods under every beginning that is possible; several days may be counted by the calendar or by sessions."""
    begins = np.append(True, hours.days[1:] != hours.days[:-1])
    for phase in range(step.count):
        if step.unit == "DAY":
            yield _of_days(hours, (np.cumsum(begins) - 1 - phase) // step.count)
            if step.count > 1:
                yield _of_days(hours, (hours.days - phase) // step.count)
        else:
            number = (_number(hours.days, step.unit) - phase) // step.count
            first, last = _ends_of(number)
            start = number[first] * step.count + phase
            yield _Periods(first, last, _first_day(start, step.unit), _first_day(start + step.count, step.unit))


def _of_days(hours: Hours, number: Int64s) -> _Periods:
    first, last = _ends_of(number)
    return _Periods(first, last, hours.days[first], hours.days[last] + 1)


def _ends_of(number: Int64s) -> tuple[Int64s, Int64s]:
    """First and last places of each number."""
    begins = np.append(True, number[1:] != number[:-1])
    return np.flatnonzero(begins), np.flatnonzero(np.append(begins[1:], True))


def _number(day: Int64s, unit: str) -> Int64s:
    """Week (from Monday), month or year of days since 1970-01-01."""
    if unit == "WEEK":
        return (day + 3) // 7
    return day.astype("datetime64[D]").astype("datetime64[M]" if unit == "MONTH" else "datetime64[Y]").astype(np.int64)


def _first_day(number: Int64s, unit: str) -> Int64s:
    if unit == "WEEK":
        return number * 7 - 3
    return (
        number.astype("datetime64[M]" if unit == "MONTH" else "datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    )


def _fit(hours: Hours, periods: _Periods, label: Label, stamps: Int64s) -> _Fit:
    opens, starts, ends = hours.opens[periods.first], periods.starts * DAY_NS, periods.ends * DAY_NS
    following = np.append(opens[1:], max(int(ends[-1]), int(hours.closes[-1])) + DAY_NS)
    base, from_ns, to_ns = {
        "session close": (hours.closes[periods.last], opens + 1, following + 1),
        "period end": (ends, starts + 1, ends + 1),
        "session open": (opens, opens, following),
        "period start": (starts, starts, ends),
    }[label]
    at = np.minimum(np.searchsorted(to_ns, stamps, side="right"), len(to_ns) - 1)
    inside = (from_ns[at] <= stamps) & (stamps < to_ns[at])
    exact = int(np.count_nonzero(base[at[inside]] == stamps[inside]))
    return _Fit(label, periods, base, from_ns, to_ns, exact, len(np.unique(at[inside])))


def _grid(hours: Hours, fit: _Fit, stamps: Int64s, *, sided: bool) -> PeriodGrid:
    first, last = fit.periods.first, fit.periods.last
    number, one = np.arange(len(first)), np.ones(len(first), np.int64)
    days = hours.days[last]
    return PeriodGrid(
        anchor="period",
        interval_ns=DAY_NS,
        first=fit.base + _usual_offset(stamps, fit),
        count=one,
        begins=hours.opens[first],
        from_ns=fit.from_ns,
        to_ns=fit.to_ns,
        before=number,
        bucket=(days + 3) % 7 * 64,
        block=0 * number,
        day=number,
        dates=days,
        total=len(first),
        hours=hours,
        label=fit.label,
        sided=sided,
        ends_ns=hours.closes[last],
    )


def _usual_offset(stamps: Int64s, fit: _Fit) -> int:
    """Most common distance of a stamp from where its label says."""
    at = np.minimum(np.searchsorted(fit.to_ns, stamps, side="right"), len(fit.to_ns) - 1)
    inside = (fit.from_ns[at] <= stamps) & (stamps < fit.to_ns[at])
    if not np.any(inside):
        return 0
    values, counts = np.unique((stamps - fit.base[at])[inside], return_counts=True)
    return int(values[np.argmax(counts)])
