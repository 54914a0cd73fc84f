"""Generated ticks: a Poisson stream whose rate depends on the hour, in open time."""

import numpy as np
import polars as pl

from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.expected_wait import Floats
from quality_app.gaps.grid import HOUR_NS, Int64s

SECOND_NS = 1_000_000_000
WEEK_NS = 168 * HOUR_NS
START_NS = 1_709_510_400_000_000_000  # Monday 2024-03-04, 00:00 UTC: US clocks change on 2024-03-10

# Seconds between ticks by UTC hour: busy in the afternoon, quiet at night.
MEAN_WAIT_S: Floats = np.asarray(2 * (1 + 3 * np.cos((np.arange(24) - 2) / 12 * np.pi).clip(0)))


def ticks_in(sessions: pl.DataFrame, rng: np.random.Generator, slower: float = 1.0) -> Int64s:
    """Ticks over whole sessions, in order; `slower` multiplies their waits."""
    clock = TradingTime(sessions)
    hours = np.arange(int(clock.opens[0]) // HOUR_NS, int(clock.closes[-1]) // HOUR_NS + 2)
    edges = clock.open_ns(hours * HOUR_NS)
    rate = 1 / (MEAN_WAIT_S[hours[:-1] % 24] * SECOND_NS * slower)
    expected = np.append(0.0, np.cumsum(np.diff(edges) * rate))
    arrivals = np.cumsum(rng.exponential(1.0, int(expected[-1] * 1.1) + 100))
    position = np.interp(arrivals[arrivals < expected[-1]], expected, edges.astype(np.float64)).astype(np.int64)
    begins = clock.open_ns(clock.opens)
    block = np.searchsorted(begins, position, side="right") - 1
    return np.asarray(clock.opens[block] + position - begins[block])


def mean_wait_ns(ts: int) -> float:
    """The mean wait at a time, for `slower` of 1."""
    return float(MEAN_WAIT_S[ts // HOUR_NS % 24]) * SECOND_NS


def without(ts: Int64s, start_ns: int, length_ns: float) -> Int64s:
    """Ticks without those from a time on for so long."""
    first, last = np.searchsorted(ts, [start_ns, start_ns + int(length_ns)])
    return np.append(ts[:first], ts[last:])


def hole_at(ts: Int64s, moment_ns: int) -> tuple[int, int]:
    """The ticks around a moment."""
    after = int(np.searchsorted(ts, moment_ns, side="right"))
    return int(ts[after - 1]), int(ts[after])
