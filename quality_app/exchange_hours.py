"""Hours and holidays of exchanges as pandas-market-calendars tells them. Pure: no Django.

Asking the library costs a tenth of a second or more, whether for a year or for twenty; so it is asked for twenty.
"""

import warnings
from collections import Counter
from datetime import date
from functools import lru_cache
from threading import RLock
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas_market_calendars as market_calendars
import polars as pl

_BLOCK: Final = 20
_FIRST_DAY: Final = date(1678, 1, 1)
_LAST_DAY: Final = date(2261, 12, 31)
# Days of a year on which a weekday must be open for its closed ones to be holidays.
_USUAL: Final = 20
_lock: Final = RLock()


class UnknownCalendar(ValueError):
    """The library has no hours under a name; the message is for people."""


def library_names() -> list[str]:
    """Return the names of the library's calendars, several for some of them."""
    return sorted(market_calendars.get_calendar_names())


def exchange_aliases(name: str) -> list[str]:
    """Return all names of a calendar, this one with them. Raises UnknownCalendar."""
    return sorted({name, *_calendar(name).aliases})


def exchange_zone(name: str) -> str:
    """Return the IANA time zone of a calendar. Raises UnknownCalendar."""
    return str(_calendar(name).tz)


def exchange_sessions(name: str, year: int) -> pl.DataFrame:
    """Return open_ns, close_ns (UNIX ns, half-open) and day of a year's sessions, in order. Raises UnknownCalendar."""
    days = pl.col("day").is_between(date(year, 1, 1), date(year, 12, 31))
    with _lock:
        return _block(name, year // _BLOCK).filter(days)


def holidays(name: str, year: int) -> frozenset[date]:
    """Return the days of a year on which an exchange is closed though it is open on other days of that weekday.

    Raises UnknownCalendar.
    """
    opened = set(exchange_sessions(name, year)["day"])
    usual = {weekday for weekday, days in Counter(day.weekday() for day in opened).items() if days >= _USUAL}
    every = pl.date_range(date(year, 1, 1), date(year, 12, 31), eager=True)
    return frozenset(day for day in every if day.weekday() in usual and day not in opened)


@lru_cache(maxsize=256)
def _calendar(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of breaks that ended: _block heeds when
        try:
            return market_calendars.get_calendar(name)
        except RuntimeError:
            raise UnknownCalendar(f"pandas-market-calendars knows no calendar named {name!r}.") from None


@lru_cache(maxsize=512)
def _block(name: str, block: int) -> pl.DataFrame:
    """Sessions of twenty years."""
    calendar = _calendar(name)
    first, last = max(date(block * _BLOCK, 1, 1), _FIRST_DAY), min(date(block * _BLOCK + 19, 12, 31), _LAST_DAY)
    try:
        schedule = calendar.schedule(str(first), str(last))
    except (NotImplementedError, ValueError) as error:
        raise UnknownCalendar(f"pandas-market-calendars gives no hours of {name!r}: {error}.") from error

    def ns(column: str) -> npt.NDArray[np.int64]:
        # pandas 3 keeps microseconds unless told otherwise.
        return np.asarray(schedule[column].dt.as_unit("ns").astype("int64"), np.int64)

    days = pl.Series("day", schedule.index.to_numpy().astype("datetime64[D]"), dtype=pl.Date)
    opens, closes = ns("market_open"), ns("market_close")
    if "break_start" not in schedule:
        parts = [pl.DataFrame({"open_ns": opens, "close_ns": closes, "day": days})]
    else:
        # The library also marks breaks of no length where an exchange dropped its break.
        has_break = ns("break_start") < ns("break_end")
        ended = calendar.discontinued_market_times.get("break_start")
        if ended is not None:
            has_break &= np.asarray(schedule.index < ended)
        starts, ends = np.where(has_break, ns("break_start"), closes), np.where(has_break, ns("break_end"), closes)
        parts = [
            pl.DataFrame({"open_ns": opens, "close_ns": np.minimum(starts, closes), "day": days}),
            pl.DataFrame({"open_ns": np.maximum(ends, opens), "close_ns": closes, "day": days}),
        ]
    return pl.concat(parts).filter(pl.col("open_ns") < pl.col("close_ns")).sort("open_ns")
