"""The band from the lowest to the highest value of each part of a chart's time."""

from collections.abc import Iterable
from itertools import pairwise

import plotly.graph_objects as go

from catalog_app.services.series_buckets import to_iso

# Start and end of a part (ns), its lowest and highest value.
Part = tuple[int, int, float, float]


def band_trace(parts: Iterable[Part], name: str, colour: str) -> go.Scatter:
    """An area over exactly the parts that hold rows, in order of time; between parts that do not touch it is empty.

    One closed outline for each row of touching parts: an area between two lines would be filled straight across.
    """
    x: list[str | None] = []
    y: list[float | None] = []
    for run in _touching(list(parts)):
        (first, _, lowest, _), (_, last, _, highest) = run[0], run[-1]
        outline = [(start, high) for start, _, _, high in run] + [(last, highest)]
        outline += [(end, low) for _, end, low, _ in reversed(run)] + [(first, lowest)]
        x += [*(to_iso(at) for at, _ in outline), None]
        y += [*(value for _, value in outline), None]
    return go.Scatter(
        x=x, y=y, name=name, mode="lines", meta=f"{colour}-band", fill="toself", line={"shape": "hv"}, connectgaps=False
    )


def _touching(parts: list[Part]) -> list[list[Part]]:
    if not parts:
        return []
    runs = [[parts[0]]]
    for before, part in pairwise(parts):
        if part[0] == before[1]:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs
