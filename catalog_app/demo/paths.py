"""Simulated prices: one path per underlying, six points a minute.

Log returns have a slow and a fast stochastic volatility (log-normal AR(1), Taylor 1986),
a variance mixed by the minute (Student t, 5 degrees of freedom) and the market's intraday
pattern, so that they cluster and have fat tails. Underlyings of a group share a factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from catalog_app.demo.calendars import Grid
from catalog_app.demo.universe import Underlying

STEPS: Final = 6  # points per minute, at 5, 15, … 55 s
_YEAR_MINUTES: Final = {"crypto": 525_600, "fx": 374_400, "nyse": 98_280}
_FUTURES_YEAR_MINUTES: Final = 347_760
# A night moves the price about half as much as a day; a weekend little more.
_CLOSED_SHARE: Final = 0.45
_TAIL_DEGREES: Final = 5.0


@dataclass(frozen=True)
class Market:
    """The simulated prices of a group on its grid."""

    grid: Grid
    activity: NDArray[np.float64]
    turbulence: NDArray[np.float64]  # log volatility over its mean, shared by the group
    log_prices: Mapping[str, NDArray[np.float64]]  # (minutes, STEPS) per underlying


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a random generator that depends on the seed and the names alone."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def simulate(
    group: str, underlyings: Iterable[Underlying], grid: Grid, activity: NDArray[np.float64], seed: int
) -> Market:
    """Simulate a group's underlyings on one grid."""
    rng = generator(seed, group)
    size = grid.opens.size
    turbulence = 0.28 * smooth_noise(rng, size, 1440.0) + 0.22 * smooth_noise(rng, size, 35.0)
    factor = rng.standard_normal((size, STEPS)) * _tail(rng, size)[:, None]
    prices = {
        item.name: _log_price(item, grid, activity, turbulence, factor, generator(seed, group, item.name))
        for item in underlyings
    }
    return Market(grid, activity, turbulence, prices)


def smooth_noise(rng: np.random.Generator, size: int, half_life: float) -> NDArray[np.float64]:
    """Return a stationary AR(1) series of unit variance; the half-life is in samples."""
    alpha = 1.0 - 0.5 ** (1.0 / half_life)
    noise = pl.Series(rng.standard_normal(size))
    if size:
        # Start in the stationary state: the first value of an unadjusted mean is taken whole.
        noise[0] = float(noise[0]) * np.sqrt(alpha / (2.0 - alpha))
    smooth = noise.ewm_mean(alpha=alpha, adjust=False).to_numpy()
    return np.asarray(smooth / np.sqrt(alpha / (2.0 - alpha)))


def _tail(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    return np.asarray(np.sqrt((_TAIL_DEGREES - 2.0) / rng.chisquare(_TAIL_DEGREES, size)))


def _log_price(
    underlying: Underlying,
    grid: Grid,
    activity: NDArray[np.float64],
    turbulence: NDArray[np.float64],
    factor: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    size = grid.opens.size
    year = _YEAR_MINUTES.get(underlying.group, _FUTURES_YEAR_MINUTES)
    per_minute = underlying.annual_volatility / np.sqrt(year)
    shape = np.sqrt(activity) * np.exp(turbulence - 0.13)
    own = rng.standard_normal((size, STEPS)) * _tail(rng, size)[:, None]
    mixed = underlying.common * factor + np.sqrt(1.0 - underlying.common**2) * own
    returns = mixed * (per_minute / np.sqrt(STEPS) * shape)[:, None]
    per_day = per_minute * np.sqrt(year / 252.0)
    closed = np.sqrt(np.minimum(grid.closed_before, 18.0) / 18.0) * _CLOSED_SHARE * per_day
    returns[:, 0] += rng.standard_normal(size) * closed
    path = np.log(underlying.price) + np.cumsum(returns.ravel())
    return np.asarray(path.reshape(size, STEPS))
