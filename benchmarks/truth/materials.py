"""Data that defects are put into: a canonical frame, and what the desk would know of its dataset."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from catalog_app.store.bar_type import parse_bar_type
from catalog_app.store.schema import PRICE_COLUMNS, SCALE_DIGITS
from quality_app.calendars import calendar_for
from quality_app.checks.check import CheckContext, QuotesBetween
from quality_app.checks.learning import learn_profile
from quality_app.sessions import DAY_NS, sessions, zone_of

# 2027-01-15: after all of the data.
NOW_NS: Final = 1_800_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a store's definition says; empty and None are unknown. Increments are raw, at 1e-16."""

    symbol: str
    venue: str
    instrument_class: str = ""
    asset_class: str = ""
    price_increment: int | None = None
    size_increment: int | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """One dataset. `real`: nobody made it up, so what is flagged in it untouched must be explained.

    `bar_type` stands for bars alone; `quotes` are those of a trade's instrument, canonical and in order. `repeats`: the
    same rows are in another material too, so that breaking these would count them twice.
    """

    name: str
    data_type: str
    frame: pl.DataFrame
    instrument: Instrument
    price_precision: int | None
    size_precision: int | None
    real: bool
    bar_type: str = ""
    quotes: pl.DataFrame | None = None
    repeats: bool = False

    @property
    def tick(self) -> int:
        """The raw price increment; where no definition says it, what all prices are multiples of."""
        unit = 10 ** (SCALE_DIGITS - (self.price_precision or 0))
        columns = PRICE_COLUMNS[self.data_type]
        if self.instrument.price_increment or not columns:
            return self.instrument.price_increment or unit
        prices = (self.frame[columns[0]].drop_nulls() // unit).cast(pl.Int64).to_numpy()
        whole: int = int(np.gcd.reduce(prices)) if len(prices) else 1
        step: int = unit * max(whole, 1)
        return step

    def context(self, frame: pl.DataFrame) -> CheckContext:
        """What the desk would know if the dataset held this frame: quality_app.services.context, without an index."""
        known = self.instrument
        calendar = calendar_for(known.venue, known.asset_class, known.instrument_class, known.symbol)
        start_ns, end_ns = int(frame["ts_init"].min() or 0), int(frame["ts_init"].max() or 0)  # type: ignore[arg-type]
        context = CheckContext(
            data_type=self.data_type,
            now_ns=NOW_NS,
            price_precision=self.price_precision,
            size_precision=self.size_precision,
            price_increment=known.price_increment,
            size_increment=known.size_increment,
            negative_prices_allowed=False if known.instrument_class else None,
            interval_ns=parse_bar_type(self.bar_type).interval_ns if self.bar_type else None,
            sessions=None if calendar.learned else sessions(calendar, start_ns - DAY_NS, end_ns + DAY_NS),
            calendar=calendar.name,
            zone=zone_of(calendar),
            quotes=None if self.quotes is None else _between(self.quotes),
        )
        return replace(context, profile=learn_profile(with_positions(frame, self.name), context))


def with_positions(frame: pl.DataFrame, file: str) -> pl.DataFrame:
    """Add `file` and `row`, as the reader does: the rows of one file."""
    return frame.with_columns(pl.lit(file).alias("file"), pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))


def _between(quotes: pl.DataFrame) -> QuotesBetween:
    ts = quotes["ts_init"]

    def between(start_ns: int, end_ns: int) -> pl.DataFrame:
        first, stop = ts.search_sorted(start_ns, "left"), ts.search_sorted(end_ns, "right")
        return quotes.slice(int(first), int(stop) - int(first))

    return between
