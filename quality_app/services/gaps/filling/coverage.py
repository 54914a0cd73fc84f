"""How much of some gaps a dataset could fill, from its ts_init alone: quick enough for a page, or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.store import reader
from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from quality_app.gaps.building import closes_of
from quality_app.models import Gap
from quality_app.services.context import calendar_of, data_files
from quality_app.services.gaps.filling.sources import Recipe
from quality_app.services.gaps.filling.spans import Span
from quality_app.sessions import sessions

# More rows than this are not looked at for a page; the preview counts them.
MOST_ROWS = 20_000_000
MOST_SPANS = 100
_MINUTE = 60 * 10**9
_MOST_MINUTES = 100_000


@dataclass(frozen=True, slots=True)
class Coverage:
    """Rows, or bars that could be built, within the gaps; `share` of what is missing, None where it is unknown.

    `rows` is None where counting would take too long for a page.
    """

    rows: int | None
    share: Fraction | None = None


def measure(target: Dataset, source: Dataset, spans: Sequence[Span], recipe: Recipe | None) -> Coverage:
    """Count what a source has in the spans; UnreadableFile where a file of it is damaged."""
    back = recipe.interval_ns if recipe else 0
    files = [file for file in data_files(source) if file.state == IndexState.OK and _reaches(file, spans, back)]
    if not files:
        return Coverage(0, Fraction(0))
    if sum(file.rows or 0 for file in files) > MOST_ROWS or len(spans) > MOST_SPANS:
        return Coverage(None)
    times = _times(
        source, files, [(span.first_ns - back + 1 if back else span.first_ns, span.last_ns) for span in spans]
    )
    if recipe:
        times = closes_of(times, recipe.interval_ns, recipe.grid_ns)
    found = np.sort(times.to_numpy())
    counts = [_between(found, span.first_ns, span.last_ns) for span in spans]
    return Coverage(sum(counts), _share(target, found, counts, spans))


def _reaches(file: DataFile, spans: Sequence[Span], back: int) -> bool:
    if file.start_ns is None or file.end_ns is None:
        return False
    return any(file.start_ns <= span.last_ns and file.end_ns > span.first_ns - back - 1 for span in spans)


def _times(source: Dataset, files: Sequence[DataFile], windows: Sequence[tuple[int, int]]) -> pl.Series:
    root = StoreRoot.at(source.store.root)
    try:
        frame = reader.scan(root, [file.path for file in files], source.data_type, windows=windows)
        return frame.select("ts_init").collect(engine="streaming")["ts_init"]
    except reader.ROW_ERRORS as error:
        raise UnreadableFile(files[0].path, f"its rows cannot be read ({error})") from error


def _between(times: np.ndarray, low: int, high: int) -> int:
    first, last = np.searchsorted(times, [low, high + 1])
    return int(last - first)


def _share(target: Dataset, times: np.ndarray, counts: Sequence[int], spans: Sequence[Span]) -> Fraction | None:
    if spans[0].unit == Gap.Unit.SECONDS:
        return _minutes(target, times, spans)
    missing = sum(span.missing for span in spans)
    had = sum(min(count, span.missing) for count, span in zip(counts, spans, strict=True))
    return Fraction(had, missing) if missing else None


def _minutes(target: Dataset, times: np.ndarray, spans: Sequence[Span]) -> Fraction | None:
    """Of the gaps' minutes within trading hours, those with a row: ticks come when they come."""
    calendar = calendar_of(target)
    expected = had = 0
    for span in spans:
        hours = [(span.first_ns, span.last_ns)]
        if not calendar.learned:
            frame = sessions(calendar, span.first_ns, span.last_ns).select("open_ns", "close_ns")
            hours = [(max(a, span.first_ns), min(b, span.last_ns)) for a, b in frame.iter_rows() if b > span.first_ns]
        for low, high in hours:
            if low >= high or low > span.last_ns:
                continue
            expected += -(-(high - low) // _MINUTE)
            inside = times[slice(*np.searchsorted(times, [low, high]))]
            had += len(np.unique((inside - low) // _MINUTE))
        if expected > _MOST_MINUTES:
            return None
    return Fraction(had, expected) if expected else None
