"""How bars inside a day are stamped: at their open or close, along which clock, how much beside it. Pure: no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.grid import DAY_NS, Anchor, Int64s, NoGrid
from quality_app.gaps.hours import Hours

Stamp = Literal["open", "close", "unknown"]

# Closes that are looked at.
_SAMPLE: Final = 20_000
# A share of bars that is enough to speak of all, and how far, as a share of the interval, stamps may lie beside.
_MOST: Final = 0.9
_BESIDE: Final = 0.1
# One side must be seen so many times as often as the other.
_CLEARLY: Final = 2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Where closes are expected; `origin_ns` is any of them on a clock."""

    anchor: Anchor
    origin_ns: int = 0


def usual_offset(times: BarTimes) -> int:
    """Return by how many ns nearly all bars lie beside the UTC clock: -1 ms for bars stamped at xx:59.999."""
    interval_ns = times.stride_ns
    offset, share = _usual(_sample(times) % interval_ns)
    offset = offset if offset < interval_ns // 2 else offset - interval_ns
    near = abs(offset) <= _BESIDE * interval_ns
    return offset if near and share >= _MOST and DAY_NS % interval_ns == 0 else 0


def rhythm_of(times: BarTimes, hours: Hours) -> Rhythm:
    """Return what closes are aligned to.

    Steps that divide a day follow the UTC clock, or the session's open where they fit it better. Other steps must
    fit one of them; raises NoGrid where they do not.
    """
    interval_ns = times.stride_ns
    divides = DAY_NS % interval_ns == 0
    if divides and not (np.any(hours.opens % interval_ns) or np.any(hours.closes % interval_ns)):
        return Rhythm("clock")
    sample = _sample(times)
    beside = int(_BESIDE * interval_ns)
    at = np.maximum(np.searchsorted(hours.opens, sample, side="left") - 1, 0)
    since_open, since_close = sample - hours.opens[at], sample - hours.closes[at]
    by_session = np.mean((since_open % interval_ns <= beside) | ((since_close >= 0) & (since_close <= beside)))
    if divides:
        by_clock = np.mean(sample % interval_ns <= beside)
        return Rhythm("session" if by_session > by_clock else "clock")
    origin, by_origin = _usual(sample % interval_ns)
    if max(by_session, by_origin) < _MOST:
        raise NoGrid(
            "The bar's step does not divide a day, and the bars follow no clock and no session's open throughout, "
            "so none is expected at a given time."
        )
    return Rhythm("session") if by_session >= by_origin else Rhythm("clock", origin)


def stamp_of(times: BarTimes, hours: Hours) -> Stamp:
    """Return whether bars are stamped at their open or close, as the edges of trading show.

    After closed hours, the first bar of an open-stamped series has the time at which trading opens; before closed
    hours, the last bar of a close-stamped one has the time at which it closes. `unknown` where neither is seen twice
    as often as the other: around the clock, or where bars lie outside of trading hours too.
    """
    interval_ns = times.stride_ns
    opens, closes = hours.trading.opens, hours.trading.closes
    lasts = times.lasts
    if len(lasts) and np.any(lasts[1:] < lasts[:-1]):
        lasts = np.sort(lasts)
    beside = int(_BESIDE * interval_ns)
    at_open = np.count_nonzero(
        _any_from(times.starts, opens, beside) | _any_from(times.starts, opens // interval_ns * interval_ns, beside)
    )
    at_close = np.count_nonzero(
        _any_from(lasts, closes, beside) | _any_from(lasts, -(-closes // interval_ns) * interval_ns, beside)
    )
    if at_open > _CLEARLY * at_close:
        return "open"
    return "close" if at_close > _CLEARLY * at_open else "unknown"


def _any_from(times: Int64s, edges: Int64s, beside: int) -> npt.NDArray[np.bool_]:
    """Whether a time lies at each edge, or a little after."""
    return np.searchsorted(times, edges, side="left") < np.searchsorted(times, edges + beside, side="right")


def _sample(times: BarTimes) -> Int64s:
    """Closes from all over the data."""
    if len(times.starts) > _SAMPLE:
        every = -(-len(times.starts) // _SAMPLE)
        return np.concatenate([times.starts[::every], times.lasts[::every]])
    return np.concatenate(list(times.batches(times.closes * times.stride_ns // _SAMPLE)))


def _usual(values: Int64s) -> tuple[int, float]:
    """Most common value, and its share."""
    found, counts = np.unique(values, return_counts=True)
    most = int(np.argmax(counts))
    return int(found[most]), float(counts[most] / len(values))
