"""What one check marks in a frame, added to its finding."""

import polars as pl

from quality_app.checks.check import Check, CheckContext
from quality_app.checks.partial import Finding
from quality_app.checks.samples import take_samples


def marks_of(check: Check, frame: pl.DataFrame, context: CheckContext) -> pl.Series | None:
    """Return the marks of all rows; None where the check marks none."""
    marks = None if check.rule is None else check.rule(frame, context)
    return frame.select(marks).to_series() if isinstance(marks, pl.Expr) else marks


def judge(
    check: Check, frame: pl.DataFrame, context: CheckContext, rows: tuple[int, int], finding: Finding, limit: int
) -> None:
    """Add what a check finds in the frame's rows [first, last): an exact count, and samples up to the limit."""
    first, last = rows
    found = marks_of(check, frame, context)
    marks = None if found is None else found.slice(first, last - first)
    if marks is None or not marks.any():
        return
    finding.violations += int(marks.sum())
    wanted = limit - len(finding.samples)
    if wanted > 0:
        finding.samples.extend(take_samples(frame, marks.arg_true().head(wanted) + first, check, context))
