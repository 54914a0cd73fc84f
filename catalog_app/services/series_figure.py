"""How rows in buckets are drawn: candles, lines with bands, steps."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from catalog_app.models import Dataset
from catalog_app.services.series_band import band_trace
from catalog_app.services.series_buckets import SECOND, width_text

_TITLES = {
    "bar": "Bars",
    "quote": "Quotes",
    "trade": "Trades",
    "depth10": "Best bid and ask of the book",
    "mark_price": "Mark price",
    "index_price": "Index price",
    "funding_rate": "Funding rate",
    "close": "Closing price",
}
# Data types of one value: the name of its line. It holds until the next row, unless it is a price of a close.
_VALUES = {
    "mark_price": "Mark price",
    "index_price": "Index price",
    "funding_rate": "Funding rate",
    "close": "Close",
}
_TWO_SIDED = ("quote", "depth10")


def figure(dataset: Dataset, frame: pl.DataFrame, bucket_ns: int) -> go.Figure:
    """The figure of buckets (`series_buckets.buckets`); `bucket_ns` is 0 where each is one row."""
    data_type = dataset.data_type
    with_volume = "volume" in frame.columns and bool((frame["volume"].fill_null(0) > 0).any())
    if data_type in _TWO_SIDED:
        traces = _quote_traces(frame, bucket_ns)
    elif data_type in _VALUES:
        traces = _value_traces(frame, bucket_ns, data_type)
    elif data_type == "trade" and not bucket_ns:
        traces = [_line(frame, "close", "Price", "accent", _breaks(frame, bucket_ns))]
    else:
        traces = [_candles(frame)]
    if with_volume:
        traces.append(
            go.Bar(x=_times(frame["at"]), y=frame["volume"].to_list(), name="Volume", yaxis="y2", meta="muted")
        )
    layout: dict[str, Any] = {
        "title": {"text": _title(dataset, frame, bucket_ns)},
        "xaxis": {"type": "date", "rangeslider": {"visible": False}, "anchor": "y2" if with_volume else "y"},
        "yaxis": {"side": "right", "domain": [0.24, 1] if with_volume else [0, 1], "tickformat": _tick_format(dataset)},
        "template": None,
    }
    if with_volume:
        layout["yaxis2"] = {"side": "right", "domain": [0, 0.18], "anchor": "x", "nticks": 3}
    return go.Figure(data=traces, layout=layout)


def _candles(frame: pl.DataFrame) -> go.Candlestick:
    prices = {name: frame[name].to_list() for name in ("open", "high", "low", "close")}
    return go.Candlestick(x=_times(frame["at"]), name="Price", meta="candles", **prices)


def _quote_traces(frame: pl.DataFrame, bucket_ns: int) -> list[go.Scatter]:
    """Bid and ask; over buckets of many rows with the band from the lowest to the highest of each."""
    breaks = _breaks(frame, bucket_ns)
    holds = _usual_step(frame) > bucket_ns  # few rows: a quote holds until the next one
    traces = []
    for side, colour in (("bid", "down"), ("ask", "up")):
        if bucket_ns:
            traces.append(_band(frame, side, f"{side.capitalize()}, lowest to highest", colour, bucket_ns))
        traces.append(_line(frame, side, side.capitalize(), colour, breaks, holds=holds))
    mid = frame.select(mid=(pl.col("bid") + pl.col("ask")) / 2, at="at", rows="rows")
    line = _line(mid, "mid", "Mid", "accent", breaks, holds=holds)
    return [*traces, line.update(visible="legendonly")]


def _value_traces(frame: pl.DataFrame, bucket_ns: int, data_type: str) -> list[go.Scatter]:
    """One value; over buckets of many rows with the band from its lowest to its highest."""
    breaks, name = _breaks(frame, bucket_ns), _VALUES[data_type]
    traces = []
    if bucket_ns:
        traces = [_band(frame, "value", f"{name}, lowest to highest", "accent", bucket_ns)]
    holds = data_type == "funding_rate" and not bucket_ns
    return [*traces, _line(frame, "value", name, "accent", breaks, holds=holds)]


def _band(frame: pl.DataFrame, column: str, name: str, colour: str, bucket_ns: int) -> go.Scatter:
    start = pl.col("bucket") * bucket_ns
    parts = frame.select(start=start, end=start + bucket_ns, low=f"{column}_low", high=f"{column}_high")
    return band_trace(parts.drop_nulls().iter_rows(), name, colour)


def _line(
    frame: pl.DataFrame, column: str, name: str, colour: str, breaks: list[int], *, holds: bool = False
) -> go.Scatter:
    """A line that is interrupted before each of the positions in `breaks`; a value that `holds` makes steps."""
    x: list[str | None] = list(_times(frame["at"]))
    y: list[float | None] = frame[column].to_list()
    for position in reversed(breaks):
        x.insert(position, x[position])
        y.insert(position, None)
    mode = "lines+markers" if frame.height <= 200 else "lines"
    shape = {"shape": "hv" if holds else "linear"}
    return go.Scatter(x=x, y=y, name=name, mode=mode, meta=colour, connectgaps=False, line=shape)


def _breaks(frame: pl.DataFrame, bucket_ns: int) -> list[int]:
    """Positions before which nothing was recorded for much longer than usual, or for some buckets on end."""
    if frame.height < 3:
        return []
    steps = frame["at"].diff()
    usual = _usual_step(frame)
    limit = max(20 * usual, SECOND) if usual > bucket_ns else 3 * bucket_ns
    return (steps > limit).arg_true().to_list()


def _usual_step(frame: pl.DataFrame) -> int:
    return int(frame["at"].diff().median() or 0)  # type: ignore[arg-type]


def _times(ns: pl.Series) -> list[str]:
    return ns.cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S.%6f").to_list()


def _title(dataset: Dataset, frame: pl.DataFrame, bucket_ns: int) -> str:
    rows = f"{int(frame['rows'].sum()):,} rows".replace(",", "\u202f")
    shape = "candle" if dataset.data_type in {"bar", "trade"} else "point"
    name = _TITLES[dataset.data_type]
    if not bucket_ns:
        return f"{name}: each {shape if dataset.data_type == 'bar' else 'point'} is one row, {rows}"
    most = f"{int(frame['rows'].max()):,}".replace(",", "\u202f")  # type: ignore[arg-type]
    return f"{name}: each {shape} covers {width_text(bucket_ns)}, up to {most} rows; {rows} in all"


def _tick_format(dataset: Dataset) -> str:
    if dataset.data_type == "funding_rate":
        return ".4%"
    return f".{dataset.price_precision}f" if dataset.price_precision is not None else ""
