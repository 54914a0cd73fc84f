"""What a sample of a dataset teaches, learned once and kept while the dataset is about the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Final

import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.store import reader
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from quality_app.checks.check import CheckContext
from quality_app.checks.learning import learn_profile, profile_from_json, profile_to_json
from quality_app.checks.profile import Profile
from quality_app.models import DatasetProfile
from quality_app.services.context import require_unchanged

# Of what is learned, and how: another one is learned anew.
LEARNING_VERSION: Final = 1
# Rows of a sample, and the windows of time that they come from. Datasets of fewer rows are taken whole.
SAMPLE_ROWS: Final = 524_288
MOST_WINDOWS: Final = 128
# A window costs the row groups that it touches: about a quarter of the dataset is read at most.
GROUPS_PER_WINDOW: Final = 4
LEAST_WINDOWS: Final = 8


def profile_of(dataset: Dataset, files: list[DataFile], context: CheckContext) -> Profile | None:
    """Return what was learned of a dataset, learning it when its rows changed by more than a tenth since.

    None where no row can be read: checks that need a profile do not run then.
    """
    rows = sum(file.rows or 0 for file in files)
    if not rows:
        return None
    basis = _basis(context)
    kept = DatasetProfile.objects.filter(dataset=dataset).first()
    if kept is not None and kept.basis == basis and 10 * abs(rows - kept.rows) <= kept.rows:
        return profile_from_json(kept.content)
    sample = _sample(dataset, files, rows)
    if sample.is_empty():
        return None
    profile = learn_profile(sample, replace(context, profile=None))
    defaults = {"basis": basis, "rows": rows, "content": profile_to_json(profile)}
    DatasetProfile.objects.update_or_create(dataset=dataset, defaults=defaults)
    return profile


def sample_windows(start_ns: int, end_ns: int, rows: int, row_groups: int) -> list[tuple[int, int]]:
    """Return windows of time, spread evenly and at varying hours, that hold about SAMPLE_ROWS rows; [] means all.

    Inclusive bounds in ns. The same dataset gives the same windows.
    """
    if rows <= SAMPLE_ROWS:
        return []
    number = min(max(row_groups // GROUPS_PER_WINDOW, LEAST_WINDOWS), MOST_WINDOWS)
    step = (end_ns - start_ns) // number
    length = step * SAMPLE_ROWS // rows
    if length < 1 or length >= step:
        return []
    golden = 0.6180339887498949  # fractions i * golden mod 1 are spread evenly for every number of windows
    starts = [start_ns + i * step + int((i * golden % 1) * (step - length)) for i in range(number)]
    return [(start, start + length) for start in starts]


def _sample(dataset: Dataset, files: list[DataFile], rows: int) -> pl.DataFrame:
    starts = [file.start_ns for file in files if file.start_ns is not None]
    ends = [file.end_ns for file in files if file.end_ns is not None]
    groups = sum(file.row_groups or 1 for file in files)
    windows = sample_windows(min(starts), max(ends), rows, groups) if starts and ends else []
    touched = [file for file in files if not windows or _touches(file, windows)]
    root = StoreRoot.at(dataset.store.root)
    for file in touched:
        require_unchanged(root, file)
    try:
        return _read(root, touched, dataset.data_type, windows)
    except (StoreError, *reader.ROW_ERRORS):  # the checks tell which file is broken; the others teach
        return pl.concat([_sound(root, file, dataset.data_type, windows) for file in touched])


def _read(root: StoreRoot, files: list[DataFile], data_type: str, windows: list[tuple[int, int]]) -> pl.DataFrame:
    frame = reader.scan(root, [file.path for file in files], data_type, positions=True, windows=windows)
    return frame.head(4 * SAMPLE_ROWS).collect(engine="streaming")


def _sound(root: StoreRoot, file: DataFile, data_type: str, windows: list[tuple[int, int]]) -> pl.DataFrame:
    try:
        return _read(root, [file], data_type, windows)
    except (StoreError, *reader.ROW_ERRORS):
        return _read(root, [], data_type, windows)


def _touches(file: DataFile, windows: list[tuple[int, int]]) -> bool:
    if file.start_ns is None or file.end_ns is None:
        return True
    return any(start <= file.end_ns and file.start_ns <= end for start, end in windows)


def _basis(context: CheckContext) -> str:
    hours = [context.calendar, context.hours]
    known = [LEARNING_VERSION, *hours, context.price_precision, context.price_increment, context.interval_ns]
    return hashlib.sha256(json.dumps([*known, context.sessions is not None]).encode()).hexdigest()
