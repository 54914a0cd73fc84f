"""Prices that leave their level for a row or a few; and moves that stay, which are none.

The size of a spike is told in local MAD: 1.4826 times the median absolute deviation from the median of the 25 rows on
either side, a tick at least; where those do not vary at all, the median move of the data stands for it. The spike
stands that far from the median.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.truth.injection import SPACING, Broken, Defect, Rows, Site, edit, integers, raw
from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.seasons import hour_of_week

Floats = npt.NDArray[np.float64]

_HALF: Final = 25
_NORMAL: Final = 1.4826
# Least and most size of spikes, in local MAD.
_LEAST, _MOST = 10.0, 40.0
_TYPES: Final = ("quote", "trade", "bar", "mark_price")
_LONGEST: Final = 5
_SPIKES: Final = ("return.spike", "quote.outlier", "trade.outlier")
_BESIDE: Final = ("trade.off_quote", "quote.wide", "price.decimal_shift")


def _price(site: Site) -> Floats:
    """The price by which a row is judged, in ticks."""
    frame = site.frame
    price = {
        "quote": lambda: (frame["bid_price"] + frame["ask_price"]).cast(pl.Float64) / 2,
        "trade": lambda: frame["price"].cast(pl.Float64),
        "bar": lambda: frame["close"].cast(pl.Float64),
        "mark_price": lambda: frame["value"].cast(pl.Float64),
    }[site.context.data_type]()
    return np.asarray(price.to_numpy() / site.tick)


def _around(values: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """Median and scaled MAD of the rows on either side, the row left out."""
    offsets = np.concatenate([np.arange(-_HALF, 0), np.arange(1, _HALF + 1)])
    near = values[rows[:, None] + offsets]
    median = np.median(near, axis=1)
    return median, _NORMAL * np.median(np.abs(near - median[:, None]), axis=1)


def _median_move(values: Floats) -> float:
    moves = np.abs(np.diff(values))
    return float(np.median(moves[moves > 0])) if (moves > 0).any() else 0.0


def _spacing(values: Floats) -> int:
    """Of the moves of a price that hardly moves, spikes are a twentieth at most: what is usual must remain so."""
    moves = int((np.diff(values) != 0).sum())
    return max(SPACING, 20 * len(values) // max(moves, 1))


def _spiked(site: Site) -> Broken | None:
    price = _price(site)
    rows = site.places(_spacing(price))
    rows = rows[(rows >= _HALF) & (rows < len(site.frame) - _HALF)]
    if not len(rows):
        return None
    median, mad = _around(price, rows)
    size = site.random.uniform(_LEAST, _MOST, len(rows)) * np.maximum(np.where(mad > 0, mad, _median_move(price)), 1.0)
    sign = site.random.choice([-1, 1], len(rows))
    # Whole ticks, away from the level, and never below half of it.
    target = np.maximum(median + sign * size, median / 2)
    away = np.where(sign > 0, np.ceil(target - price[rows]), np.floor(target - price[rows]))
    return Broken(_moved(site, rows, away.astype(np.int64)), rows)


def _moved(site: Site, rows: Rows, ticks: Rows) -> pl.DataFrame:
    """Move all prices of some rows by whole ticks."""
    by = integers([int(number) * site.tick for number in ticks])
    columns = PRICE_COLUMNS[site.context.data_type]
    return edit(site.frame, rows, {name: site.frame[name].gather(rows) + by for name in columns})


def _moved_for_good(site: Site) -> Broken | None:
    """News: from a row on, the level is 20 to 40 local MAD higher or lower, in turn."""
    rows = site.places(1_000)
    rows = rows[(rows >= _HALF) & (rows < len(site.frame) - _HALF)]
    if not len(rows):
        return None
    _, mad = _around(_price(site), rows)
    steps = np.rint(site.random.uniform(20, 40, len(rows)) * np.maximum(mad, 1.0)).astype(np.int64)
    steps *= np.where(np.arange(len(rows)) % 2, -1, 1)
    level = np.zeros(len(site.frame), np.int64)
    level[rows] = steps
    return Broken(_moved(site, np.arange(len(site.frame)), np.cumsum(level)), rows)


def _decimal_moved(site: Site) -> Broken | None:
    """For one to five rows all prices are 10 or 100 times, or a tenth or hundredth, of what they were."""
    starts = site.places()
    if not len(starts):
        return None
    frame, columns = site.frame, PRICE_COLUMNS[site.context.data_type]
    lengths = site.random.integers(1, _LONGEST + 1, len(starts))
    kind = np.repeat(site.random.integers(0, 4, len(starts)), lengths)
    rows = np.concatenate([np.arange(start, start + length) for start, length in zip(starts, lengths, strict=True)])
    for number, factor in enumerate((10, 100, 10, 100)):
        shifted = {name: pl.col(name) * raw(factor) if number < 2 else pl.col(name) // raw(factor) for name in columns}
        frame = edit(frame, rows[kind == number], shifted)
    return Broken(frame, rows)


def _huge_volume(site: Site) -> Broken | None:
    """Ten to twenty MAD of the logarithm above the median of the hour of the week."""
    column = SIZE_COLUMNS[site.context.data_type][0]
    size = site.frame[column].cast(pl.Float64)
    week = hour_of_week(site.frame["ts_event"], site.context.zone)
    seen = pl.DataFrame({"hour": week, "log": size.log(), "known": size > 0}).filter("known")
    if len(seen) < 10_000:
        return None
    centre = pl.col("log").median()
    usual = seen.group_by("hour").agg(
        centre.alias("median"), (pl.col("log") - centre).abs().median().alias("mad"), pl.len().alias("rows")
    )
    own = week.to_frame("hour").join(usual, on="hour", how="left", maintain_order="left")
    rows = site.places(allowed=(size > 0) & (own["rows"] >= 100) & (own["mad"] > 0))
    if not len(rows):
        return None
    times = site.random.uniform(10, 20, len(rows)) * _NORMAL
    logs = own["median"].gather(rows).to_numpy() + times * own["mad"].gather(rows).to_numpy()
    unit = 10 ** (16 - (site.context.size_precision or 0))
    huge = [int(np.ceil(number / unit)) * unit for number in np.exp(np.minimum(logs, 85.0))]
    return Broken(edit(site.frame, rows, {column: pl.Series(huge, dtype=pl.Int128)}), rows)


DEFECTS: Final = (
    Defect("spike of 10 to 40 local MAD", _TYPES, _SPIKES, _spiked, may_flag=_BESIDE),
    Defect(
        "decimal point moved for 1 to 5 rows",
        _TYPES,
        ("price.decimal_shift",),
        _decimal_moved,
        may_flag=(*_SPIKES, *_BESIDE, "row.precision"),
    ),
    Defect(
        "sound: level moves by 20 to 40 local MAD and stays", _TYPES, (), _moved_for_good, spoils=("trade.off_quote",)
    ),
    Defect("volume of 10 to 20 MAD of its logarithm", ("bar", "trade"), ("volume.spike",), _huge_volume),
)
