"""Repeated rows, values finer than they can be, prices and sizes of nothing."""

from typing import Final

import polars as pl

from benchmarks.truth.injection import Broken, Defect, Site, edit, insert, raw
from catalog_app.store.schema import PRICE_COLUMNS, SCALE_DIGITS, SIZE_COLUMNS

_ROWS_WITH_IDENTITY: Final = ("quote", "trade", "bar")
# What a price of nothing looks like to the checks of neighbouring prices.
_OFF_LEVEL: Final = ("return.spike", "quote.outlier", "trade.outlier", "price.decimal_shift", "quote.wide")


def _repeated(site: Site) -> Broken | None:
    rows = site.places()
    if not len(rows):
        return None
    copies = site.frame[rows]
    if site.context.data_type == "bar":
        # The vendor's second version of a bar has another volume.
        copies = copies.with_columns(
            pl.when(pl.int_range(pl.len()) % 2 == 0).then(0).otherwise("volume").alias("volume")
        )
    frame, repeated = insert(site.frame, rows, copies)
    return Broken(frame, repeated)


def _finer_price(site: Site) -> Broken | None:
    """Half an increment more, on the outer side, so that nothing else becomes wrong."""
    columns = PRICE_COLUMNS[site.context.data_type]
    step = site.context.price_increment or 10 ** (SCALE_DIGITS - (site.context.price_precision or 0))
    outer = {"quote": "ask_price", "bar": "high"}.get(site.context.data_type, columns[0] if columns else "")
    return _more(site, outer, step // 2) if columns and step > 1 else None


def _finer_size(site: Site) -> Broken | None:
    columns, precision = SIZE_COLUMNS[site.context.data_type], site.context.size_precision
    if not columns or precision is None or precision >= SCALE_DIGITS:
        return None
    return _more(site, columns[0], 10 ** (SCALE_DIGITS - precision - 1))


def _more(site: Site, column: str, by: int) -> Broken | None:
    rows = site.places(allowed=site.frame[column].is_not_null() & (site.frame[column] > 0))
    return Broken(edit(site.frame, rows, {column: pl.col(column) + raw(by)}), rows) if len(rows) else None


def _no_price(site: Site) -> Broken | None:
    """All prices of a row are 0, or below it; of quotes, the bid is missing."""
    rows, columns = site.places(), PRICE_COLUMNS[site.context.data_type]
    if not len(rows):
        return None
    negative = {name: raw(-1) * pl.col(name) for name in columns}
    if site.context.data_type == "quote":
        negative = {"bid_price": raw(0)}
    if site.context.data_type == "bar":
        negative |= {"high": raw(-1) * pl.col("low"), "low": raw(-1) * pl.col("high")}
    frame = edit(site.frame, rows[::2], dict.fromkeys(columns, raw(0)))
    return Broken(edit(frame, rows[1::2], negative), rows)


def _no_size(site: Site) -> Broken | None:
    rows = site.places()
    nothing = dict.fromkeys(SIZE_COLUMNS[site.context.data_type], raw(0))
    return Broken(edit(site.frame, rows, nothing), rows) if len(rows) else None


_PRICED: Final = tuple(name for name, columns in PRICE_COLUMNS.items() if columns and name != "delta")
_BOOK: Final = ("book.crossed", "book.unknown_order")
_SIZED: Final = tuple(name for name, columns in SIZE_COLUMNS.items() if columns)
DEFECTS: Final = (
    Defect(
        "row twice",
        _ROWS_WITH_IDENTITY,
        ("row.duplicate",),
        _repeated,
        may_flag=("bar.zero_volume",),
    ),
    Defect("price between increments", _PRICED, ("row.precision",), _finer_price),
    # The level that comes is not the one that leaves again then.
    Defect("delta's price between increments", ("delta",), ("row.precision",), _finer_price, spoils=_BOOK),
    Defect("size of too many decimals", _SIZED, ("row.precision",), _finer_size),
    Defect(
        "price of nothing",
        _PRICED,
        ("price.positive",),
        _no_price,
        may_flag=(*_OFF_LEVEL, "quote.locked", "trade.off_quote"),
    ),
    Defect("size of nothing", ("quote", "trade"), ("size.positive",), _no_size),
)
