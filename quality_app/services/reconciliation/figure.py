"""The chart of a pair's differences: over each part of the range the lowest, the mean and the highest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from catalog_app.durations import duration_text
from catalog_app.services.series_band import band_trace
from catalog_app.services.series_buckets import to_iso, width_text
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
    parts = [
        (after + bucket * width, low * scale, mean * scale, high * scale)
        for bucket, low, mean, high in zip(*columns, strict=True)
        if (start_ns is None or after + (bucket + 1) * width > start_ns)
        and (end_ns is None or after + bucket * width < end_ns)
    ]
    if not parts:
        return None
    band = [(start, start + width, low, high) for start, low, _, high in parts]
    traces = [band_trace(band, "Lowest to highest", "accent"), _mean_line(parts, width)]
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


def _mean_line(parts: Sequence[tuple[int, float, float, float]], width: int) -> go.Scatter:
    """The means in the middle of the parts, interrupted where nothing matched for some parts on end."""
    x: list[str | None] = []
    y: list[float | None] = []
    before = parts[0][0]
    for start, _, mean, _ in parts:
        if start - before > _LONGEST_BREAK * width:
            x.append(None)
            y.append(None)
        x.append(to_iso(start + width // 2))
        y.append(mean)
        before = start
    return go.Scatter(x=x, y=y, name="Mean", mode="lines", meta="accent", connectgaps=False)


def _per(width_ns: int) -> str:
    """A width of parts in words: in its two largest units where it is no round one."""
    return duration_text(width_ns / 10**9) if width_ns >= 10**10 else width_text(width_ns)
