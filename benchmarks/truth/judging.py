"""Runs the checks over broken data and counts what they found, missed and flagged wrongly."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from benchmarks.truth.injection import ORIGIN, Broken, Defect, Rows, Site
from benchmarks.truth.materials import Material, with_positions
from quality_app.checks.check import CheckContext
from quality_app.checks.run import run_checks

# More than any frame has.
_ALL: Final = 2**62

Flags = Mapping[str, Rows]
# They judge by what is usual; all others by rules that leave no doubt.
OUTLIERS: Final = frozenset({"quote.outlier", "trade.outlier", "return.spike"})


@dataclass(slots=True)
class Tally:
    """Rows of one check in one kind of defect, added up over materials and seeds."""

    found: int = 0
    missed: int = 0
    wrong: int = 0
    rows: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        """Share of the broken rows that were found."""
        return self.found / (self.found + self.missed) if self.found + self.missed else None

    @property
    def precision(self) -> float | None:
        """Share of the flags that were right."""
        return self.found / (self.found + self.wrong) if self.found + self.wrong else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both."""
        total = 2 * self.found + self.missed + self.wrong
        return 2 * self.found / total if total else None

    def add(self, other: "Tally") -> None:
        """Take the rows of another one."""
        self.found += other.found
        self.missed += other.missed
        self.wrong += other.wrong
        self.rows += other.rows
        self.examples += other.examples


# By check and defect.
Tallies = dict[tuple[str, str], Tally]
_EXAMPLES: Final = 20


def flags_of(frame: pl.DataFrame, context: CheckContext, check_ids: Collection[str] | None = None) -> Flags:
    """Return the rows that each check flags; those that cannot run have no entry."""
    sound = with_positions(frame.drop(ORIGIN, strict=False), "data")
    outcomes, _ = run_checks([sound], context, check_ids, sample_limit=_ALL)
    return {one.check_id: np.array([sample["row"] for sample in one.samples], np.int64) for one in outcomes}


def old_flags(frame: pl.DataFrame, before: Rows | None) -> Rows:
    """Return the rows of a broken frame that were flagged when it was sound."""
    known = frame[ORIGIN].fill_null(-1).to_numpy()
    return np.flatnonzero(np.isin(known, before)) if before is not None else np.empty(0, np.int64)


def judge(material: Material, defects: Iterable[Defect], seeds: Sequence[int]) -> Tallies:
    """Break a material in each way, once per seed, and count."""
    tallies: Tallies = {}
    before = flags_of(material.frame, material.context(material.frame))
    for defect, broken in broken_frames(material, defects, seeds):
        context = material.context(broken.frame)
        after = flags_of(broken.frame, context)
        for check_id, flagged in after.items():
            if check_id in defect.spoils:
                continue
            old = old_flags(broken.frame, before.get(check_id))
            count(tallies, material.name, defect, check_id, broken, np.setdiff1d(flagged, old), old)
    return tallies


def broken_frames(
    material: Material, defects: Iterable[Defect], seeds: Sequence[int]
) -> Iterator[tuple[Defect, Broken]]:
    """Yield a material broken in each way that fits it, once per seed."""
    frame = material.frame.with_row_index(ORIGIN).with_columns(pl.col(ORIGIN).cast(pl.Int64))
    context = material.context(material.frame)
    for defect in defects:
        if material.data_type not in defect.data_types:
            continue
        for seed in seeds:
            broken = defect.put(Site(frame, context, material.tick, np.random.default_rng(seed)))
            if broken is not None:
                yield defect, broken


def count(
    tallies: Tallies, material: str, defect: Defect, check_id: str, broken: Broken, flagged: Rows, old: Rows
) -> None:
    """Add what one check made of one broken frame; rows that were flagged before it was broken (`old`) count not."""
    tally = tallies.setdefault((check_id, defect.name), Tally())
    tally.rows += len(broken.frame)
    if check_id in defect.finds:
        wanted = np.setdiff1d(broken.rows, old)
        right = np.intersect1d(flagged, wanted)
        missed = np.setdiff1d(wanted, right)
        tally.found += len(right)
        tally.missed += len(missed)
        _note(tally, f"missed in {material}", missed, broken)
        allowed = np.union1d(broken.rows, broken.around)
    elif check_id in defect.may_flag:
        allowed = np.union1d(broken.rows, broken.around)
    else:
        allowed = np.empty(0, np.int64)
    wrong = np.setdiff1d(flagged, allowed)
    tally.wrong += len(wrong)
    _note(tally, f"wrong in {material}", wrong, broken)


def _note(tally: Tally, what: str, rows: Rows, broken: Broken) -> None:
    origins = broken.frame[ORIGIN]
    for row in rows[: _EXAMPLES - len(tally.examples)]:
        tally.examples.append(f"{what}, row {row} (was {origins[int(row)]})")
