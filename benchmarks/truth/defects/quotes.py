"""Quotes that no market can have: crossed, locked, far too wide; and wide ones that it can have."""

from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import Broken, Defect, Site, edit, integers
from quality_app.checks.seasons import hour_of_week

# The limit is 50 times the typical spread; of a few ticks, that may be one more or less once rows are broken.
_TOO_WIDE: Final = 80
_WIDE: Final = 20


def _spread(frame: pl.DataFrame) -> pl.Series:
    return frame["ask_price"] - frame["bid_price"]


def _crossed(site: Site) -> Broken | None:
    """The sides are swapped."""
    rows = site.places(allowed=_spread(site.frame) > 0)
    swapped = {"bid_price": site.frame["ask_price"].gather(rows), "ask_price": site.frame["bid_price"].gather(rows)}
    return Broken(edit(site.frame, rows, swapped), rows) if len(rows) else None


def _locked(site: Site) -> Broken | None:
    rows = site.places(allowed=_spread(site.frame) > 0)
    return Broken(edit(site.frame, rows, {"ask_price": pl.col("bid_price")}), rows) if len(rows) else None


def _widened(site: Site, multiple: int, most: int) -> Broken | None:
    """Spread both sides to so many times the median spread of the hour of the week, in whole ticks."""
    hour = hour_of_week(site.frame["ts_event"], site.context.zone)
    share = _spread(site.frame).cast(pl.Float64) / site.frame["bid_price"].cast(pl.Float64)
    typical = pl.DataFrame({"hour": hour, "share": share}).filter(pl.col("share") > 0)
    usual = typical.group_by("hour").agg(pl.col("share").median())
    whole = float(typical["share"].median() or 0)  # type: ignore[arg-type]
    rows = site.places()
    own = hour.gather(rows).to_frame("hour").join(usual, on="hour", how="left", maintain_order="left")["share"]
    # An hour of few quotes is judged by the week's median.
    share_now = np.maximum(own.fill_null(whole).to_numpy(), whole if multiple >= _TOO_WIDE else 0.0)
    if multiple < _TOO_WIDE:
        share_now = np.minimum(share_now, whole)
    price = site.frame["bid_price"].gather(rows).cast(pl.Float64).to_numpy()
    factor = site.random.uniform(multiple, most, len(rows))
    half = np.floor(np.minimum(share_now * factor, 1.5) / 2 * price / site.tick + 1)
    apart = integers([int(number) * site.tick for number in half])
    bid, ask = (site.frame[name].gather(rows) for name in ("bid_price", "ask_price"))
    wide = {"bid_price": bid - apart, "ask_price": ask + apart}
    return Broken(edit(site.frame, rows, wide), rows) if len(rows) else None


def _too_wide(site: Site) -> Broken | None:
    return _widened(site, _TOO_WIDE, 10 * _TOO_WIDE)


def _wide(site: Site) -> Broken | None:
    return _widened(site, 2, _WIDE)


# Where the spread is wide, a side that goes to the other takes the mid along.
_OFF_LEVEL: Final = ("quote.outlier", "return.spike")
DEFECTS: Final = (
    Defect("sides swapped", ("quote",), ("quote.crossed",), _crossed, may_flag=("price.stale",)),
    Defect("bid equals ask", ("quote",), ("quote.locked",), _locked, may_flag=_OFF_LEVEL),
    Defect("spread of 80 to 800 times the usual", ("quote",), ("quote.wide",), _too_wide, may_flag=("price.positive",)),
    Defect("sound: spread of 2 to 20 times the usual", ("quote",), (), _wide),
)
