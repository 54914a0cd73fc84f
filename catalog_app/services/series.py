"""A dataset as a chart: bounded to about 2,000 points, built by buckets that keep every extreme.

Prices become floats here, at the display edge, and nowhere before.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.services.preview import read, readable_files
from catalog_app.store import reader, schema
from catalog_app.store.bar_type import parse_bar_type

POINTS = 2000
# A chart is drawn while somebody waits: it reads no more rows than this.
ROW_LIMIT = 5_000_000
_MS, _SECOND, _MINUTE, _HOUR, _DAY = 10**6, 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
# Widths that people read at a glance.
_WIDTHS = (
    *(10**power * step for power in range(9) for step in (1, 2, 5)),
    *(_SECOND * step for step in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * step for step in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * step for step in (1, 2, 4, 6, 12)),
    *(_DAY * step for step in (1, 2, 7, 14, 30, 90, 365)),
)
_TITLES = {"bar": "Bars", "quote": "Quotes", "trade": "Trades"}


@dataclass(frozen=True, slots=True)
class Series:
    """A figure and what it stands for.

    `start_ns` and `end_ns` are what was drawn; `cut` says that the asked range held too many rows and
    only its later part is shown. `bucket_ns` is 0 when every point is one row.
    """

    figure: go.Figure
    start_ns: int
    end_ns: int
    rows: int
    bucket_ns: int
    cut: bool


def can_draw(dataset: Dataset) -> bool:
    """Whether there is a chart for this data type."""
    return dataset.data_type in schema.CANONICAL


def build_series(dataset: Dataset, start_ns: int | None = None, end_ns: int | None = None) -> Series | None:
    """Draw the rows between two times (ts_init, ns UTC, inclusive); None when there are none.

    Raises:
        StoreError: when a file cannot be read.

    """
    files = readable_files(dataset)
    if not files or not can_draw(dataset):
        return None
    first = min(file.start_ns or 0 for file in files)
    last = max(file.end_ns or 0 for file in files)
    start = first if start_ns is None else max(start_ns, first)
    end = last if end_ns is None else min(end_ns, last)
    if start > end:
        return None
    within, limited = bounded_start(files, start, end)
    width = bucket_width(end - limited, _interval_ns(dataset))
    frame = _buckets(dataset, within, limited, end, width)
    if frame.is_empty():
        return None
    # Buckets of one row each are the rows themselves, at their own time.
    bucket_ns = width if int(frame["rows"].max()) > 1 else 0  # type: ignore[arg-type]
    figure = _figure(dataset, frame, bucket_ns)
    return Series(figure, limited, end, int(frame["rows"].sum()), bucket_ns, limited > start)


def bounded_start(files: list[DataFile], start: int, end: int) -> tuple[list[DataFile], int]:
    """The files that meet [start, end] and a start late enough that they hold at most about ROW_LIMIT rows there.

    Rows are taken as evenly spread over a file's range: an estimate, good enough to bound the wait.
    """
    left, chosen = ROW_LIMIT, []
    for file in sorted(files, key=lambda f: f.end_ns or 0, reverse=True):
        first, last = max(file.start_ns or 0, start), min(file.end_ns or 0, end)
        if first > last:
            continue
        chosen.append(file)
        span = max((file.end_ns or 0) - (file.start_ns or 0), 1)
        rows = (file.rows or 0) * max(last - first, 1) // span
        if rows > left:
            return chosen, last - (last - first) * left // rows
        left -= rows
    return chosen, start


def bucket_width(span_ns: int, interval_ns: int | None) -> int:
    """The smallest readable width that cuts a span into at most POINTS buckets; for bars a multiple of their length."""
    least = max(-(-span_ns // (POINTS - 1)), 1)
    if interval_ns is None:
        return next((width for width in _WIDTHS if width >= least), -(-least // _DAY) * _DAY)
    fitting = (width for width in _WIDTHS if width >= least and width % interval_ns == 0)
    return next(fitting, -(-least // interval_ns) * interval_ns)


def to_iso(ns: int) -> str:
    """UTC text to the microsecond, as the chart's axis reads it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)).isoformat(
        sep=" ", timespec="microseconds"
    )[:-6]


