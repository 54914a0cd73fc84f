"""How rows in buckets are drawn: candles, lines with bands, steps."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from catalog_app.models import Dataset
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
    traces = []
    for side, colour in (("bid", "down"), ("ask", "up")):
        if bucket_ns:
            low = _line(frame, f"{side}_low", f"Lowest {side}", f"{colour}-edge", breaks)
            high = _line(frame, f"{side}_high", f"Highest {side}", f"{colour}-band", breaks)
            traces += [low, high.update(fill="tonexty")]
        traces.append(_line(frame, side, side.capitalize(), colour, breaks))
    mid = frame.select(mid=(pl.col("bid") + pl.col("ask")) / 2, at="at", rows="rows")
    return [*traces, _line(mid, "mid", "Mid", "accent", breaks).update(visible="legendonly")]


def _value_traces(frame: pl.DataFrame, bucket_ns: int, data_type: str) -> list[go.Scatter]:
    """One value; over buckets of many rows with the band from its lowest to its highest."""
    breaks, name = _breaks(frame, bucket_ns), _VALUES[data_type]
    traces = []
    if bucket_ns:
        low = _line(frame, "value_low", f"Lowest {name.lower()}", "accent-edge", breaks)
        high = _line(frame, "value_high", f"Highest {name.lower()}", "accent-band", breaks)
        traces = [low, high.update(fill="tonexty")]
    line = _line(frame, "value", name, "accent", breaks)
    if data_type != "funding_rate":
        line.update(line={"shape": "linear"})
    return [*traces, line]


def _line(frame: pl.DataFrame, column: str, name: str, colour: str, breaks: list[int]) -> go.Scatter:
    """A line that is interrupted before each of the positions in `breaks`; a quote holds until the next one."""
    x: list[str | None] = list(_times(frame["at"]))
    y: list[float | None] = frame[column].to_list()
    for position in reversed(breaks):
        x.insert(position, x[position])
        y.insert(position, None)
    mode = "lines+markers" if frame.height <= 200 else "lines"
    shape = {"shape": "linear" if column == "close" else "hv"}
    return go.Scatter(x=x, y=y, name=name, mode=mode, meta=colour, connectgaps=False, line=shape)


def _breaks(frame: pl.DataFrame, bucket_ns: int) -> list[int]:
    """Positions before which nothing was recorded for much longer than usual: no line goes across."""
    if frame.height < 3:
        return []
    steps = frame["at"].diff()
    usual = int(steps.median() or 0)  # type: ignore[arg-type]
    limit = max(20 * usual, 5 * bucket_ns, SECOND)
    return (steps > limit).arg_true().to_list()


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
