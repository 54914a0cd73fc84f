"""The chart of a pair's differences: over each part of the range the lowest, the mean and the highest."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from catalog_app.durations import duration_text
from catalog_app.services.series import to_iso
from catalog_app.services.series_buckets import width_text
from quality_app.models import ReconciliationRun

# Parts without matched rows before a line is interrupted.
_LONGEST_BREAK = 5


def difference_figure(
    run: ReconciliationRun, number: int, start_ns: int | None, end_ns: int | None
) -> go.Figure | None:
    """Return the figure of a pair between two times (ns UTC); None where nothing matched there."""
    series, scale = run.series[number], run.measures["ticksPerGrain"]
    after, width = drawn_parts(run, number)
    columns = [series[name] for name in ("bucket", "low", "mean", "high")]
    points = [(after + bucket * width + width // 2, *values) for bucket, *values in zip(*columns, strict=True)]
    points = [p for p in points if (start_ns is None or p[0] >= start_ns) and (end_ns is None or p[0] <= end_ns)]
    if not points:
        return None
    at: list[str] = []
    lines: list[list[float | None]] = [[], [], []]
    before = points[0][0]
    for time, *values in points:
        if time - before > _LONGEST_BREAK * width:
            at.append(to_iso(before + width))
            _append(lines, [None] * 3)
        at.append(to_iso(time))
        _append(lines, [value * scale for value in values])
        before = time
    names = (("Lowest", "accent-edge", None), ("Highest", "accent-band", "tonexty"), ("Mean", "accent", None))
    low, mean, high = lines
    traces = [
        go.Scatter(x=at, y=y, name=name, mode="lines", meta=meta, fill=fill, connectgaps=False)
        for (name, meta, fill), y in zip(names, (low, high, mean), strict=True)
    ]
    layout: dict[str, Any] = {
        "title": {"text": f"Difference in ticks: lowest, mean and highest of each {_per(width)}"},
        "xaxis": {"type": "date"},
        "yaxis": {"side": "right", "title": {"text": "ticks"}},
    }
    return go.Figure(data=traces, layout=layout)


def drawn_parts(run: ReconciliationRun, number: int) -> tuple[int, int]:
    """Return where the parts of a pair's chart begin (after this time), and the length of each, ns."""
    after, until = (int(edge) for edge in run.pairs[number]["drawn"])
    return after, max(-(-(until - after) // run.measures["buckets"]), 1)


def _append(lines: list[list[float | None]], values: list[Any]) -> None:
    for line, value in zip(lines, values, strict=True):
        line.append(value)


def _per(width_ns: int) -> str:
    """A width of parts in words: in its two largest units where it is no round one."""
    return duration_text(width_ns / 10**9) if width_ns >= 10**10 else width_text(width_ns)
