"""A dataset as a chart: bounded to about 2,000 points, built by buckets that keep every extreme."""

from dataclasses import dataclass

import plotly.graph_objects as go

from catalog_app.models import DataFile, Dataset
from catalog_app.services.preview import readable_files
from catalog_app.services.series_buckets import DRAWN, bucket_width, buckets, interval_ns
from catalog_app.services.series_figure import figure

# A chart is drawn while somebody waits: it reads no more rows than this.
ROW_LIMIT = 5_000_000
# A depth is twenty levels, of which a chart shows two.
DEPTH_LIMIT = 500_000
# Why the others have no chart, in the words of the page.
_NO_CHART = {
    "delta": "Book deltas are changes of single orders or levels, not prices over time. Their rows are below; quotes, "
    "trades or depths of the same instrument have a chart.",
    "status": "Trading status is a series of events. Its rows are below.",
    "greeks": "Option greeks are many figures at once. Their rows are below.",
    "custom": "The desk does not know what the columns of custom data mean. Its rows are below, as they are.",
}


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
    return dataset.data_type in DRAWN


def no_chart_reason(dataset: Dataset) -> str:
    """Why a dataset has no chart."""
    if dataset.data_type in _NO_CHART:
        return _NO_CHART[dataset.data_type]
    return "No rows could be read."


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
    limit = DEPTH_LIMIT if dataset.data_type == "depth10" else ROW_LIMIT
    within, limited = bounded_start(files, start, end, limit)
    width = bucket_width(end - limited, interval_ns(dataset))
    frame = buckets(dataset, within, limited, end, width)
    if frame.is_empty():
        return None
    # Buckets of one row each are the rows themselves, at their own time.
    bucket_ns = width if int(frame["rows"].max()) > 1 else 0  # type: ignore[arg-type]
    return Series(figure(dataset, frame, bucket_ns), limited, end, int(frame["rows"].sum()), bucket_ns, limited > start)


def bounded_start(files: list[DataFile], start: int, end: int, limit: int) -> tuple[list[DataFile], int]:
    """The files that meet [start, end] and a start late enough that they hold at most about `limit` rows there.

    Rows are taken as evenly spread over a file's range: an estimate, good enough to bound the wait.
    """
    left, chosen = limit, []
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