def width_text(width_ns: int) -> str:
    """A bucket's width in words: `15 minutes`."""
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE), ("second", _SECOND), ("ms", _MS)):
        if width_ns >= length and width_ns % length == 0:
            number = width_ns // length
            return f"{number} {unit}{'s' if number > 1 and unit != 'ms' else ''}"
    return f"{width_ns:,} ns"


def _interval_ns(dataset: Dataset) -> int | None:
    if not dataset.bar_type:
        return None
    try:
        return parse_bar_type(dataset.bar_type).interval_ns
    except ValueError:
        return None


def _buckets(dataset: Dataset, files: list[DataFile], start: int, end: int, width: int) -> pl.DataFrame:
    """One row per bucket that holds rows: `at` (ns; the only row's own time, else the bucket's closing edge), `rows`.

    A bar belongs to the bucket that its close falls in or ends, so that buckets are (left, right].
    """
    paths = [file.path for file in files]
    rows = reader.scan(Path(dataset.store.root), paths, dataset.data_type, start_ns=start, end_ns=end)
    bucket = (pl.col("ts_init") - 1) // width
    grouped = rows.group_by(bucket.alias("bucket")).agg(
        *_aggregates(dataset.data_type), rows=pl.len(), last=pl.col("ts_init").max()
    )
    frame = read(grouped.sort("bucket"), dataset.path)
    at = pl.when(pl.col("rows") == 1).then("last").otherwise((pl.col("bucket") + 1) * width)
    raw = [name for name, dtype in frame.schema.items() if dtype == pl.Int128]
    digits = max(dataset.price_precision or 0, dataset.size_precision or 0, 9)
    return frame.with_columns(at.alias("at"), *(_as_float(pl.col(name), digits) for name in raw))


def _as_float(raw: pl.Expr, digits: int) -> pl.Expr:
    """The double nearest to a raw value; whole units of its last digit fit a double, raw integers may not."""
    unit = pl.lit(10 ** (schema.SCALE_DIGITS - digits), dtype=pl.Int128)
    return (raw // unit).cast(pl.Float64) / pl.lit(10.0**digits)


def _aggregates(data_type: str) -> list[pl.Expr]:
    time = pl.col("ts_init")
    if data_type == "bar":
        return [
            pl.col("open").min_by(time),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").max_by(time),
            pl.col("volume").sum(),
        ]
    if data_type == "trade":
        price = pl.col("price")
        return [
            price.min_by(time).alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.max_by(time).alias("close"),
            pl.col("size").sum().alias("volume"),
        ]
    bid, ask = pl.col("bid_price"), pl.col("ask_price")
    return [
        bid.max_by(time).alias("bid"),
        ask.max_by(time).alias("ask"),
        bid.min().alias("bid_low"),
        bid.max().alias("bid_high"),
        ask.min().alias("ask_low"),
        ask.max().alias("ask_high"),
    ]


def _figure(dataset: Dataset, frame: pl.DataFrame, bucket_ns: int) -> go.Figure:
    with_volume = dataset.data_type != "quote" and bool((frame["volume"].fill_null(0) > 0).any())
    if dataset.data_type == "quote":
        traces = _quote_traces(frame, bucket_ns)
    elif dataset.data_type == "trade" and not bucket_ns:
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
    limit = max(20 * usual, 5 * bucket_ns, _SECOND)
    return (steps > limit).arg_true().to_list()


def _times(ns: pl.Series) -> list[str]:
    return ns.cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S.%6f").to_list()


def _title(dataset: Dataset, frame: pl.DataFrame, bucket_ns: int) -> str:
    rows = f"{int(frame['rows'].sum()):,} rows".replace(",", "\u202f")
    shape = "candle" if dataset.data_type != "quote" else "point"
    name = _TITLES[dataset.data_type]
    if not bucket_ns:
        return f"{name}: each {shape if dataset.data_type == 'bar' else 'point'} is one row, {rows}"
    most = f"{int(frame['rows'].max()):,}".replace(",", "\u202f")  # type: ignore[arg-type]
    return f"{name}: each {shape} covers {width_text(bucket_ns)}, up to {most} rows; {rows} in all"


def _tick_format(dataset: Dataset) -> str:
    return f".{dataset.price_precision}f" if dataset.price_precision is not None else ""
