"""Which missing bars are explained by quiet trading. Pure: no Django.

A run of k missing bars is illiquid when an instrument that trades as rarely as this one does at that time of week
leaves k bars in a row out with a probability of at least ALPHA: (1 - p)^k, with p the share of expected bars that
are there. p is estimated per hour of the session week, without the run itself, and shrunk to the share of the whole
dataset by PRIOR bars, so that a few weeks suffice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality_app.gaps.grid import Grid, Int64s

ALPHA: Final = 0.01
PRIOR: Final = 20.0


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of missing closes by number: first and last, inclusive."""

    start: Int64s
    end: Int64s


def classify(runs: Runs, grid: Grid, first: int, last: int) -> tuple[Runs, npt.NDArray[np.bool_]]:
    """Tell illiquid runs from unexplained ones.

    A run that closed hours interrupt is judged piece by piece. It is illiquid when every piece is, and is then cut
    into them: two quiet minutes on both sides of a weekend are two gaps. Otherwise it stays one hole.

    Args:
        runs: All missing closes of the range.
        grid: What they were held against.
        first, last: The range that was scanned, by number.

    Returns:
        The runs, cut where they are illiquid, and which of them are illiquid.

    """
    if not len(runs.start):
        return runs, np.array([], np.bool_)
    pieces = _pieces(runs, grid)
    quiet = _with_probability(pieces, grid, first, last)
    quiet = quiet.with_columns(pl.col("quiet").all().over("run").alias("all_quiet")).with_columns(
        pl.when("all_quiet").then("block").otherwise(0).alias("part")
    )
    found = (
        quiet.group_by("run", "part")
        .agg(pl.col("start").min(), pl.col("end").max(), pl.col("all_quiet").first())
        .sort("start")
    )
    cut = Runs(found["start"].to_numpy(), found["end"].to_numpy())
    return cut, found["all_quiet"].to_numpy()


def _pieces(runs: Runs, grid: Grid) -> pl.DataFrame:
    """Cut runs at the grid's segments: at most one row per run and one per segment."""
    from_segment, to_segment = grid.segment_of(runs.start), grid.segment_of(runs.end)
    counts = to_segment - from_segment + 1
    run = np.repeat(np.arange(len(counts)), counts)
    segment = from_segment[run] + np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = np.maximum(runs.start[run], grid.before[segment])
    end = np.minimum(runs.end[run], grid.ends()[segment] - 1)
    return pl.DataFrame(
        {
            "run": run,
            "block": grid.block[segment],
            "bucket": grid.bucket[segment],
            "start": start,
            "end": end,
            "missing": end - start + 1,
        }
    )


def _with_probability(pieces: pl.DataFrame, grid: Grid, first: int, last: int) -> pl.DataFrame:
    """Return runs cut at closed hours, with whether each is quiet: (1 - p)^k >= ALPHA."""
    expected_in = np.maximum(np.minimum(grid.ends(), last + 1) - np.maximum(grid.before, first), 0)
    expected = int(expected_in.sum())
    present = expected - int(pieces["missing"].sum())
    activity = (
        pl.DataFrame({"bucket": grid.bucket, "expected": expected_in})
        .group_by("bucket")
        .sum()
        .join(pieces.group_by("bucket").agg(pl.col("missing").sum().alias("absent")), on="bucket")
        .with_columns((pl.col("expected") - pl.col("absent")).alias("present"))
    )
    in_run = pl.col("missing").sum().over("run")
    in_bucket = pl.col("missing").sum().over("run", "bucket")
    # Without the run's own bars: a hole must not explain itself.
    overall = present / (expected - in_run).clip(1)
    rate = (pl.col("present") + PRIOR * overall) / (pl.col("expected") - in_bucket + PRIOR)
    return (
        pieces.join(activity, on="bucket", how="left")
        .with_columns(((1 - rate).clip(1e-300).log() * pl.col("missing")).alias("log_chance"))
        .group_by("run", "block")
        .agg(pl.col("start").min(), pl.col("end").max(), pl.col("log_chance").sum())
        .with_columns((pl.col("log_chance") >= float(np.log(ALPHA))).alias("quiet"))
    )
