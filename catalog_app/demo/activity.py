"""How busy a market is at each open minute: the intraday and weekly patterns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from catalog_app.demo.calendars import NEW_YORK, local_clock, open_grid, us_holidays

Profile = NDArray[np.float64]


@cache
def activity(calendar: str, first: date, last: date) -> Profile:
    """Return the relative trading rate of each open minute of a calendar's grid; its mean is 1.

    Equities are U-shaped, FX peaks where London and New York overlap, futures follow the
    New York day with a European shoulder, crypto is flat with an American bump and quiet
    weekends.
    """
    opens = open_grid(calendar, first, last).opens
    shape = _shape(calendar)(opens)
    if calendar not in {"crypto", "nyse"}:
        shape = shape * _holiday_factor(opens, first, last, 0.75 if calendar == "fx" else 0.3)
    return shape / shape.mean() if shape.size else shape


def _shape(calendar: str) -> Callable[[NDArray[np.int64]], Profile]:
    if calendar == "crypto":
        return _crypto
    if calendar == "fx":
        return _fx
    return _equity if calendar == "nyse" else _future


def _bump(minute: Profile, centre_hour: float, width_hours: float) -> Profile:
    distance = np.abs(minute - centre_hour * 60)
    around_the_clock = np.minimum(distance, 1440 - distance)
    return np.asarray(np.exp(-0.5 * (around_the_clock / (width_hours * 60)) ** 2))


def _minute(opens: NDArray[np.int64], zone: str) -> Profile:
    return np.asarray(local_clock(opens, zone)["minute"].to_numpy(), dtype=np.float64)


def _crypto(opens: NDArray[np.int64]) -> Profile:
    clock = local_clock(opens, "UTC")
    minute = clock["minute"].to_numpy().astype(np.float64)
    weekend = np.where(clock["weekday"].to_numpy() >= 6, 0.62, 1.0)
    funding = 0.5 * (minute % 480 < 3)  # positions are squared around the funding times
    return (0.75 + 0.75 * _bump(minute, 15.0, 2.2) + 0.25 * _bump(minute, 1.0, 2.0) + funding) * weekend


def _fx(opens: NDArray[np.int64]) -> Profile:
    new_york, london, tokyo = (_minute(opens, zone) for zone in (NEW_YORK, "Europe/London", "Asia/Tokyo"))
    rollover = 1.0 - 0.75 * _bump(new_york, 17.3, 0.45)
    day = 0.35 + 0.55 * _bump(tokyo, 10.5, 2.2) + 1.15 * _bump(london, 9.0, 1.8) + 1.45 * _bump(new_york, 10.0, 2.0)
    return day * rollover


def _equity(opens: NDArray[np.int64]) -> Profile:
    since_open = _minute(opens, NEW_YORK) - 570.0
    return 0.55 + 1.9 * np.exp(-since_open / 22.0) + 0.35 * _bump(since_open, 0.0, 1.2) + _closing(since_open)


def _closing(since_open: Profile) -> Profile:
    until_close = np.maximum(390.0 - since_open, 0.0)
    return 1.3 * np.exp(-until_close / 18.0)


def _future(opens: NDArray[np.int64]) -> Profile:
    new_york = _minute(opens, NEW_YORK)
    in_hours = (new_york >= 570) & (new_york < 960)
    hours = np.where(in_hours, 1.2 + 1.6 * np.exp(-(new_york - 570.0).clip(0.0) / 25.0), 0.0)
    hours += np.where(in_hours, _closing(new_york - 570.0), 0.0)
    return 0.28 + hours + 0.45 * _bump(new_york, 4.0, 1.5) + 0.7 * _bump(new_york, 8.6, 0.5)


def _holiday_factor(opens: NDArray[np.int64], first: date, last: date, factor: float) -> Profile:
    quiet = local_clock(opens, NEW_YORK)["date"].is_in(list(us_holidays(first, last))).to_numpy()
    return np.where(quiet, factor, 1.0)
